"""response_url: up to five answers within thirty minutes to a command or click."""

from dataclasses import dataclass, field

from tierbot.sandbox.kit.errors import SlackError, get_or_refuse
from tierbot.sandbox.kit.records import Json, Message, User
from tierbot.sandbox.state.files import Files
from tierbot.sandbox.state.workspace import Workspace

_USES = 5


@dataclass(slots=True)
class Reply:
    """The context of one response_url, and the answers so far."""

    token: str
    user: str
    channel: str
    expires_at: float
    source: Message | None = None
    uses: int = 0
    seen: list[Message] = field(default_factory=list)


class Replies:
    """All issued response URLs."""

    def __init__(self, workspace: Workspace, files: Files, bot: User, lifetime: float) -> None:
        self._workspace = workspace
        self._files = files
        self._bot = bot
        self._lifetime = lifetime
        self._given: dict[str, Reply] = {}

    def issue(self, user: str, channel: str, source: Message | None = None) -> Reply:
        """Issue a response URL's context."""
        expires = self._workspace.clock.time() + self._lifetime
        reply = Reply(self._workspace.mint.hex(32), user, channel, expires, source)
        self._given[reply.token] = reply
        return reply

    def __contains__(self, token: str) -> bool:
        return token in self._given

    def use(self, token: str, body: Json) -> None:
        """Answer through a response URL. Raises SlackError if it is unknown, expired, or used up."""
        reply = get_or_refuse(self._given, token, "no_such_url")
        if self._workspace.clock.time() > reply.expires_at:
            raise SlackError("expired_url")
        if reply.uses >= _USES:
            raise SlackError("used_url")
        reply.uses += 1
        self.answer(reply, body)

    def answer(self, reply: Reply, body: Json) -> None:
        """Apply an answer's body: post, replace or delete."""
        if body.get("delete_original"):
            self._delete(reply.source)
            return
        content: Json = {"text": str(body.get("text") or "")}
        if body.get("blocks") is not None:
            content["blocks"] = self._files.checked_blocks(body["blocks"])
        if body.get("attachments") is not None:
            content["attachments"] = body["attachments"]
        if not any(content.values()):
            raise SlackError("no_text")
        if body.get("replace_original") and reply.source is not None:
            self._replace(reply.source, content)
            reply.seen.append(reply.source)
            return
        message = Message(reply.channel, self._bot.id, bot_id=self._bot.bot_id, **content)
        if body.get("response_type") == "in_channel":
            message.thread_ts = body.get("thread_ts")
            reply.seen.append(self._workspace.post(message))
        else:
            message.visible_to = reply.user
            reply.seen.append(self._workspace.whisper(message))

    def _delete(self, source: Message | None) -> None:
        if source is None:
            raise SlackError("message_not_found")
        if source.visible_to:
            self._workspace.take_back(source)
        else:
            self._workspace.delete(source.channel, source.ts, self._bot.id)

    def _replace(self, source: Message, content: Json) -> None:
        if source.visible_to is None:
            self._workspace.update(source.channel, source.ts, self._bot.id, content)
        else:
            source.text, source.blocks = content["text"], content.get("blocks")
            channel = self._workspace.channel(source.channel)
            self._workspace.tell("ephemeral_changed", channel=channel, message=source)
