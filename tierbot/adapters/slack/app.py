"""The Bolt app and its listeners. Building it sends no requests."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from slack_bolt import App
from slack_sdk import WebClient

from tierbot.adapters.slack import channels, faults
from tierbot.adapters.slack.calls import call, web_client
from tierbot.adapters.slack.commands import listeners
from tierbot.adapters.slack.dependencies import Dependencies
from tierbot.adapters.slack.directory import Directory
from tierbot.adapters.slack.home import direct_messages
from tierbot.adapters.slack.home import listeners as home
from tierbot.adapters.slack.identity import AuthorizeBot, Identity
from tierbot.adapters.slack.installation import oauth
from tierbot.adapters.slack.installation.oauth import Installing
from tierbot.adapters.slack.needs import Needs
from tierbot.adapters.slack.pools import FullFollowingPool
from tierbot.adapters.slack.reactions import dropped_events, emoji_changes, inbox
from tierbot.adapters.slack.responses import LimitResponses
from tierbot.adapters.slack.shortcuts import legend, tagging
from tierbot.adapters.slack.shortcuts import listeners as shortcuts
from tierbot.logs import FollowingExecutor
from tierbot.use_cases.ports import Meter

NEEDS = Needs(methods={"auth.test": ()})
_NOT_INSTALLED = "tierbot isn't installed in this workspace. Ask the person who manages your apps to install it."
LISTENER_THREADS = 32  # with Bolt's default of five, five slow commands would block every other one


def identify(client: WebClient) -> Identity:
    """Ask Slack who owns the client's token. Raises what `call` raises, such as ChatError for an invalid token."""
    said = call(client.auth_test)
    return Identity(
        team_id=str(said["team_id"]),
        team=str(said.get("team") or said["team_id"]),
        bot_user_id=str(said["user_id"]),
        bot_id=str(said.get("bot_id") or ""),
        token=str(client.token),
    )


def build_app(
    deps: Dependencies,
    identity: Identity | None,
    *,
    base_url: str = WebClient.BASE_URL,
    installing: Installing | None = None,
    ignored_users: frozenset[str] = frozenset(),
    meter: Meter | None = None,
) -> App:
    """Return the app with every listener registered, for the workspaces of `installing` or only that of `identity`."""
    authorize = None
    if installing:
        authorize = AuthorizeBot(installing.installations.asked_by)
    elif identity:
        authorize = AuthorizeBot(lambda team, _: identity if team == identity.team_id else None)
    with _muted(logging.getLogger("slack_bolt.App")):
        app = App(
            name="tierbot.bolt",  # not "tierbot": Bolt sets the level of the logger with this name to the root's
            client=web_client(None, base_url, meter),
            authorize=authorize,  # type: ignore[arg-type] # it returns None for "not installed"
            oauth_settings=installing.settings if installing else None,
            before_authorize=LimitResponses(),
            user_facing_authorize_error_message=_NOT_INSTALLED,
            signing_secret="",
            raise_error_for_unhandled_request=True,  # our error handler acknowledges it
            request_verification_enabled=False,  # connection/web.py does that
            listener_executor=FullFollowingPool(LISTENER_THREADS, "slack-listener"),
        )
    directory = Directory(deps.clock)
    inbox.register(app, inbox.Inbox(deps.game, deps.clock, ignored_users))
    dropped_events.register(app, deps.on_events_missed)
    emoji_changes.register(app, deps.on_emoji_changed)
    channels.register(app, deps.channel_news)
    listeners.register(app, deps, directory)
    # Slow listeners use the encoder, so run one at a time and leave the CPU to clicks.
    slow = FollowingExecutor(1, thread_name_prefix="slack-slow")
    shortcuts.register(app, deps, slow)
    home.register(app, deps, directory, slow)
    tagging.register(app, deps)
    legend.register(app, deps)
    direct_messages.register(app, deps, directory)
    if installing:
        oauth.register(app, installing.installations)
    faults.register(app)
    return app


@contextmanager
def _muted(logger: logging.Logger) -> Iterator[None]:
    # Bolt reads SLACK_BOT_TOKEN itself and warns that our authorize() takes precedence, which is intended.
    # A filter, because Bolt resets the logger's level.
    def drop(_: logging.LogRecord) -> bool:
        return False

    logger.addFilter(drop)
    try:
        yield
    finally:
        logger.removeFilter(drop)
