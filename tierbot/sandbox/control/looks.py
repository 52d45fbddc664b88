"""Queries: the workspace's state, what a user sees, and the record of what colleagues did."""

from collections.abc import Callable, Mapping
from dataclasses import asdict

from tierbot.sandbox.kit.records import Json
from tierbot.sandbox.sandbox import Sandbox
from tierbot.sandbox.state.payloads import user_json

Query = Mapping[str, str]


def state(box: Sandbox, query: Query) -> Json:  # noqa: ARG001
    """Return everything but the messages: team, app, users, channels, commands, shortcuts, custom emoji."""
    space, settings = box.workspace, box.settings
    return {
        "team": {"id": space.id, "name": space.name, "domain": space.domain}
        | ({"enterprise_id": box.teams.org.id} if box.teams.org else {}),
        "app": {"id": box.app_id, "name": settings.app_name, "user_id": box.bot.id, "bot_id": box.bot.bot_id},
        "channel": box.home_channel.id,
        "users": [user_json(user, space.id) for user in space.users.values()],
        "channels": [box.describe(channel) for channel in space.channels.values()],
        "commands": [asdict(item) for item in settings.commands],
        "shortcuts": [asdict(item) for item in settings.shortcuts],
        "emoji": dict(space.custom_emoji),
        "seq": box.stream.seq,
        "now": box.clock.now().isoformat(),
        "connections": len(box.hub.connections),
        "faults": asdict(box.faults.plan),
        "panel": box.panel,
    }


def messages(box: Sandbox, query: Query) -> Json:
    """`?channel=&since=&limit=`: return a channel's messages, oldest first, with reactions and metadata."""
    channel = box.find_channel(query.get("channel") or box.home_channel.id)
    since, limit = query.get("since", ""), int(query.get("limit", "0"))
    found = [message for ts, message in channel.messages.items() if ts > since]
    found = found[-limit:] if limit else found
    return {"channel": channel.id, "messages": [box.render(message) for message in found]}


def inbox(box: Sandbox, query: Query) -> Json:
    """`?user=`: return what only this user sees: ephemeral and direct messages, open modals, App Home."""
    user = box.find_user(query.get("user", ""))
    channels = [c for c in box.workspace.channels.values() if c.is_im and user.id in c.members]
    home = box.views.home(user.id)
    return {
        "ephemerals": [box.render(item) for item in box.workspace.ephemerals if item.visible_to == user.id],
        "direct": [
            {"channel": channel.id, "messages": [box.render(item) for item in channel.messages.values()]}
            for channel in channels
        ],
        "views": [box.views.as_json(view) for view in box.views.stack(user.id)],
        "home": box.views.as_json(home) if home else None,
    }


def record(box: Sandbox, query: Query) -> Json:
    """`?user=&since=`: return the colleagues' actions in order, after number `since`."""
    since = int(query.get("since", "0"))
    user_id = box.find_user(query["user"]).id if query.get("user") else None
    acts = [asdict(act) for act in box.workspace.record[since:] if user_id in {None, act.user}]
    return {"acts": acts, "last": len(box.workspace.record)}


def votes(box: Sandbox, query: Query) -> Json:  # noqa: ARG001
    """Return every current reaction of a person: `[channel, ts, user, name]`, sorted."""
    space = box.workspace
    standing = [
        [channel.id, message.ts, user, name]
        for channel in space.channels.values()
        for message in channel.messages.values()
        for name, users in message.reactions.items()
        for user in users
        if not space.users[user].is_bot
    ]
    return {"votes": sorted(standing)}


def events(box: Sandbox, query: Query) -> Json:
    """`?since=`: return what became of each event, after number `since`."""
    since = int(query.get("since", "0"))
    return {"events": [asdict(event) for event in box.courier.tracker.events[since:]]}


def stats(box: Sandbox, query: Query) -> Json:  # noqa: ARG001
    """Return delivery counts, retries, and acknowledgment times."""
    return {
        **box.courier.stats(),
        "connections": len(box.hub.connections),
        "late_acks": box.hub.late_acks,
        "acts": len(box.workspace.record),
    }


LOOKS: dict[str, Callable[[Sandbox, Query], Json]] = {
    **{look.__name__: look for look in (state, messages, inbox, record, votes, events, stats)},
    "panel": lambda box, _: {"panel": box.panel},
    "faults": lambda box, _: {"faults": asdict(box.faults.plan)},
}
