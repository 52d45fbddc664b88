"""Bot tokens at rest: sealed with the operator's key before they reach the database, by Fernet (AES-128-CBC, HMAC)."""

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from tierbot.domain.nouns import TierbotError

_MAKE_ONE = "Make one with: openssl rand -base64 32 | tr '+/' '-_'"


class VaultError(TierbotError):
    """TIERBOT_SECRET_KEY is missing, no key, or not the one that tokens were sealed with."""


class Vault:
    """Seals and unseals. The first key seals; any of them unseals, so that a new one can be put before the old."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Take the keys. Raises VaultError if there is none, or one is no key."""
        if not keys:
            raise VaultError(f"TIERBOT_SECRET_KEY must be set: it encrypts the workspaces' tokens. {_MAKE_ONE}")
        try:
            fernets = [Fernet(key) for key in keys]
        except ValueError as fault:
            raise VaultError(
                f"TIERBOT_SECRET_KEY holds what is no key: 32 bytes in URL-safe base64 are wanted. {_MAKE_ONE}"
            ) from fault
        self._first, self._all = fernets[0], MultiFernet(fernets)

    def seal(self, token: str) -> str:
        """Encrypt a token."""
        return self._first.encrypt(token.encode()).decode()

    def unseal(self, sealed: str) -> str:
        """Decrypt a token. Raises VaultError if no key fits."""
        try:
            return self._all.decrypt(sealed).decode()
        except InvalidToken as fault:
            raise VaultError(
                "A workspace's token was sealed with another key than those in TIERBOT_SECRET_KEY. Add the former key "
                "behind the present one (separated by a comma), or let the workspace install the app again."
            ) from fault

    def resealed(self, sealed: str) -> str:
        """Return it sealed with the first key; as it is if it was. Raises VaultError if no key fits."""
        try:
            self._first.decrypt(sealed)
        except InvalidToken:
            return self.seal(self.unseal(sealed))
        return sealed
