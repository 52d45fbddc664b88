"""Whose a bot token is: what every request needs to know and nothing has to ask for twice."""

from dataclasses import dataclass

from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context import BoltContext


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a bot token belongs to, as auth.test says once at the start."""

    team_id: str
    team: str
    url: str
    bot_user_id: str
    bot_id: str
    token: str
    enterprise_id: str | None = None

    def __repr__(self) -> str:
        return f"Identity({self.team_id}, {self.bot_user_id})"  # no token in logs

    def serving(self, enterprise_id: str | None, team_id: str | None, context: BoltContext) -> AuthorizeResult:
        """Return what Bolt wants to know of the bot that serves a request."""
        return AuthorizeResult(
            enterprise_id=enterprise_id,
            team_id=team_id,
            team=self.team,
            url=self.url,
            bot_user_id=self.bot_user_id,
            bot_id=self.bot_id,
            bot_token=self.token,
            user_id=context.user_id,
        )
