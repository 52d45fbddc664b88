"""Encrypt bot tokens with the operator's key before they reach the database (Fernet: AES-128-CBC with HMAC)."""

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from tierbot.domain.nouns import TierbotError

_GENERATE = "Generate one with: openssl rand -base64 32 | tr '+/' '-_'"


class VaultError(TierbotError):
    """TIERBOT_SECRET_KEY is missing, invalid, or not the key that encrypted a token."""


class Vault:
    """Encrypts with the first key and decrypts with any of them, so a new key can precede the old one."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Raise VaultError if `keys` is empty or one is invalid."""
        if not keys:
            raise VaultError(f"Set TIERBOT_SECRET_KEY: it encrypts the workspaces' tokens. {_GENERATE}")
        try:
            fernets = [Fernet(key) for key in keys]
        except ValueError as fault:
            raise VaultError(
                f"TIERBOT_SECRET_KEY contains an invalid key. Expected 32 bytes in URL-safe base64. {_GENERATE}"
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
                "No key in TIERBOT_SECRET_KEY decrypts a workspace's token. Append the old key after the current one, "
                "separated by a comma, or install the app again in that workspace."
            ) from fault

    def resealed(self, sealed: str) -> str:
        """Return a token encrypted with the first key, unchanged if it already is. Raises VaultError if no key fits."""
        try:
            self._first.decrypt(sealed)
        except InvalidToken:
            return self.seal(self.unseal(sealed))
        return sealed
