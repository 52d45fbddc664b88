"""Actions of a colleague that need no answer from the app: quick, synchronous, and allowed in batches."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from tierbot.sandbox.kit.errors import SlackError, get_or_refuse
from tierbot.sandbox.kit.records import Channel, Json, Message, User
from tierbot.sandbox.sandbox import Sandbox

Act = Callable[[Sandbox, Json], Json]


def need(body: Json, *names: str) -> list[str]:
    """Return required string fields of a control call."""
    values = [body.get(name) for name in names]
    for name, value in zip(names, values, strict=True):
        if not isinstance(value, str) or not value:
            raise SlackError("invalid_arguments", messages=[f"missing required field: {name}"])
    return [str(value) for value in values]


def actor(box: Sandbox, body: Json) -> User:
    """Return the user that a control call is about."""
    return box.find_user(*need(body, "user"))


def place(box: Sandbox, body: Json) -> Channel:
    """Return the channel of a control call, by default the home channel."""
    return box.find_channel(str(body.get("channel") or box.home_channel.id))


def react(box: Sandbox, body: Json) -> Json:
    """`{user, ts, name, channel?, remove?}`: add or remove a user's reaction."""
    user, (ts, name) = actor(box, body), need(body, "ts", "name")
    change = box.workspace.unreact if body.get("remove") else box.workspace.react
    return {"event_ts": change(user.id, place(box, body).id, ts, name)}


def unreact(box: Sandbox, body: Json) -> Json:
    """`{user, ts, name, channel?}`: remove a user's reaction."""
    return react(box, {**body, "remove": True})


def message(box: Sandbox, body: Json) -> Json:
    """`{user, text, channel?, thread_ts?, blocks?}`: post a message as a user."""
    sender, (text,), channel = actor(box, body), need(body, "text"), place(box, body)
    if sender.id not in channel.members:
        raise SlackError("not_in_channel")
    said = Message(channel.id, sender.id, text, bot_id=sender.bot_id)
    said.blocks, said.thread_ts = body.get("blocks"), body.get("thread_ts")
    box.workspace.post(said)
    if not sender.is_bot:
        box.workspace.note(sender.id, "message", channel=channel.id, ts=said.ts)
    return {"ts": said.ts, "channel": channel.id}


def delete(box: Sandbox, body: Json) -> Json:
    """`{ts?, channel?}`: delete any message, as an admin can; without `ts`, the app's newest."""
    channel = place(box, body)
    own = [ts for ts, said in channel.messages.items() if said.user == box.bot.id]
    ts = str(body["ts"]) if "ts" in body else max(own, default="")
    box.workspace.delete(channel.id, ts)
    return {"ts": ts}


def direct(box: Sandbox, body: Json) -> Json:
    """`{user, with?}`: open the direct conversation with the bot, or with someone else."""
    other = box.find_user(str(body.get("with") or box.bot.id))
    return {"channel": box.describe(box.workspace.direct(actor(box, body).id, other.id))}


def add_user(box: Sandbox, body: Json) -> Json:
    """`{name, real_name?, admin?, guest?, ultra?, bot?, home?, names_home?, tz?, join?}`: add someone to team and home channel.

    `ultra` is a single-channel guest; `home` is the id of an external user's own team (Slack Connect), which their events
    name (`user_team`) if `names_home`.
    """
    (name,) = need(body, "name")
    traits: dict[str, Any] = {flag: bool(body.get(flag)) for flag in ("admin", "guest", "ultra", "bot")}
    traits |= {key: str(body[key]) for key in ("real_name", "tz", "home") if key in body}
    add = box.add_colleague if body.get("join", True) else box.workspace.add_user
    user = add(name, **traits)
    user.names_home = bool(body.get("names_home"))
    return {"user": {"id": user.id, "name": user.name, **traits}}


def deactivate(box: Sandbox, body: Json) -> Json:
    """`{user}`: deactivate an account, as an admin does when someone leaves the company."""
    (user,) = need(body, "user")
    box.find_user(user).is_deleted = True
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
    return {"joined": box.workspace.join(place(box, body).id, actor(box, body).id)}


