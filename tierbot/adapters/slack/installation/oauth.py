"""Installing the app in many workspaces: Bolt's own OAuth flow over our database, and the events that end it.

Bolt shows the page, sets the cookie, checks the state and exchanges the code; here is where it keeps things. Who may
act is told by `AuthorizeInstalled` rather than by Bolt's own authorize, which asks auth.test for each event.
"""

import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from slack_bolt import App, BoltContext
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.authorize import Authorize
from slack_bolt.error import BoltError
from slack_bolt.oauth.oauth_settings import OAuthSettings
from slack_sdk import WebClient
from slack_sdk.oauth.installation_store import Installation as SlackInstallation
from slack_sdk.oauth.installation_store import InstallationStore
from slack_sdk.oauth.state_store import OAuthStateStore

from tierbot.adapters.slack.errors import call
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
_STATE_LIVES = timedelta(minutes=10)
_SOON = 2  # seconds: Slack waits three for an event's acknowledgement


class States(OAuthStateStore):
    """The states that /slack/install gives out, in the database: each works once, within ten minutes."""

    def __init__(self, store: Store, client_id: str, clock: Clock) -> None:
        self._store = store
        self._client_id = client_id
        self._clock = clock

    def issue(self, *args: Any, **kwargs: Any) -> str:  # noqa: ARG002 - the SDK's signature
        """Return a new state."""
        state, now = secrets.token_urlsafe(32), self._clock.now()
        with self._store.begin(self._client_id) as tx:
            tx.installations.give_state(state, now + _STATE_LIVES, now)
        return state

    def consume(self, state: str) -> bool:
        """Use a state up; False if there is none."""
        with self._store.begin(self._client_id) as tx:
            return tx.installations.take_state(state, self._clock.now())


class Keeper(InstallationStore):
    """Keeps what Bolt's flow installed. Nothing is read through it: see AuthorizeInstalled."""

    def __init__(self, installations: Installations, clock: Clock) -> None:
        self._installations = installations
        self._clock = clock

    def save(self, installation: SlackInstallation) -> None:
        """Keep it. Raises BoltError, which Bolt shows as a page, if that cannot be."""
        try:
            noun = _noun(installation, self._clock.now())
            self._installations.begin(noun, str(installation.bot_token))
        except TierbotError as fault:
            _log.error("An installation could not be kept: %s", fault)
            raise BoltError(str(fault)) from fault
        _log.info("The app was installed in %s (%s) by %s.", noun.name, noun.id, noun.installer)


def _noun(said: SlackInstallation, now: datetime) -> Installation:
    if not said.bot_token or not said.bot_user_id:
        raise TierbotError(
            "Slack gave no bot token. Does the app's manifest ask for bot scopes? See `tierbot manifest`."
        )
    if said.bot_refresh_token or said.bot_token_expires_at:
        raise TierbotError(
            "The app's tokens are set to expire (token rotation). Turn that off: `tierbot manifest` says "
            "token_rotation_enabled: false. Slack does not ask for it; an app that has it on can only be made anew."
        )
    place = said.enterprise_id if said.is_enterprise_install else said.team_id
    if not place:
        raise TierbotError("Slack named neither a workspace nor an organisation.")
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


class AuthorizeInstalled(Authorize):
    """Bolt's authorize over our installations: no request to Slack per event."""

    def __init__(self, installations: Installations) -> None:
        self._installations = installations

    def __call__(
        self, *, context: BoltContext, enterprise_id: str | None, team_id: str | None, **_: Any
    ) -> AuthorizeResult | None:
        """Return whose token serves a request; None where the app is not installed."""
        found = self._installations.asked_by(team_id, enterprise_id)
        return found.serving(enterprise_id, team_id, context) if found is not None else None


@dataclass(frozen=True, slots=True)
class Installing:
    """How the app gets into many workspaces: Bolt's settings, and where it is."""

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
    """Return Bolt's settings over our database; the state lives there and in the browser's cookie, and both must agree.

    `base_url` is that of Slack's API. `public_url` is where we are; empty: Slack takes the app's first redirect URL.
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
        installation_store=Keeper(installations, clock),
        state_store=States(store, client_id, clock),
        state_expiration_seconds=int(_STATE_LIVES.total_seconds()),
    )
    return Installing(settings, installations)


def token_works(base_url: str) -> Callable[[str], bool]:
    """Return what asks Slack whether a token works; it raises TierbotError if Slack does not say within seconds."""

    def works(token: str) -> bool:
        client = WebClient(token=token, base_url=base_url.rstrip("/") + "/", timeout=_SOON, retry_handlers=[])
        try:
            call("auth.test", client.auth_test)
        except ChatError:
            return False
        return True

    return works


def about_installations(body: Mapping[str, Any]) -> bool:
    """Say whether a payload is an event about installations rather than one of a workspace's."""
    event = body.get("event")
    return isinstance(event, Mapping) and event.get("type") in NEEDS.events


def register(app: App, installations: Installations) -> None:
    """Listen to what Slack says of installations: written down before it is acknowledged, as reactions are."""

    def hear(event: dict[str, Any], context: BoltContext, next: Callable[[], Any]) -> None:  # noqa: A002 - Bolt injects by name
        """Take one event; a fault answers 500, and Slack delivers again."""
        take(installations, event, context)
        next()

    def heard() -> None:
        """Everything is done."""

    for kind in NEEDS.events:
        app.event(kind, middleware=[hear])(heard)


def take(installations: Installations, event: dict[str, Any], context: BoltContext) -> None:
    """Do what an event about installations says."""
    kind, team, enterprise = str(event.get("type")), context.team_id, context.enterprise_id
    if kind in {"team_access_granted", "team_access_revoked"}:
        change = installations.admit if kind == "team_access_granted" else installations.revoked
        teams = event.get("team_ids")
        for one in teams if isinstance(teams, list) and enterprise else ():
            change(str(one), str(enterprise))
        return
    tokens = event.get("tokens")
    if kind == "tokens_revoked" and not (isinstance(tokens, Mapping) and tokens.get("bot")):
        return  # a person's token; tierbot keeps none
    # Of a workspace's own installation Slack tells with its team; of one in the whole organisation, as such.
    place = enterprise if context.is_enterprise_install or not team else team
    if place:
        installations.end(place, kind)
