"""Ask colleagues about a chat message: with the shortcut “Tag this” or by mentioning the bot.

The bot asks in the message's own thread, so nothing said in a private channel leaves it.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from slack_bolt import Ack, App, BoltContext, Respond
from slack_sdk import WebClient

from tierbot.adapters.slack.block_kit.text import plain
from tierbot.adapters.slack.calls import call
from tierbot.adapters.slack.dependencies import Dependencies
from tierbot.adapters.slack.examine import ask_channel
from tierbot.adapters.slack.faults import describe, literal, reported
from tierbot.adapters.slack.needs import MessageShortcut, Needs
from tierbot.domain.doctor.facts import Refusal
from tierbot.domain.nouns import Thread, TierbotError
from tierbot.use_cases.articles.tag_requests import NothingToReadError
from tierbot.use_cases.ports import ChatError

_log = logging.getLogger(__name__)
_ANSWER = "tierbot_answer"  # the context key of the middleware's answer to a mention

TAG = MessageShortcut("Tag this", "tag_this", "Ask colleagues in its thread what this message is about")
NEEDS = Needs(
    methods={
        "chat.postEphemeral": ("chat:write",),
        "conversations.replies": ("channels:history", "groups:history", "im:history"),
    },
    events={"app_mention": ("app_mentions:read",)},
    shortcuts=(TAG,),
)
_THANKS = "Thank you. I'll ask about it in its thread in a moment."
_DUPLICATE = "I already asked about this message; see its thread."
_USAGE = "Mention me with the text to ask about, or in the thread of a message to ask about."


def register(app: App, deps: Dependencies) -> None:
    """Register the shortcut and mentions with Bolt."""

    def tag(ack: Ack, body: dict[str, Any], context: BoltContext, client: WebClient, respond: Respond) -> None:
        ack()
        with reported(respond, TAG.name):
            channel, user = str(body["channel"]["id"]), str(body["user"]["id"])
            if not _is_in(client, channel, str(body["message"]["ts"])):
                said = f"I'm not in this channel, so I can't ask here. Type `/invite <@{context.bot_user_id}>` first."
            else:
                said = _take(deps, str(context.team_id), user, channel, body["message"], str(context.bot_user_id))
            respond(text=said, response_type="ephemeral", replace_original=False)

    # As in the inbox: plain functions; middleware writes before the acknowledgment, the listener answers after it.
    def take(event: dict[str, Any], context: BoltContext, client: WebClient, next: Callable[[], Any]) -> None:  # noqa: A002 - Bolt injects by name
        """Record a mention, then let the listener answer. If it raises, Bolt answers 500 and Slack delivers again."""
        whole = all(isinstance(event.get(key), str) for key in ("user", "channel", "ts"))
        if whole and not event.get("bot_id") and not event.get("edited"):
            context[_ANSWER] = _mentioned(deps, event, context, client)
        next()

    def mention(event: dict[str, Any], context: BoltContext, client: WebClient) -> None:
        said, thread = context.get(_ANSWER, _THANKS), event.get("thread_ts")
        if said == _THANKS:
            return  # the post in the thread is answer enough
        try:
            where = {"thread_ts": str(thread)} if thread else {}
            user, channel = str(event["user"]), str(event["channel"])
            call(client.chat_postEphemeral, channel=channel, user=user, text=said, **where)
        except TierbotError as fault:
            _log.info("Could not answer a mention: %s", fault)

    app.shortcut({"type": "message_action", "callback_id": TAG.callback_id})(tag)
    app.event("app_mention", middleware=[take])(mention)


def _mentioned(deps: Dependencies, event: dict[str, Any], context: BoltContext, client: WebClient) -> str:
    """Record the text of a mention or, if it has none, the message that started its thread; return the answer."""
    channel, thread, message = str(event["channel"]), event.get("thread_ts"), event
    if thread and not plain(str(event.get("text") or "")).strip():
        try:
            found = call(client.conversations_replies, channel=channel, ts=thread, limit=1)
            message = found["messages"][0]
        except (TierbotError, LookupError) as fault:  # report Slack's errors now; Slack retries after our own
            return describe(fault, "a mention")
    return _take(deps, str(context.team_id), str(event["user"]), channel, message, str(context.bot_user_id))


def _take(deps: Dependencies, workspace: str, user: str, channel: str, message: Mapping[str, Any], bot: str) -> str:
    """Record a message and return the answer (mrkdwn). Raises what the database raises."""
    if message.get("user") == bot:
        return "That's my own message. Use this on a colleague's."
    text, ts = plain(str(message.get("text") or "")), str(message["ts"])
    if not text.strip():
        return _USAGE
    try:
        new = deps.tag_requests.take(workspace, user, Thread(channel, ts), str(message.get("thread_ts") or ts), text)
    except NothingToReadError as fault:
        return literal(fault)
    return _THANKS if new else _DUPLICATE


def _is_in(client: WebClient, channel: str, ts: str) -> bool:
    """Return whether the bot can write there. Slack doesn't describe direct messages to it, so it tries to read them."""
    if not channel.startswith("D"):
        found = ask_channel(client, channel)
        return not isinstance(found, Refusal) and found.is_member
    try:
        call(client.conversations_replies, channel=channel, ts=ts, limit=1)
    except ChatError:
        return False
    return True