def leave(box: Sandbox, body: Json) -> Json:
    """`{user, channel?}`: remove a user or the bot from a channel."""
    return {"left": box.workspace.leave(place(box, body).id, actor(box, body).id)}


def archive(box: Sandbox, body: Json) -> Json:
    """`{channel?, archived?}`: archive a channel, or restore it with `archived: false`."""
    channel = box.workspace.archive(place(box, body).id, archived=bool(body.get("archived", True)))
    return {"channel": box.describe(channel)}


def private(box: Sandbox, body: Json) -> Json:
    """`{channel?, private?}`: make a channel private, or public with `private: false`."""
    channel = box.workspace.make_private(place(box, body).id, private=bool(body.get("private", True)))
    return {"channel": box.describe(channel)}


def rename(box: Sandbox, body: Json) -> Json:
    """`{name, channel?}`: rename a channel."""
    (name,) = need(body, "name")
    return {"channel": box.describe(box.workspace.rename(place(box, body).id, name))}


def change_id(box: Sandbox, body: Json) -> Json:
    """`{channel?}`: give a channel another id, as Slack does when it moves a channel."""
    return {"channel": box.describe(box.workspace.change_id(place(box, body).id))}


def delete_channel(box: Sandbox, body: Json) -> Json:
    """`{channel?}`: delete a channel with all its messages."""
    box.workspace.delete_channel(place(box, body).id)
    return {}


def emoji(box: Sandbox, body: Json) -> Json:
    """`{name, url}`: add a custom emoji; `url: null` removes it."""
    (name,) = need(body, "name")
    box.workspace.set_custom_emoji(name, body.get("url"))
    return {}


def revoke(box: Sandbox, body: Json) -> Json:
    """`{restore?}`: revoke the bot's token, or make it valid again."""
    if body.get("restore"):
        box.teams.restore(box.workspace.id)
    else:
        box.revoke_token()
    return {"token_revoked": not box.installed}


def uninstall(box: Sandbox, body: Json) -> Json:
    """`{org?}`: remove the app from the workspace, or from the whole organization."""
    box.uninstall(org_wide=bool(body.get("org")))
    return {"token_revoked": not box.installed}


def grant(box: Sandbox, body: Json) -> Json:
    """`{granted?}`: give the organization's app access to this team, or revoke it with `granted: false`."""
    box.grant(granted=bool(body.get("granted", True)))
    return {}


def faults(box: Sandbox, body: Json) -> Json:
    """Set some of the faults' plan and return all of it."""
    box.faults.change(body)
    return {"faults": asdict(box.faults.plan)}


def panel(box: Sandbox, body: Json) -> Json:
    """Store what the bot reports about its learning, and show it on the page."""
    box.panel = body
    box.stream.publish("panel", {"panel": body})
    return {}


def clock(box: Sandbox, body: Json) -> Json:
    """`{advance: seconds}`: move the clock and fire the timers that are due."""
    box.timers.advance(float(body.get("advance", 0)))
    return {"now": box.clock.now().isoformat()}


_QUIET = (
    react,
    unreact,
    message,
    delete,
    deactivate,
    join,
    leave,
    archive,
    private,
    rename,
    change_id,
    delete_channel,
    emoji,
    revoke,
    uninstall,
    grant,
    faults,
    panel,
    clock,
)
ACTS: dict[str, Act] = {act.__name__: act for act in _QUIET}
ACTS |= {"dm": direct, "users": add_user, "channels": add_channel}


def batch(box: Sandbox, body: Json) -> Json:
    """`{acts: [{do: "react", …}, …]}`: perform many actions in one call; each has its own result."""
    results: list[Json] = []
    for item in body.get("acts") or ():
        try:
            act = get_or_refuse(ACTS, str(item.get("do")), "unknown_act")
            results.append({"ok": True, **act(box, item)})
        except SlackError as error:
            results.append(error.body())
    return {"results": results}


ACTS["acts"] = batch
