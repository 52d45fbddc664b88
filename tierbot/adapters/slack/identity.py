"""The owner of a bot token, looked up once rather than on every request."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.authorize import Authorize
from slack_bolt.context import BoltContext


@dataclass(frozen=True, slots=True)
class Identity:
    """The bot and workspace that a token belongs to, as auth.test reports them."""

    team_id: str
    team: str
    bot_user_id: str
    bot_id: str
    token: str

    def __repr__(self) -> str:
        return f"Identity({self.team_id}, {self.bot_user_id})"  # no token in logs


class AuthorizeBot(Authorize):
    """Bolt's `authorize`, without a request to Slack per event. `find` returns the bot for (team, enterprise)."""

    def __init__(self, find: Callable[[str | None, str | None], Identity | None]) -> None:
        self._find = find

    def __call__(
        self, *, context: BoltContext, enterprise_id: str | None, team_id: str | None, **_: Any
    ) -> AuthorizeResult | None:
        """Return the bot that serves a request; None where the app isn't installed."""
        bot = self._find(team_id, enterprise_id)
        if bot is None:
            return None
        return AuthorizeResult(
            enterprise_id=enterprise_id,
            team_id=team_id,
            team=bot.team,
            bot_user_id=bot.bot_user_id,
            bot_id=bot.bot_id,
            bot_token=bot.token,
            user_id=context.user_id,
        )
