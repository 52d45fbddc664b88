"""Actions of a colleague that the app answers: commands, clicks, shortcuts, modals, App Home."""

from collections.abc import Awaitable, Callable

from tierbot.sandbox.control.acts import need
from tierbot.sandbox.events.interactions import Outcome
from tierbot.sandbox.kit.errors import SlackError
from tierbot.sandbox.kit.records import Json, Message, User, View
from tierbot.sandbox.sandbox import Sandbox

_LONGEST_WAIT = 60.0


class Watch:
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
    return box.workspace.message(box.find_channel(str(body.get("channel") or box.home_channel.id)).id, ts)


def _view(box: Sandbox, body: Json, user: User) -> View:
    view = box.views.find(str(body.get("view_id") or ""))
    if view is None or not view.is_open or view.user != user.id:
        raise SlackError("view_not_found")
    return view


async def command(box: Sandbox, body: Json) -> Json:
    """`{user, command, text?, channel?, wait?, expect?}`: run a slash command; `command` may contain the text."""
    user_name, line = need(body, "user", "command")
    name, _, rest = line.partition(" ")
    user = box.find_user(user_name)
    channel = box.find_channel(str(body.get("channel") or box.home_channel.id))
    watch = Watch(box, user)
    text = str(body.get("text") or rest)
    box.workspace.note(user.id, "command", command=name, text=text, channel=channel.id)
    outcome = await box.interactions.command(user.id, channel.id, name, text)
    return await watch.report(body, outcome)


async def action(box: Sandbox, body: Json) -> Json:
    """`{user, action_id, block_id?, value?, ts|view_id|home, channel?, wait?}`: click a button or pick an option."""
    user_name, action_id = need(body, "user", "action_id")
    user = box.find_user(user_name)
    block_id, value = str(body.get("block_id") or ""), body.get("value")
    watch = Watch(box, user)
    box.workspace.note(user.id, "action", action_id=action_id, value=value)
    if body.get("view_id") or body.get("home"):
        view = box.views.home(user.id) if body.get("home") else _view(box, body, user)
        if view is None:
            raise SlackError("view_not_found")
        outcome = await box.interactions.view_action(view, action_id, block_id, value)
    else:
        message = _message(box, body, user)
        outcome = await box.interactions.action(user.id, message, action_id, block_id, value)
    return await watch.report(body, outcome)


async def shortcut(box: Sandbox, body: Json) -> Json:
    """`{user, callback_id, ts?, channel?, wait?}`: run a message shortcut, or without `ts` a global one."""
    user_name, callback_id = need(body, "user", "callback_id")
    user = box.find_user(user_name)
    message = _message(box, body, user) if body.get("ts") else None
    watch = Watch(box, user)
    box.workspace.note(user.id, "shortcut", callback_id=callback_id, ts=body.get("ts"))
    return await watch.report(body, await box.interactions.shortcut(user.id, callback_id, message))


async def suggest(box: Sandbox, body: Json) -> Json:
    """`{user, action_id, value, ts|view_id, channel?}`: type into an external select; returns its options."""
    user_name, action_id = need(body, "user", "action_id")
    user = box.find_user(user_name)
    place = _view(box, body, user) if body.get("view_id") else _message(box, body, user)
    outcome = await box.interactions.suggest(place, user.id, action_id, str(body.get("value") or ""))
    return {"acked": outcome.acked, "error": outcome.error, **outcome.details}


async def submit(box: Sandbox, body: Json) -> Json:
    """`{user, view_id, values: {action_id: value}, wait?}`: submit a modal."""
    user_name, _ = need(body, "user", "view_id")
    user = box.find_user(user_name)
    watch = Watch(box, user)
    box.workspace.note(user.id, "submit", view_id=body["view_id"], values=body.get("values") or {})
    outcome = await box.interactions.submit(_view(box, body, user), body.get("values") or {})
    return await watch.report({"wait": 0, **body}, outcome)


async def close_view(box: Sandbox, body: Json) -> Json:
    """`{user, view_id}`: close a modal."""
    user_name, _ = need(body, "user", "view_id")
    outcome = await box.interactions.close(_view(box, body, box.find_user(user_name)))
    return {"acked": outcome.acked, "error": outcome.error}


async def open_home(box: Sandbox, body: Json) -> Json:
    """`{user, tab?, wait?}`: open App Home (`tab: "messages"` for its messages) and return its view."""
    (user_name,) = need(body, "user")
    user = box.find_user(user_name)
    known = box.views.home(user.id)
    before = known.hash if known else None
    shown = box.views.as_json(known) if known else None
    box.events.home_opened(user.id, str(body.get("tab") or "home"), shown)

    def changed() -> bool:
        view = box.views.home(user.id)
        return view is not None and view.hash != before

    await box.stream.wait_until(changed, min(float(body.get("wait") or 0), _LONGEST_WAIT))
    view = box.views.home(user.id)
    return {"view": box.views.as_json(view) if view else None, "changed": changed()}


ANSWERED: dict[str, Callable[[Sandbox, Json], Awaitable[Json]]] = {
    "command": command,
    "action": action,
    "shortcut": shortcut,
    "suggest": suggest,
    "submit": submit,
    "close_view": close_view,
    "home": open_home,
}
