"""The Bolt app: which listeners there are and what they work with. Nothing is requested while it is built."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from slack_bolt import App
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.authorize import Authorize
from slack_bolt.context import BoltContext
from slack_sdk import WebClient

from tierbot.adapters.slack import faults
from tierbot.adapters.slack.commands import listeners
from tierbot.adapters.slack.dependencies import Dependencies
from tierbot.adapters.slack.directory import Directory
from tierbot.adapters.slack.errors import call
from tierbot.adapters.slack.home import listeners as home
from tierbot.adapters.slack.identity import Identity
from tierbot.adapters.slack.installation import oauth
from tierbot.adapters.slack.installation.oauth import AuthorizeInstalled, Installing
from tierbot.adapters.slack.messages.chat import web_client
from tierbot.adapters.slack.needs import Needs
from tierbot.adapters.slack.reactions import inbox
from tierbot.adapters.slack.shortcuts import listeners as shortcuts
from tierbot.adapters.slack.shortcuts import tagging
from tierbot.logs import FollowingExecutor
from tierbot.use_cases.ports import Meter

NEEDS = Needs(methods={"auth.test": ()})
_NOT_HERE = "tierbot is not installed in this workspace (any more). Whoever manages its apps can add it again."
LISTENER_THREADS = 32  # Bolt's own five let a slash command starve behind five slow ones


def identify(client: WebClient) -> Identity:
    """Ask Slack whose token the client carries.

    Raises ChatError (for example invalid_auth, with the remedy), RateLimitedError or ChatUnavailableError.
    """
    said = call("auth.test", client.auth_test)
    return Identity(
        team_id=str(said["team_id"]),
        team=str(said.get("team") or said["team_id"]),
        url=str(said.get("url") or ""),
        bot_user_id=str(said["user_id"]),
        bot_id=str(said.get("bot_id") or ""),
        token=str(client.token),
        enterprise_id=said.get("enterprise_id"),
    )


class AuthorizeOne(Authorize):
    """Bolt's `authorize` for one workspace: no request per event, and no other workspace let in."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def __call__(
        self, *, context: BoltContext, enterprise_id: str | None, team_id: str | None, **_: Any
    ) -> AuthorizeResult | None:
        """Return whose token serves a request; None for another workspace."""
        if team_id != self._identity.team_id:
            return None
        return self._identity.serving(enterprise_id, team_id, context)


def build_app(
    deps: Dependencies,
    authorize: AuthorizeOne | None,
    *,
    base_url: str = WebClient.BASE_URL,
    signing_secret: str | None = None,
    installing: Installing | None = None,
    ignored_users: frozenset[str] = frozenset(),
    directory: Directory | None = None,
    listener_threads: int = LISTENER_THREADS,
    meter: Meter | None = None,
) -> App:
    """Return the app with every listener registered. `signing_secret` is needed for HTTP mode only.

    `installing` is how the app gets into many workspaces and who may act there; without it `authorize` says that.
    """
    allowed = AuthorizeInstalled(installing.installations) if installing else authorize
    with _quiet(logging.getLogger("slack_bolt.App")):
        app = App(
            name="tierbot",
            client=web_client(None, base_url, meter),
            authorize=allowed,  # type: ignore[arg-type] # None is how Bolt is told "not installed"
            oauth_settings=installing.settings if installing else None,
            user_facing_authorize_error_message=_NOT_HERE,
            signing_secret=signing_secret or "",
            raise_error_for_unhandled_request=True,  # our error handler acknowledges it
            request_verification_enabled=signing_secret is not None,
            listener_executor=FollowingExecutor(listener_threads, thread_name_prefix="slack-listener"),
        )
    directory = directory or Directory(deps.clock)
    inbox.register(app, inbox.Inbox(deps.game, deps.clock, directory, ignored_users))
    listeners.register(app, deps, directory)
    # One at a time: what takes seconds takes the encoder, and colleagues' clicks come first.
    slow = FollowingExecutor(1, thread_name_prefix="slack-slow")
    shortcuts.register(app, deps, slow)
    home.register(app, deps, directory, slow)
    tagging.register(app, deps)
    if installing:
        oauth.register(app, installing.installations)
    faults.register(app)
    return app


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    # Bolt reads SLACK_BOT_TOKEN itself and warns that our authorize() outranks it, as it should.
    # By a filter: Bolt sets the level anew.
    def nothing(_: logging.LogRecord) -> bool:
        return False

    logger.addFilter(nothing)
    try:
        yield
    finally:
        logger.removeFilter(nothing)
