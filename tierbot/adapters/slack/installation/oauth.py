"""Install the app in many workspaces: Bolt's OAuth flow over our database, and the events that end an installation.

Bolt shows the page, sets the cookie, checks the state and exchanges the code; this module stores the result.
`AuthorizeBot` replaces Bolt's own authorize, which calls auth.test for each event.
"""

import html
import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from slack_bolt import App, BoltContext
from slack_bolt.error import BoltError
from slack_bolt.oauth.callback_options import CallbackOptions, FailureArgs, SuccessArgs
from slack_bolt.oauth.oauth_settings import OAuthSettings
from slack_bolt.response import BoltResponse
from slack_sdk.oauth.installation_store import Installation as SlackInstallation
from slack_sdk.oauth.installation_store import InstallationStore
from slack_sdk.oauth.state_store import OAuthStateStore

from tierbot.adapters.slack.calls import call, web_client
from tierbot.adapters.slack.installation.installations import Installations
from tierbot.adapters.slack.needs import Needs
from tierbot.domain.nouns import TierbotError
from tierbot.use_cases.ports import ChatError, Clock, Installation, Store

NEEDS = Needs(
    methods={"auth.test": ()},
    events={"app_uninstalled": (), "tokens_revoked": (), "team_access_granted": (), "team_access_revoked": ()},
)
INSTALL_PATH, REDIRECT_PATH = "/slack/install", "/slack/oauth_redirect"

_log = logging.getLogger(__name__)
_STATE_LIFETIME = timedelta(minutes=10)
_TIMEOUT = 2  # seconds; Slack waits three for an event's acknowledgment


class _States(OAuthStateStore):
    """OAuth states in the database; each is valid once, for ten minutes."""

    def __init__(self, store: Store, client_id: str, clock: Clock) -> None:
        self._store = store
        self._client_id = client_id
        self._clock = clock

    def issue(self, *args: Any, **kwargs: Any) -> str:  # noqa: ARG002 - the SDK's signature
        state, now = secrets.token_urlsafe(32), self._clock.now()
        with self._store.begin(self._client_id) as tx:
            tx.installations.give_state(state, now + _STATE_LIFETIME, now)
        return state

    def consume(self, state: str) -> bool:
        with self._store.begin(self._client_id) as tx:
            return tx.installations.take_state(state, self._clock.now())


class _InstallationWriter(InstallationStore):
    """Stores what Bolt's flow installed. Reading goes through AuthorizeBot."""

    def __init__(self, installations: Installations, clock: Clock) -> None:
        self._installations = installations
        self._clock = clock

    def save(self, installation: SlackInstallation) -> None:
        """Store an installation. Raises BoltError, which Bolt shows as a page."""
        try:
            stored = _installation(installation, self._clock.now())
            self._installations.begin(stored, str(installation.bot_token))
        except TierbotError as fault:
            _log.error("Could not store an installation: %s", fault)
            raise BoltError(str(fault)) from fault
        _log.info("%s installed the app in %s (%s).", stored.installer, stored.name, stored.id)


