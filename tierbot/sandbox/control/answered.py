"""Actions of a colleague that the app answers: commands, clicks, shortcuts, modals, App Home."""

from collections.abc import Awaitable, Callable

from tierbot.sandbox.control.acts import actor, need, place
from tierbot.sandbox.delivery.hub import CLOSE_REASONS
from tierbot.sandbox.events.interactions import Outcome
from tierbot.sandbox.kit.errors import SlackError
from tierbot.sandbox.kit.records import Json, Message, User, View
from tierbot.sandbox.sandbox import Sandbox

_LONGEST_WAIT = 60.0


class _Watch:
    """What a user sees from now on."""

    def __init__(self, box: Sandbox, user: User) -> None:
        self._box = box
        self._user = user
        self._since = box.mint.ts()
        self._views = {(view.id, view.hash) for view in box.views.stack(user.id)}
        self.outcome: Outcome | None = None

    def responses(self) -> list[Json]:
        """Return the messages that answer the action: ephemeral ones to this user, and those it caused."""
        found: dict[str, Message] = {
            message.ts: message
            for message in self._box.workspace.ephemerals
            if message.visible_to == self._user.id and message.ts > self._since
        }
        if self.outcome is not None and self.outcome.reply is not None:
            found |= {message.ts: message for message in self.outcome.reply.seen}
        return [self._box.render(found[ts]) for ts in sorted(found)]

    def views(self) -> list[Json]:
        """Return the modals that opened or changed."""
        stack = self._box.views.stack(self._user.id)
        return [self._box.views.as_json(view) for view in stack if (view.id, view.hash) not in self._views]

    async def report(self, body: Json, outcome: Outcome) -> Json:
        """Wait up to `wait` seconds until `expect` messages and modals are visible, then return them."""
        self.outcome = outcome
        wait = min(float(body.get("wait") or 0), _LONGEST_WAIT)
        expected = int(body.get("expect", 1))
        if outcome.acked and wait:
            await self._box.stream.wait_until(lambda: len(self.responses()) + len(self.views()) >= expected, wait)
        seen = {"responses": self.responses(), "views": self.views()}
        return {"acked": outcome.acked, "error": outcome.error, **seen, **outcome.details}


def _message(box: Sandbox, body: Json, user: User) -> Message:
    (ts,) = need(body, "ts")
    for ephemeral in box.workspace.ephemerals:
        if ephemeral.ts == ts and ephemeral.visible_to == user.id:
            return ephemeral
    return box.workspace.message(place(box, body).id, ts)


def _view(box: Sandbox, body: Json, user: User) -> View:
    view = box.views.home(user.id) if body.get("home") else box.views.find(str(body.get("view_id") or ""))
    if view is None or not view.is_open or view.user != user.id:
        raise SlackError("view_not_found")
    return view


def _source(box: Sandbox, body: Json, user: User) -> View | Message:
    in_view = body.get("view_id") or body.get("home")
    return _view(box, body, user) if in_view else _message(box, body, user)


async def command(box: Sandbox, body: Json) -> Json:
    """`{user, command, text?, channel?, wait?, expect?}`: run a slash command; `command` may contain the text."""
    user, line = actor(box, body), need(body, "command")[0]
    name, _, rest = line.partition(" ")
    channel = place(box, body)
    watch = _Watch(box, user)
    text = str(body.get("text") or rest)
    box.workspace.note(user.id, "command", command=name, text=text, channel=channel.id)
    outcome = await box.interactions.command(user.id, channel.id, name, text)
    return await watch.report(body, outcome)


async def action(box: Sandbox, body: Json) -> Json:
    """`{user, action_id, block_id?, value?, ts|view_id|home, channel?, wait?}`: click a button or pick an option."""
    user, (action_id,) = actor(box, body), need(body, "action_id")
    block_id, value = str(body.get("block_id") or ""), body.get("value")
    watch = _Watch(box, user)
    box.workspace.note(user.id, "action", action_id=action_id, value=value)
    outcome = await box.interactions.click(_source(box, body, user), user.id, action_id, block_id, value)
    return await watch.report(body, outcome)


async def shortcut(box: Sandbox, body: Json) -> Json:
    """`{user, callback_id, ts?, channel?, wait?}`: run a message shortcut, or without `ts` a global one."""
    user, (callback_id,) = actor(box, body), need(body, "callback_id")
    message = _message(box, body, user) if body.get("ts") else None
    watch = _Watch(box, user)
    box.workspace.note(user.id, "shortcut", callback_id=callback_id, ts=body.get("ts"))
    return await watch.report(body, await box.interactions.shortcut(user.id, callback_id, message))


async def suggest(box: Sandbox, body: Json) -> Json:
    """`{user, action_id, value, ts|view_id, channel?}`: type into an external select; returns its options."""
    user, (action_id,) = actor(box, body), need(body, "action_id")
    value = str(body.get("value") or "")
    outcome = await box.interactions.suggest(_source(box, body, user), user.id, action_id, value)
    return {"acked": outcome.acked, "error": outcome.error, **outcome.details}


async def submit(box: Sandbox, body: Json) -> Json:
    """`{user, view_id, values: {action_id: value}, wait?}`: submit a modal."""
    user, (view_id,) = actor(box, body), need(body, "view_id")
    watch = _Watch(box, user)
    box.workspace.note(user.id, "submit", view_id=view_id, values=body.get("values") or {})
    outcome = await box.interactions.submit(_view(box, body, user), body.get("values") or {})
    return await watch.report({"wait": 0, **body}, outcome)


async def close_view(box: Sandbox, body: Json) -> Json:
    """`{user, view_id}`: close a modal."""
    outcome = await box.interactions.close(_view(box, body, actor(box, body)))
    return {"acked": outcome.acked, "error": outcome.error}


async def home(box: Sandbox, body: Json) -> Json:
    """`{user, tab?, wait?}`: open App Home (`tab: "messages"` for its messages) and return its view."""
    user = actor(box, body)

    def shown() -> Json | None:
        view = box.views.home(user.id)
        return box.views.as_json(view) if view else None

    before = shown()
    box.events.home_opened(user.id, str(body.get("tab") or "home"), before)
    wait = min(float(body.get("wait") or 0), _LONGEST_WAIT)
    changed = await box.stream.wait_until(lambda: shown() != before, wait)
    return {"view": shown(), "changed": changed}


async def sockets(box: Sandbox, body: Json) -> Json:
    """`{do: "disconnect"|"cut"|"silence"|"wake", reason?}`: change the state of the app's connections."""
    what, reason = body.get("do"), str(body.get("reason") or "refresh_requested")
    if what not in {"disconnect", "cut", "silence", "wake"}:
        raise SlackError("invalid_arguments", messages=["do: one of disconnect, cut, silence, wake"])
    if reason not in CLOSE_REASONS:
        raise SlackError("invalid_arguments", messages=[f"reason: one of {', '.join(CLOSE_REASONS)}"])
    connections = list(box.hub.connections)
    for connection in connections:
        if what == "disconnect":
            await connection.disconnect(reason)
        elif what == "cut":
            await connection.close(1011)
        else:  # a silent connection plays dead: it sends nothing, ignores what it receives, and answers no ping
            connection.protocol.silent = what == "silence"
    return {"connections": len(connections)}


_CALLS = (command, action, shortcut, suggest, submit, close_view, home, sockets)
ANSWERED: dict[str, Callable[[Sandbox, Json], Awaitable[Json]]] = {call.__name__: call for call in _CALLS}
