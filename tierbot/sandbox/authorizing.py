"""Install an app with OAuth: the authorize page, the code it sends back, and the exchange of the code for a token."""

import base64
import html
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tierbot.sandbox.api.registry import method
from tierbot.sandbox.kit.args import Args
from tierbot.sandbox.kit.errors import SlackError
from tierbot.sandbox.kit.records import Code, Json
from tierbot.sandbox.sandbox import Sandbox

_CODE_LIVES = 600.0
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


class Authorizing:
    """The authorize page."""

    def __init__(self, box: Sandbox) -> None:
        self._first = box

    async def page(self, request: Request) -> Response:
        """Show the installation form; on POST, redirect the browser with a code or with access_denied."""
        asked = dict(request.query_params)
        try:
            redirect_uri = self._redirect_uri(asked)
            scopes = self._scopes(asked)
            if request.method == "GET":
                return self._ask(asked)
            form = dict(parse_qsl((await request.body()).decode()))
            answer = {"state": asked.get("state", "")}
            if form.get("decision") != "allow":
                return _back(redirect_uri, {"error": "access_denied", **answer})
            return _back(redirect_uri, {"code": self._allow(form, asked, scopes), **answer})
        except SlackError as error:
            return HTMLResponse(f"<h1>Something went wrong</h1><p>{html.escape(str(error))}</p>", 400, _HEADERS)

    def _redirect_uri(self, asked: dict[str, str]) -> str:
        settings = self._first.settings
        if asked.get("client_id") != settings.client_id or not settings.client_id:
            raise SlackError("invalid_client_id")
        requested = asked.get("redirect_uri", "")
        if not settings.redirect_urls:
            raise SlackError("no_redirect_urls: set one with --redirect-url or in the manifest")
        if not requested:
            return settings.redirect_urls[0]
        if not any(requested == url or requested.startswith(url.rstrip("/") + "/") for url in settings.redirect_urls):
            raise SlackError("bad_redirect_uri: it matches none of the configured URLs")
        return requested

    def _scopes(self, asked: dict[str, str]) -> tuple[str, ...]:
        scopes = tuple(part for part in asked.get("scope", "").split(",") if part)
        if not scopes and not asked.get("user_scope"):
            raise SlackError("no_scopes")
        if unknown := sorted(set(scopes) - self._first.settings.scopes):
            raise SlackError(f"invalid_scope: {', '.join(unknown)}")
        return scopes

    def _ask(self, asked: dict[str, str]) -> Response:
        teams = self._first.teams
        offered = [box for team, box in teams.boxes.items() if asked.get("team", team) == team]
        everywhere = [(teams.org.id, f"all of {teams.org.name}")] if teams.org else []
        options = "".join(
            f'<option value="{html.escape(f"{place} {user.id}")}">{html.escape(f"{name}, as {user.name}")}</option>'
            for box in offered
            for place, name in [(box.workspace.id, box.workspace.name), *everywhere]
            for user in box.workspace.users.values()
            if not user.is_bot and not user.is_external
        )
        app = html.escape(self._first.settings.app_name)
        body = (
            f"<h1>{app} is requesting access to your workspace</h1><p>Scopes: {html.escape(asked.get('scope', ''))}</p>"
            f'<form method="post"><select name="where">{options}</select>'
            '<button name="decision" value="allow">Allow</button>'
            '<button name="decision" value="deny">Cancel</button></form>'
        )
        return HTMLResponse(body, headers=_HEADERS)

    def _allow(self, form: dict[str, str], asked: dict[str, str], scopes: tuple[str, ...]) -> str:
        teams = self._first.teams
        place, _, user_id = form.get("where", "").partition(" ")
        org_wide = teams.org is not None and place == teams.org.id
        boxes = list(teams.boxes.values()) if org_wide else [teams.boxes[place]] if place in teams.boxes else []
        box = next((one for one in boxes if user_id in one.workspace.users), None)
        if box is None:
            raise SlackError("no_such_team_or_user")
        user = box.workspace.users[user_id]
        if user.is_bot or user.is_external or (org_wide and not user.is_admin):
            raise SlackError("not_allowed_to_install")
        code = f"{teams.secrets.randrange(10**10)}.{teams.secrets.getrandbits(128):032x}"
        expires = box.clock.time() + _CODE_LIVES
        redirect_uri = asked.get("redirect_uri", "")
        teams.codes[code] = Code(box.workspace.id, user.id, org_wide, redirect_uri, scopes, expires)
        return code


def _back(redirect_uri: str, answer: dict[str, str]) -> Response:
    joint = "&" if "?" in redirect_uri else "?"
    return RedirectResponse(f"{redirect_uri}{joint}{urlencode(answer)}", 302, _HEADERS)


def credentials(authorization: str) -> dict[str, str]:
    """Return what an Authorization header carries: a token (Bearer), or an OAuth client's id and secret (Basic)."""
    kind, _, text = authorization.partition(" ")
    if kind.lower() == "bearer" and text.strip():
        return {"token": text.strip()}
    if kind.lower() != "basic":
        return {}
    try:
        client_id, _, secret = base64.b64decode(text, validate=True).decode().partition(":")
    except ValueError:
        return {}
    return {"client_id": client_id, "client_secret": secret}


@method("oauth.v2.access", tier=0, caller="anyone")
def _oauth_access(box: Sandbox, args: Args) -> Json:
    settings, teams = box.settings, box.teams
    if not settings.client_id or args.text("client_id") != settings.client_id:
        raise SlackError("invalid_client_id")
    if args.text("client_secret") != settings.client_secret:
        raise SlackError("bad_client_secret")
    if args.text("grant_type", "authorization_code") != "authorization_code":
        raise SlackError("invalid_grant_type")
    code = teams.codes.pop(args.text("code"), None)
    if code is None or box.clock.time() > code.expires_at:
        raise SlackError("invalid_code")
    if code.redirect_uri != args.text("redirect_uri"):
        raise SlackError("bad_redirect_uri")
    team = teams.boxes[code.team]
    org, space = teams.org, team.workspace
    place = org.id if code.org_wide and org else space.id
    if code.org_wide and org:
        org.installed = True
    space.note(code.user, "install", place=place)
    rotating = {"refresh_token": f"xoxe-1-{teams.secrets.getrandbits(96):024x}", "expires_in": 43_200}
    return {
        "access_token": teams.issue(place),
        "token_type": "bot",
        "scope": ",".join(code.scopes),
        "bot_user_id": team.bot.id,
        "app_id": box.app_id,
        "team": None if code.org_wide else {"id": space.id, "name": space.name},
        "enterprise": team.enterprise,
        "is_enterprise_install": code.org_wide,
        "authed_user": {"id": code.user},
        **(rotating if settings.token_rotation else {}),
    }