_REFUSED = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>tierbot was not installed</title>
<style>body {{ max-width: 36rem; margin: 4rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif }}</style></head>
<body><h1>tierbot was not installed</h1><p>{reason}</p></body>
</html>
"""


def _succeeded(told: SuccessArgs) -> BoltResponse:
    return told.default.success(told)


def _failed(told: FailureArgs) -> BoltResponse:
    """Show why an installation was refused. Bolt's own page says to try again, which only helps with Slack's errors."""
    page = told.default.failure(told)
    if told.error is not None:
        page.body = _REFUSED.format(reason=html.escape(str(told.error)))
    return page


def _installation(said: SlackInstallation, now: datetime) -> Installation:
    if not said.bot_token or not said.bot_user_id:
        raise TierbotError(
            "Slack sent no bot token. Does the app's manifest request bot scopes? See `tierbot manifest`."
        )
    if said.bot_refresh_token or said.bot_token_expires_at:
        raise TierbotError(
            "The app has token rotation on, so its tokens expire, and Slack can't turn that off again. Create a new app "
            "from `tierbot manifest`, which sets token_rotation_enabled: false."
        )
    place = said.enterprise_id if said.is_enterprise_install else said.team_id
    if not place:
        raise TierbotError("Slack named neither a workspace nor an organization.")
    name = said.enterprise_name if said.is_enterprise_install else said.team_name
    return Installation(
        id=place,
        name=name or place,
        enterprise=said.enterprise_id,
        org_wide=said.is_enterprise_install,
        bot_user=said.bot_user_id,
        bot_id=said.bot_id or "",
        sealed_token="",
        scopes=tuple(said.bot_scopes or ()),
        installer=said.user_id,
        installed_at=now.astimezone(UTC),
    )


@dataclass(frozen=True, slots=True)
class Installing:
    """Bolt's OAuth settings, and the app's installations."""

    settings: OAuthSettings
    installations: Installations


def installing_of(
    installations: Installations,
    store: Store,
    clock: Clock,
    *,
    client_id: str,
    client_secret: str,
    scopes: tuple[str, ...],
    base_url: str,
    public_url: str,
) -> Installing:
    """Return Bolt's OAuth settings over our database. The state in the database and in the browser's cookie must match.

    `base_url` is Slack's API; `public_url` is ours. If that is empty, Slack uses the app's first redirect URL.
    """
    settings = OAuthSettings(
        client_id=client_id,
        client_secret=client_secret,
        scopes=scopes,
        user_scopes=(),
        redirect_uri=public_url + REDIRECT_PATH if public_url else None,
        install_path=INSTALL_PATH,
        redirect_uri_path=REDIRECT_PATH,
        authorization_url=base_url.rstrip("/").removesuffix("/api") + "/oauth/v2/authorize",
        callback_options=CallbackOptions(success=_succeeded, failure=_failed),
        installation_store=_InstallationWriter(installations, clock),
        state_store=_States(store, client_id, clock),
        state_expiration_seconds=int(_STATE_LIFETIME.total_seconds()),
    )
    return Installing(settings, installations)


def token_works(base_url: str, token: str) -> bool:
    """Ask Slack whether a token works. Raises TierbotError if Slack doesn't answer in 2 s."""
    try:
        call(web_client(token, base_url, timeout=_TIMEOUT).auth_test)
    except ChatError:
        return False
    return True


def about_installations(body: Mapping[str, Any]) -> bool:
    """Return whether a payload is an event about installations."""
    event = body.get("event")
    return isinstance(event, Mapping) and event.get("type") in NEEDS.events


def register(app: App, installations: Installations) -> None:
    """Listen to events about installations. Like reactions, they are recorded before they are acknowledged."""

    def record(event: dict[str, Any], context: BoltContext, next: Callable[[], Any]) -> None:  # noqa: A002 - Bolt injects by name
        """Record an event; if it raises, Bolt answers 500 and Slack delivers again."""
        handle(installations, event, context)
        next()

    def done() -> None:
        """Do nothing: `record` did everything."""

    for kind in NEEDS.events:
        app.event(kind, middleware=[record])(done)


def handle(installations: Installations, event: dict[str, Any], context: BoltContext) -> None:
    """Apply an event about installations."""
    kind, team, enterprise = str(event.get("type")), context.team_id, context.enterprise_id
    if kind in {"team_access_granted", "team_access_revoked"}:
        change = installations.admit if kind == "team_access_granted" else installations.revoked
        teams = event.get("team_ids")
        for one in teams if isinstance(teams, list) and enterprise else ():
            change(str(one), str(enterprise))
        return
    tokens = event.get("tokens")
    if kind == "tokens_revoked" and not (isinstance(tokens, Mapping) and tokens.get("bot")):
        return  # a user token; tierbot stores none
    # Slack names the team for a workspace's own installation and the enterprise for an organization-wide one.
    place = enterprise if context.is_enterprise_install or not team else team
    if place:
        installations.end(place, kind)
