"""OAuth codes issued by the authorize page, each valid for ten minutes and one exchange."""

from dataclasses import dataclass

from tierbot.sandbox.kit.clock import Clock
from tierbot.sandbox.kit.errors import SlackError

CODE_LIVES = 600.0


@dataclass(slots=True)
class Code:
    """The installation that a code grants. `team`: id of the team where it was requested."""

    team: str
    user: str
    org_wide: bool
    redirect_uri: str
    scopes: tuple[str, ...]
    expires_at: float


class Codes:
    """The unused codes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, Code] = {}

    def add(self, code: str, granted: Code) -> None:
        """Store an issued code."""
        self._known[code] = granted

    def exchange(self, code: str, redirect_uri: str) -> Code:
        """Redeem a code. Raises SlackError if it is unknown, expired, or for another redirect URI."""
        found = self._known.pop(code, None)
        if found is None or self._clock.time() > found.expires_at:
            raise SlackError("invalid_code")
        if found.redirect_uri != redirect_uri:
            raise SlackError("bad_redirect_uri")
        return found
