"""Actions of a colleague that need no answer from the app: quick, synchronous, and allowed in batches."""

from collections.abc import Callable
from typing import Any

from tierbot.sandbox.kit.errors import SlackError
from tierbot.sandbox.kit.records import Json, Message
from tierbot.sandbox.sandbox import Sandbox

Act = Callable[[Sandbox, Json], Json]


def need(body: Json, *names: str) -> list[str]:
    """Return required string fields of a control call."""
    values = [body.get(name) for name in names]
    for name, value in zip(names, values, strict=True):
        if not isinstance(value, str) or not value:
            raise SlackError("invalid_arguments", messages=[f"missing required field: {name}"])
    return [str(value) for value in values]


def _place(box: Sandbox, body: Json) -> str:
    return box.find_channel(str(body.get("channel") or box.home_channel.id)).id


def react(box: Sandbox, body: Json) -> Json:
    """`{user, ts, name, channel?, remove?}`: add or remove a user's reaction."""
    user, ts, name = need(body, "user", "ts", "name")
    user_id, channel = box.find_user(user).id, _place(box, body)
    change = box.workspace.unreact if body.get("remove") else box.workspace.react
    return {"event_ts": change(user_id, channel, ts, name)}


def unreact(box: Sandbox, body: Json) -> Json:
    """`{user, ts, name, channel?}`: remove a user's reaction."""
    return react(box, {**body, "remove": True})


def message(box: Sandbox, body: Json) -> Json:
    """`{user, text, channel?, thread_ts?, blocks?}`: post a message as a user."""
    user, text = need(body, "user", "text")
    sender = box.find_user(user)
    channel = box.workspace.channel(_place(box, body))
    if sender.id not in channel.members:
        raise SlackError("not_in_channel")
    said = Message(
        channel=channel.id,
        user=sender.id,
        text=text,
        blocks=body.get("blocks"),
        bot_id=sender.bot_id,
        thread_ts=body.get("thread_ts"),
    )
    box.workspace.post(said)
    if not sender.is_bot:
        box.workspace.note(sender.id, "message", channel=channel.id, ts=said.ts)
    return {"ts": said.ts, "channel": channel.id}


def delete(box: Sandbox, body: Json) -> Json:
    """`{ts?, channel?}`: delete any message, as an admin can; without `ts`, the app's newest."""
    place = _place(box, body)
    own = [ts for ts, said in box.workspace.channel(place).messages.items() if said.user == box.bot.id]
    ts = str(body["ts"]) if "ts" in body else max(own, default="")
    box.workspace.delete(place, ts)
    return {"ts": ts}


def direct(box: Sandbox, body: Json) -> Json:
    """`{user, with?}`: open the direct conversation with the bot, or with someone else."""
    (user,) = need(body, "user")
    other = box.find_user(str(body.get("with") or box.bot.id))
    return {"channel": box.describe(box.workspace.direct(box.find_user(user).id, other.id))}


def add_user(box: Sandbox, body: Json) -> Json:
    """`{name, real_name?, admin?, guest?, ultra?, bot?, home?, tz?, join?}`: add a colleague to team and home channel.

    `ultra` is a single-channel guest; `home` is the id of an external user's own team (Slack Connect).
    """
    (name,) = need(body, "name")
    traits: dict[str, Any] = {flag: bool(body.get(flag)) for flag in ("admin", "guest", "ultra", "bot")}
    traits |= {key: str(body[key]) for key in ("real_name", "tz", "home") if key in body}
    add = box.add_colleague if body.get("join", True) else box.workspace.add_user
    user = add(name, **traits)
    return {"user": {"id": user.id, "name": user.name, **traits}}


def deactivate(box: Sandbox, body: Json) -> Json:
    """`{user}`: deactivate an account, as an admin does when somebody leaves the company."""
    (user,) = need(body, "user")
    box.find_user(user).deleted = True
    return {}


def add_channel(box: Sandbox, body: Json) -> Json:
    """`{name, private?, members?, bot?}`: create a channel; the bot joins unless `bot` is false."""
    (name,) = need(body, "name")
    channel = box.workspace.add_channel(name, private=bool(body.get("private")))
    for member in body.get("members") or ():
        box.workspace.join(channel.id, box.find_user(str(member)).id)
    if body.get("bot", True):
        box.workspace.join(channel.id, box.bot.id)
    return {"channel": box.describe(channel)}


def join(box: Sandbox, body: Json) -> Json:
    """`{user, channel?}`: add a user to a channel."""
    (user,) = need(body, "user")
    return {"joined": box.workspace.join(_place(box, body), box.find_user(user).id)}


def leave(box: Sandbox, body: Json) -> Json:
    """`{user, channel?}`: remove a user or the bot from a channel."""
    (user,) = need(body, "user")
    return {"left": box.workspace.leave(_place(box, body), box.find_user(user).id)}


def archive(box: Sandbox, body: Json) -> Json:
    """`{channel?, archived?}`: archive a channel, or restore it with `archived: false`."""
    channel = box.workspace.archive(_place(box, body), archived=bool(body.get("archived", True)))
    return {"channel": box.describe(channel)}


def emoji(box: Sandbox, body: Json) -> Json:
    """`{name, url}`: add a custom emoji; `url: null` removes it."""
    (name,) = need(body, "name")
    box.workspace.set_custom_emoji(name, body.get("url"))
    return {}


def revoke(box: Sandbox, body: Json) -> Json:
    """`{restore?}`: revoke the bot's token, or make it valid again."""
    if body.get("restore"):
        box.restore_token()
    else:
        box.revoke_token()
    return {"token_revoked": box.token_revoked}


def uninstall(box: Sandbox, body: Json) -> Json:
    """`{org?}`: remove the app from the workspace, or from the whole organization."""
    box.uninstall(org_wide=bool(body.get("org")))
    return {"token_revoked": box.token_revoked}


def grant(box: Sandbox, body: Json) -> Json:
    """`{granted?}`: give the organization's app access to this team, or revoke it with `granted: false`."""
    box.grant(granted=bool(body.get("granted", True)))
    return {}


ACTS: dict[str, Act] = {
    "react": react,
    "unreact": unreact,
    "message": message,
    "delete": delete,
    "dm": direct,
    "users": add_user,
    "deactivate": deactivate,
    "channels": add_channel,
    "join": join,
    "leave": leave,
    "archive": archive,
    "emoji": emoji,
    "revoke": revoke,
    "uninstall": uninstall,
    "grant": grant,
}


def batch(box: Sandbox, body: Json) -> Json:
    """`{acts: [{do: "react", …}, …]}`: perform many actions in one call; each has its own result."""
    results: list[Json] = []
    for item in body.get("acts") or ():
        act = ACTS.get(str(item.get("do")))
        try:
            if act is None:
                raise SlackError("unknown_act")  # noqa: TRY301
            results.append({"ok": True, **act(box, item)})
        except SlackError as error:
            results.append(error.body())
    return {"results": results}


ACTS["acts"] = batch
