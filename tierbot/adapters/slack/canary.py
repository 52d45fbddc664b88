"""The steps of a smoke test in Slack: post a canary, react to it as a colleague, run commands.

A bot token can't react as a person or type a command. With a user token (SLACK_USER_TOKEN) a real reaction goes all the
way through Slack. Without one, and always for commands, the canary passes Slack's payload straight to the app's
listeners, and the smoke test's output says so.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from http import HTTPStatus
from queue import Empty, SimpleQueue
from typing import Any

from slack_bolt import App, BoltRequest
from slack_bolt.context.respond import Respond
from slack_sdk import WebClient
from slack_sdk.web import SlackResponse
from slack_sdk.webhook import WebhookResponse

from tierbot.adapters.slack.block_kit.blocks import context, section
from tierbot.adapters.slack.block_kit.text import clean, cut
from tierbot.adapters.slack.calls import call, web_client
from tierbot.adapters.slack.commands.grammar import LEADERBOARD, MY_SCORE, TIER
from tierbot.adapters.slack.faults import WENT_WRONG
from tierbot.adapters.slack.identity import Identity
from tierbot.adapters.slack.needs import Needs
from tierbot.domain.doctor.tokens import USER, wrong_token
from tierbot.domain.nouns import TierbotError, to_slack_ts
from tierbot.use_cases.ports import ChatError, Clock

NEEDS = Needs(
    methods={
        "chat.postMessage": ("chat:write",),
        "chat.delete": ("chat:write",),
        "reactions.add": ("reactions:write",),
        "reactions.remove": ("reactions:write",),
    }
)
USER_SCOPES = ("reactions:write",)
"""The user token's scopes; the manifest requests them for a smoke test."""

COMMANDS = (LEADERBOARD.name, MY_SCORE.name, f"{TIER.name} help")
"""The commands that a smoke test runs; they change nothing."""

FAKE_USER = "UTIERBOTSMOKETEST"
"""The user id that reacts without a user token; it belongs to nobody."""

TIMEOUT = 20.0  # seconds to wait for a vote or an answer
_POLL = 0.05  # seconds between checks of the ledger
_EVENT_TYPE = "tierbot_smoke_test"
_TEXT = "🐤 A test message from `tierbot doctor`. Nothing here counts, and it disappears in a moment."


