"""Generate Slack-like ids from a seeded generator, and timestamps that never repeat."""

import string
from random import Random
from uuid import UUID

from tierbot.sandbox.kit.clock import Clock

_ALPHABET = string.ascii_uppercase + string.digits
_MICROSECONDS = 1_000_000


class Mint:
    """Generate ids (`U0ABC…`), timestamps (`1712345678.000100`) and secrets."""

    def __init__(
        self, clock: Clock, rng: Random, *, secrets: Random | None = None, counting_from: int | None = None
    ) -> None:
        """With `counting_from` (seconds), timestamps count up from there, so two teams get the same ones."""
        self._clock = clock
        self._rng = rng
        self._secrets = secrets or rng
        self.counting_from = counting_from
        self._last_ts = (counting_from or 0) * _MICROSECONDS

    def id(self, prefix: str) -> str:
        """Return a new id such as `C0XK3…`."""
        return prefix + "0" + "".join(self._rng.choices(_ALPHABET, k=9))

    def hex(self, length: int = 24) -> str:
        """Return random lowercase hexadecimal digits."""
        return f"{self._secrets.getrandbits(length * 4):0{length}x}"

    def uuid(self) -> str:
        """Return an envelope id."""
        return str(UUID(self.hex(32)))

    def ts(self) -> str:
        """Return a message or event timestamp later than all earlier ones."""
        elapsed = 0 if self.counting_from else int(self._clock.time() * _MICROSECONDS)
        micro = self._last_ts = max(elapsed, self._last_ts + 1)
        return f"{micro // _MICROSECONDS}.{micro % _MICROSECONDS:06d}"

    def trigger(self) -> str:
        """Return a trigger id."""
        return f"{self._rng.randrange(10**12)}.{self._rng.randrange(10**12)}.{self.hex(32)}"
