"""Messages in place of news: "Tag this" in a message's menu, and a mention of the bot, ask colleagues what it is about.

The question stands in the message's own thread: what is said in a private channel stays there.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from slack_bolt import Ack, App, BoltContext, Respond
from slack_sdk import WebClient

from tierbot.adapters.slack.block_kit.text import clean, mrkdwn, plain
from tierbot.adapters.slack.dependencies import Dependencies
from tierbot.adapters.slack.errors import call
from tierbot.adapters.slack.examine import ask_channel
from tierbot.adapters.slack.faults import explained, told
from tierbot.adapters.slack.needs import MessageShortcut, Needs
from tierbot.domain.doctor.facts import Refusal
from tierbot.domain.nouns import Thread, TierbotError
from tierbot.use_cases.articles.tag_requests import NothingToReadError
from tierbot.use_cases.ports import ChatError

_log = logging.getLogger(__name__)
_LONGEST = 2500
_SAID = "tierbot_said"  # where the listener finds what its middleware made of a mention

TAG = MessageShortcut("Tag this", "tag_this", "Ask colleagues in its thread what this message is about")
NEEDS = Needs(
    methods={
        "chat.postEphemeral": ("chat:write",),
        "conversations.replies": ("channels:history", "groups:history", "im:history"),
    },
    events={"app_mention": ("app_mentions:read",)},
    shortcuts=(TAG,),
)
_THANKS = "Thank you. I ask about it in its thread in a moment."
_BEFORE = "I have asked about this message already: see its thread."
_HOW = "Mention me with the text that I shall ask about, or in the thread of a message that I shall ask about."


def register(app: App, deps: Dependencies) -> None:
    """Tell Bolt of the shortcut and of mentions."""

    def tag(ack: Ack, body: dict[str, Any], context: BoltContext, client: WebClient, respond: Respond) -> None:
        ack()
        with explained(respond, TAG.name):
            channel, user = str(body["channel"]["id"]), str(body["user"]["id"])
            if not _is_in(client, channel, str(body["message"]["ts"])):
                said = f"I am not in this channel, so I cannot ask here. Type `/invite <@{context.bot_user_id}>` first."
            else:
                said = _take(deps, str(context.team_id), user, channel, body["message"], str(context.bot_user_id))
            respond(text=said, response_type="ephemeral", replace_original=False)

    # Plain functions, as for the inbox: written before it is acknowledged, in middleware; said afterwards.
    def take(event: dict[str, Any], context: BoltContext, client: WebClient, next: Callable[[], Any]) -> None:  # noqa: A002 - Bolt injects by name
        """Take a mention in, then let the listener answer. What raises answers 500, and Slack delivers again."""
        if event.get("user") and not event.get("bot_id") and not event.get("edited"):
            context[_SAID] = _mentioned(deps, event, context, client)
        next()

    def mention(event: dict[str, Any], context: BoltContext, client: WebClient) -> None:
        said, thread = context.get(_SAID, _THANKS), event.get("thread_ts")
        if said == _THANKS:
            return  # the question itself is the answer
        try:
            where = {"thread_ts": str(thread)} if thread else {}
            user, channel = str(event["user"]), str(event["channel"])
            call("chat.postEphemeral", client.chat_postEphemeral, channel=channel, user=user, text=said, **where)
        except TierbotError as fault:
            _log.info("An answer to a mention was not shown: %s", fault)

    app.shortcut({"type": "message_action", "callback_id": TAG.callback_id})(tag)
    app.event("app_mention", middleware=[take])(mention)


def _mentioned(deps: Dependencies, event: dict[str, Any], context: BoltContext, client: WebClient) -> str:
    """Take in what a mention is about: its own text, or the message whose thread it stands in; return what is said."""
    channel, thread, message = str(event["channel"]), event.get("thread_ts"), event
    if thread and not plain(str(event.get("text") or "")).strip():
        try:
            found = call("conversations.replies", client.conversations_replies, channel=channel, ts=thread, limit=1)
            message = found["messages"][0]
        except (TierbotError, LookupError) as fault:  # Slack's to explain, at once; our own faults are tried again
            return told(fault, "a mention")
    return _take(deps, str(context.team_id), str(event["user"]), channel, message, str(context.bot_user_id))


def _take(deps: Dependencies, workspace: str, user: str, channel: str, message: Mapping[str, Any], bot: str) -> str:
    """Take a message in and return what the person is told (mrkdwn). Raises what the database raises."""
    if message.get("user") == bot:
        return "That is a message of mine. Use this on what colleagues say."
    text, ts = plain(str(message.get("text") or "")), str(message["ts"])
    if not text.strip():
        return _HOW
    try:
        new = deps.requests.take(workspace, user, Thread(channel, ts), str(message.get("thread_ts") or ts), text)
    except NothingToReadError as fault:
        return mrkdwn(clean(str(fault), _LONGEST))
    return _THANKS if new else _BEFORE


def _is_in(client: WebClient, channel: str, ts: str) -> bool:
    """Say whether the bot could write there: of direct messages it may read its own only, and ask nothing."""
    if not channel.startswith("D"):
        found = ask_channel(client, channel)
        return not isinstance(found, Refusal) and found.is_member
    try:
        call("conversations.replies", client.conversations_replies, channel=channel, ts=ts, limit=1)
    except ChatError:
        return False
    return True