@dataclass
class Canary:
    """domain.doctor.smoke_test.SmokeTestActions in Slack.

    `has_vote(channel, ts, user)` returns whether the ledger has a current vote by the user on that message.
    `user_client` carries the colleague's token; without it, the app's listeners get the reaction directly.
    """

    client: WebClient
    app: App
    identity: Identity
    _: KW_ONLY
    channel: str
    emoji: str
    has_vote: Callable[[str, str, str], bool]
    clock: Clock
    user_client: WebClient | None = None
    timeout: float = TIMEOUT
    user: str = field(default=FAKE_USER, init=False)
    ts: str = field(default="", init=False)

    def post(self) -> str:
        """Post the canary; say where."""
        sent = call(
            self.client.chat_postMessage,
            channel=self.channel,
            text=_TEXT,
            blocks=[section(_TEXT), context(f"Expecting :{self.emoji}:")],
            metadata={"event_type": _EVENT_TYPE, "event_payload": {}},
        )
        self.ts = str(sent["ts"])
        return f"in {self.channel}"

    def clean_up(self) -> str:
        """Delete the canary."""
        call(self.client.chat_delete, channel=self.channel, ts=self.ts)
        return "deleted the canary"

    def react(self) -> str:
        """Add the tag's emoji, as the colleague or through the listeners."""
        if self.user_client is None:
            self._dispatch_reaction("reaction_added")
            return f":{self.emoji}: sent to the app's listeners directly; set SLACK_USER_TOKEN to test through Slack"
        owner = _call_as_colleague(self.user_client.auth_test)
        if owner.get("team_id") != self.identity.team_id:
            raise TierbotError("SLACK_USER_TOKEN and SLACK_BOT_TOKEN belong to different workspaces.")
        self.user = str(owner["user_id"])
        _call_as_colleague(self.user_client.reactions_add, **self._reaction())
        return f":{self.emoji}: as @{owner.get('user')}, through Slack"

    def unreact(self) -> str:
        """Remove the reaction the same way."""
        if self.user_client is None:
            self._dispatch_reaction("reaction_removed")
            return "sent to the app's listeners directly"
        _call_as_colleague(self.user_client.reactions_remove, **self._reaction())
        return "through Slack"

    def _reaction(self) -> dict[str, str]:
        return {"channel": self.channel, "timestamp": self.ts, "name": self.emoji}

    def see_vote(self) -> str:
        """Wait for the vote to reach the ledger."""
        return self._await_vote(present=True)

    def see_no_vote(self) -> str:
        """Wait for the vote's removal to reach the ledger."""
        return self._await_vote(present=False)

    def _await_vote(self, *, present: bool) -> str:
        until = time.monotonic() + self.timeout
        while self.has_vote(self.channel, self.ts, self.user) is not present:
            if time.monotonic() > until:
                raise TierbotError(
                    f"The {'vote' if present else 'removal'} did not reach the ledger within {self.timeout:g} s. Is "
                    "`tierbot run` running on this database, and does the app have the events reaction_added and "
                    "reaction_removed?"
                )
            time.sleep(_POLL)
        return "in the ledger" if present else "revoked in the ledger"

    def _dispatch_reaction(self, kind: str) -> None:
        now = self.clock.now()
        event = {
            "type": kind,
            "user": self.user,
            "reaction": self.emoji,
            "item": {"type": "message", "channel": self.channel, "ts": self.ts},
            "item_user": self.identity.bot_user_id,
            "event_ts": to_slack_ts(now),
        }
        body = {
            "type": "event_callback",
            "team_id": self.identity.team_id,
            "event_id": f"EvSmokeTest{secrets.token_hex(8)}",
            "event_time": int(now.timestamp()),
            "event": event,
        }
        self._dispatch(body)

    def command(self, text: str) -> str:
        """Pass a slash command to the app's listeners; return the start of its answer."""
        name, _, rest = text.partition(" ")
        respond = _Answers()
        body = {
            "command": name,
            "text": rest,
            "user_id": self.user,
            "user_name": "smoke_test",
            "channel_id": self.channel,
            "channel_name": "smoke_test",
            "team_id": self.identity.team_id,
            "team_domain": "smoke_test",
            "response_url": respond.response_url,
            "trigger_id": "0.0.0",
            "token": "smoke_test",
        }
        self._dispatch(body, {"respond": respond})
        try:
            said = clean(respond.texts.get(timeout=self.timeout), 300)
        except Empty:
            raise TierbotError(f"{name} gave no answer within {self.timeout:g} s. See the log.") from None
        if said.startswith(WENT_WRONG):
            raise TierbotError(f"{text}: {said}")
        return f"“{cut(said, 60)}”, from the app's listeners directly"

    def _dispatch(self, body: dict[str, Any], extra: dict[str, Any] | None = None) -> None:
        response = self.app.dispatch(BoltRequest(body=body, mode="socket_mode", context=extra))
        if response.status != HTTPStatus.OK:
            raise TierbotError(f"The app's listeners answered {response.status}. See the log.")


def colleague(token: str, base_url: str) -> WebClient:
    """Return a client for a user token. Raises TierbotError for any other kind of token."""
    if fault := wrong_token(token, USER):
        raise TierbotError(f"SLACK_USER_TOKEN: {fault}")
    return web_client(token, base_url)


def _call_as_colleague(request: Callable[..., SlackResponse], **arguments: str) -> SlackResponse:
    """Call Slack, and explain a refusal in terms of the user token; the usual remedies are for the bot's."""
    try:
        return call(request, **arguments)
    except ChatError as fault:
        raise TierbotError(
            f"Slack refused SLACK_USER_TOKEN: {fault.code}. Its user must be a member of the channel, and the token needs "
            f"the user scope {' and '.join(USER_SCOPES)} (`tierbot manifest --smoke-test` requests it)."
        ) from fault


class _Answers(Respond):
    """Bolt's `respond`, which keeps the answers here instead of sending them."""

    def __init__(self) -> None:
        super().__init__(response_url="https://smoke-test.invalid")
        self.texts: SimpleQueue[str] = SimpleQueue()

    def __call__(self, text: str | dict[str, Any] = "", *_: Any, **__: Any) -> WebhookResponse:
        self.texts.put(str(text))
        return WebhookResponse(url="", status_code=HTTPStatus.OK, body="ok", headers={})
