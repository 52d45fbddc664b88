"""The codes that the authorize page gave out, each good for ten minutes and one exchange."""

from dataclasses import dataclass

from tierbot.sandbox.kit.clock import Clock
from tierbot.sandbox.kit.errors import SlackError

CODE_LIVES = 600.0


@dataclass(slots=True)
class Code:
    """What a code stands for. `team` is the id of the team where it was asked for."""

    team: str
    user: str
    org_wide: bool
    redirect_uri: str
    scopes: tuple[str, ...]
    expires_at: float


class Codes:
    """The codes that are not used up yet."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, Code] = {}

    def add(self, code: str, meant: Code) -> None:
        """Keep a code that was given out."""
        self._known[code] = meant

    def exchange(self, code: str, redirect_uri: str) -> Code:
        """Use a code up."""
        found = self._known.pop(code, None)
        if found is None or self._clock.time() > found.expires_at:
            raise SlackError("invalid_code")
        if found.redirect_uri != redirect_uri:
            raise SlackError("bad_redirect_uri")
        return found
