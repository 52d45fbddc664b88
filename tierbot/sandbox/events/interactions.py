"""Send commands, clicks, shortcuts and modals to the app, which must answer within three seconds."""

from dataclasses import dataclass, field
from typing import Any

from tierbot.sandbox.kit.errors import SlackError, Undeliverable
from tierbot.sandbox.kit.records import Json, Message, View
from tierbot.sandbox.state import widgets
from tierbot.sandbox.state.payloads import message_json
from tierbot.sandbox.state.replies import Reply
from tierbot.sandbox.team import Team


@dataclass(slots=True)
class Outcome:
    """The result of an interaction. `error`: what Slack shows if the app was too slow or unreachable."""

    acked: bool
    error: str | None = None
    answer: Any = None
    reply: Reply | None = None
    details: dict[str, Any] = field(default_factory=dict)


class Interactions:
    """Send interactions and apply the responses in their acknowledgments."""

    def __init__(self, box: Team) -> None:
        self._box = box
        self._offered: dict[str, list[Json]] = {}

    async def command(self, user_id: str, channel_id: str, command: str, text: str) -> Outcome:
        """Run a slash command as a user."""
        box = self._box
        user, channel = box.workspace.user(user_id), box.workspace.channel(channel_id)
        if command not in {item.name for item in box.settings.commands} or not box.installed:
            raise SlackError("unknown_command")
        if user.id not in channel.members:
            raise SlackError("not_in_channel")
        reply = box.replies.issue(user.id, channel.id)
        payload = {
            "token": "sandbox",
            "team_id": box.workspace.id,
            "team_domain": box.workspace.domain,
            **{f"enterprise_{key}": value for key, value in (box.enterprise or {}).items()},
            "channel_id": channel.id,
            "channel_name": "directmessage" if channel.is_im else channel.name,
            "user_id": user.id,
            "user_name": user.name,
            "command": command,
            "text": text,
            "api_app_id": box.app_id,
            "is_enterprise_install": str(box.is_enterprise_install).lower(),
            "response_url": f"{box.base_url}/response/{reply.token}",
            "trigger_id": box.triggers.issue(user.id),
        }
        outcome = await self._send("slash_commands", payload, reply)
        answer = {"text": outcome.answer} if isinstance(outcome.answer, str) else outcome.answer
        if isinstance(answer, dict) and any(answer.get(key) for key in ("text", "blocks", "attachments")):
            box.replies.answer(reply, answer)
        return outcome

    async def click(self, source: View | Message, user_id: str, action_id: str, block_id: str, value: Any) -> Outcome:
        """Click a button or pick an option in a message, a modal or App Home."""
        box, reply = self._box, None
        block, element = widgets.find_element(source.blocks or [], action_id, block_id)
        payload = self._base("block_actions", user_id) | self._about(source)
        payload["actions"] = [widgets.action(block, element, value, box.mint.ts(), self._offered)]
        if isinstance(source, Message):
            reply = box.replies.issue(user_id, source.channel, source)
            payload |= {"state": {"values": {}}, "response_url": f"{box.base_url}/response/{reply.token}"}
        return await self._send("interactive", payload, reply)

    async def shortcut(self, user_id: str, callback_id: str, message: Message | None) -> Outcome:
        """Run a message shortcut, or a global one if `message` is None."""
        box = self._box
        kind = "message" if message is not None else "global"
        known = {item.callback_id for item in box.settings.shortcuts if item.kind == kind}
        if known and callback_id not in known:
            raise SlackError("unknown_shortcut")
        action_ts = box.mint.ts()
        payload = self._base("shortcut" if message is None else "message_action", user_id)
        payload |= {"callback_id": callback_id, "action_ts": action_ts}
        if message is None:
            return await self._send("interactive", payload)
        reply = box.replies.issue(user_id, message.channel)
        payload |= {"message_ts": message.ts, "response_url": f"{box.base_url}/response/{reply.token}"}
        payload |= self._about(message)
        del payload["container"]
        return await self._send("interactive", payload, reply)

    async def suggest(self, source: View | Message, user_id: str, action_id: str, value: str) -> Outcome:
        """Ask the app for the options of an external select in a view or message."""
        block, element = widgets.find_element(source.blocks or [], action_id)
        payload = self._base("block_suggestion", user_id) | self._about(source)
        payload |= {"action_id": element["action_id"], "block_id": block["block_id"], "value": value}
        del payload["trigger_id"]
        outcome = await self._send("interactive", payload)
        answer = outcome.answer if isinstance(outcome.answer, dict) else {}
        self._offered[action_id] = widgets.options_of(answer)
        outcome.details = {key: answer[key] for key in ("options", "option_groups") if key in answer}
        return outcome

    async def submit(self, view: View, values: Json) -> Outcome:
        """Submit a modal and apply the app's response."""
        state = widgets.form_state(view.blocks, values, self._offered)
        payload = self._base("view_submission", view.user)
        payload |= {"view": self._box.views.as_json(view, state), "response_urls": []}
        outcome = await self._send("interactive", payload)
        if outcome.acked:
            outcome.details = self._respond(view, outcome.answer)
        return outcome

    def _respond(self, view: View, answer: Any) -> Json:
        views = self._box.views
        kind = answer.get("response_action") if isinstance(answer, dict) else None
        if kind == "errors":
            return {"errors": answer.get("errors", {})}
        if kind == "update":
            return {"view": views.update(view.id, answer.get("view"))}
        if kind == "push":
            return {"view": views.push(view.user, answer.get("view"))}
        views.close(view, everything=kind == "clear")
        return {}

    async def close(self, view: View) -> Outcome:
        """Close a modal; the app is notified if the view sets `notify_on_close`."""
        self._box.views.close(view)
        if not view.body.get("notify_on_close"):
            return Outcome(acked=True)
        payload = self._base("view_closed", view.user)
        payload |= {"view": self._box.views.as_json(view), "is_cleared": False}
        del payload["trigger_id"]
        return await self._send("interactive", payload)

    def _base(self, kind: str, user_id: str) -> Json:
        box = self._box
        user = box.workspace.user(user_id)
        return {
            "type": kind,
            "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": box.workspace.id},
            "api_app_id": box.app_id,
            "token": "sandbox",
            "trigger_id": box.triggers.issue(user.id),
            "team": {"id": box.workspace.id, "domain": box.workspace.domain},
            "enterprise": box.enterprise,
            "is_enterprise_install": box.is_enterprise_install,
        }

    def _about(self, source: View | Message) -> Json:
        box = self._box
        if isinstance(source, View):
            return {"view": box.views.as_json(source), "container": {"type": "view", "view_id": source.id}}
        channel = box.workspace.channel(source.channel)
        return {
            "channel": {"id": channel.id, "name": "directmessage" if channel.is_im else channel.name},
            "message": message_json(box.workspace, source),
            "container": {
                "type": "message",
                "message_ts": source.ts,
                "channel_id": channel.id,
                "is_ephemeral": source.visible_to is not None,
            },
        }

    async def _send(self, kind: str, payload: Json, reply: Reply | None = None) -> Outcome:
        try:
            answer = await self._box.courier.interact(kind, payload)
        except Undeliverable as failure:
            late = failure.reason in {"timeout", "http_timeout"}
            return Outcome(acked=False, error="operation_timeout" if late else "dispatch_failed", reply=reply)
        return Outcome(acked=True, answer=answer, reply=reply)
