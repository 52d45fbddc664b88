"""auth.*, api.test, apps.*, users.*, emoji.*, bots.* and team.*: describe the caller, the users and the workspace."""

from tierbot.sandbox.api.registry import method
from tierbot.sandbox.kit.args import Args
from tierbot.sandbox.kit.errors import SlackError
from tierbot.sandbox.kit.records import Json
from tierbot.sandbox.sandbox import Sandbox
from tierbot.sandbox.state.payloads import user_json


@method("api.test", tier=0, caller="anyone")
def _api_test(box: Sandbox, args: Args) -> Json:  # noqa: ARG001
    """Return the arguments, or the requested error."""
    if "error" in args:
        raise SlackError(args.text("error"))
    return {"args": {"foo": args.text("foo")} if "foo" in args else {}}


@method("auth.test", tier=0, caller="everyone")
def _auth_test(box: Sandbox, args: Args) -> Json:
    if args.token == box.settings.app_token:
        return {"app_name": box.settings.app_name, "app_id": box.app_id}
    who, org = box.caller(args.token), box.teams.org
    grant = box.teams.grant_of(args.token)
    owner = org if grant and org and grant.place == org.id else box.workspace
    return {
        "url": f"https://{box.workspace.domain}.slack.com/",
        "team": owner.name,
        "user": who.name,
        "team_id": owner.id,
        "user_id": who.id,
        **({"bot_id": who.bot_id} if who.bot_id else {}),
        **({"enterprise_id": org.id} if org else {}),
        "is_enterprise_install": owner is org,
    }


@method("auth.revoke", tier=3)
def _auth_revoke(box: Sandbox, args: Args) -> Json:
    if args.flag("test"):
        return {"revoked": False}
    box.revoke_token()
    return {"revoked": True}


@method("apps.connections.open", tier=0, caller="app")
def _connections_open(box: Sandbox, args: Args) -> Json:  # noqa: ARG001
    return {"url": box.hub.issue_url(box.base_url)}


@method("users.info", "users:read", tier=4)
def _users_info(box: Sandbox, args: Args) -> Json:
    user = box.workspace.user(args.need("user", "user_not_found"))
    return {"user": user_json(user, box.workspace.id)}


@method("users.list", "users:read", tier=2)
def _users_list(box: Sandbox, args: Args) -> Json:
    page, cursor = args.page(list(box.workspace.users.values()))
    members = [user_json(user, box.workspace.id) for user in page]
    return {"members": members, "response_metadata": {"next_cursor": cursor}}


@method("emoji.list", "emoji:read", tier=2)
def _emoji_list(box: Sandbox, args: Args) -> Json:  # noqa: ARG001
    return {"emoji": dict(box.workspace.custom_emoji), "cache_ts": box.mint.ts()}


@method("bots.info", "users:read", tier=3)
def _bots_info(box: Sandbox, args: Args) -> Json:
    bot_id = args.text("bot")
    for user in box.workspace.users.values():
        if user.bot_id and user.bot_id == bot_id:
            bot = {"id": bot_id, "name": user.name, "user_id": user.id, "app_id": box.app_id, "deleted": False}
            return {"bot": bot}
    raise SlackError("bot_not_found")


@method("team.info", "team:read", tier=3)
def _team_info(box: Sandbox, args: Args) -> Json:  # noqa: ARG001
    space = box.workspace
    return {"team": {"id": space.id, "name": space.name, "domain": space.domain, "email_domain": ""}}
