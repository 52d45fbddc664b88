"""The hands of a smoke test in Slack: a canary, a colleague who reacts to it, commands that answer.

A bot token can neither react as a person nor type a command. With a user token (SLACK_USER_TOKEN) the reaction is
a colleague's own and goes all the way through Slack. Without one, and for the commands always, what Slack would
send is put into the app's own listeners here, and the smoke test says so.
"""

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, SimpleQueue
from typing import Any

from slack_bolt import App, BoltRequest
from slack_bolt.context.respond import Respond
from slack_sdk import WebClient

from tierbot.adapters.slack.block_kit.blocks import context, section
from tierbot.adapters.slack.block_kit.text import clean, cut
from tierbot.adapters.slack.commands.grammar import LEADERBOARD, MY_SCORE, TIER
from tierbot.adapters.slack.errors import call
from tierbot.adapters.slack.faults import WENT_WRONG
from tierbot.adapters.slack.identity import Identity
from tierbot.adapters.slack.messages.chat import web_client
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
"""What the user token needs: the manifest asks for it where a smoke test is wanted."""

COMMANDS = (LEADERBOARD.name, MY_SCORE.name, f"{TIER.name} help")
"""What a smoke test types: commands that change nothing."""

STRANGER = "UTIERBOTSMOKETEST"
"""Who reacts where there is no user token: nobody's id."""

PATIENCE = 20.0  # seconds until a vote or an answer must have come
_LOOK = 0.05  # seconds between two looks into the ledger
_TAKEN = 200
_EVENT_TYPE = "tierbot_smoke_test"
_SAYS = "🐤 A canary of `tierbot doctor`: no article, and nothing here counts. It goes by itself in a moment."


class Canary:
    """doctor.smoke test.SmokeTestActions. `stands(channel, ts, user)` says whether the ledger reads a vote of the user's there.

    user_client carries the colleague's token; None has the reaction put into the app's listeners instead.
    """

    def __init__(
        self,
        client: WebClient,
        app: App,
        identity: Identity,
        *,
        channel: str,
        emoji: str,
        stands: Callable[[str, str, str], bool],
        clock: Clock,
        user_client: WebClient | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self._client = client
        self._app = app
        self._identity = identity
        self._channel = channel
        self._emoji = emoji
        self._stands = stands
        self._clock = clock
        self._user_client = user_client
        self._patience = patience
        self._user = STRANGER
        self._ts = ""

    # --- the canary -------------------------------------------------------------------------------

    def post(self) -> str:
        """Post the canary; say where."""
        sent = call(
            "chat.postMessage",
            self._client.chat_postMessage,
            channel=self._channel,
            text=_SAYS,
            blocks=[section(_SAYS), context(f"Wanted: :{self._emoji}:")],
            metadata={"event_type": _EVENT_TYPE, "event_payload": {}},
        )
        self._ts = str(sent["ts"])
        return f"in {self._channel}"

    def clean_up(self) -> str:
        """Delete the canary."""
        call("chat.delete", self._client.chat_delete, channel=self._channel, ts=self._ts)
        return "the canary is gone"

    # --- the reaction -----------------------------------------------------------------------------

    def react(self) -> str:
        """React with the tag's emoji, as the colleague or through the listeners."""
        if self._user_client is None:
            self._dispatch_reaction("reaction_added")
            return f":{self._emoji}: put into the app's own listeners; with SLACK_USER_TOKEN it goes through Slack"
        with _as_colleague():
            said = call("auth.test", self._user_client.auth_test)
        if said.get("team_id") != self._identity.team_id:
            raise TierbotError("SLACK_USER_TOKEN belongs to another workspace than SLACK_BOT_TOKEN.")
        self._user = str(said["user_id"])
        with _as_colleague():
            call(
                "reactions.add",
                self._user_client.reactions_add,
                channel=self._channel,
                timestamp=self._ts,
                name=self._emoji,
            )
        return f":{self._emoji}: as @{said.get('user')}, through Slack"

    def unreact(self) -> str:
        """Take the reaction back the way it was given."""
        if self._user_client is None:
            self._dispatch_reaction("reaction_removed")
            return "put into the app's own listeners"
        with _as_colleague():
            call(
                "reactions.remove",
                self._user_client.reactions_remove,
                channel=self._channel,
                timestamp=self._ts,
                name=self._emoji,
            )
        return "through Slack"

    def see_vote(self) -> str:
        """Wait until the ledger reads the vote."""
        return self._await_vote(stands=True)

    def see_no_vote(self) -> str:
        """Wait until the ledger reads the vote as revoked."""
        return self._await_vote(stands=False)

    def _await_vote(self, *, stands: bool) -> str:
        until = time.monotonic() + self._patience
        while self._stands(self._channel, self._ts, self._user) is not stands:
            if time.monotonic() > until:
                raise TierbotError(
                    f"The {'vote' if stands else 'removal'} did not reach the ledger within {self._patience:g} s. Is "
                    "`tierbot run` running on this database, and does the app have the events reaction_added and "
                    "reaction_removed?"
                )
            time.sleep(_LOOK)
        return "in the ledger" if stands else "revoked in the ledger"

    def _dispatch_reaction(self, kind: str) -> None:
        now = self._clock.now()
        event = {
            "type": kind,
            "user": self._user,
            "reaction": self._emoji,
            "item": {"type": "message", "channel": self._channel, "ts": self._ts},
            "item_user": self._identity.bot_user_id,
            "event_ts": to_slack_ts(now),
        }
        body = {
            "type": "event_callback",
            "team_id": self._identity.team_id,
            "event_id": f"EvSmokeTest{secrets.token_hex(8)}",
            "event_time": int(now.timestamp()),
            "event": event,
        }
        self._dispatch(body)

    # --- commands ---------------------------------------------------------------------------------

    def command(self, text: str) -> str:
        """Put a slash command into the app's listeners; return how its answer begins."""
        name, _, rest = text.partition(" ")
        with _answers() as (url, answers):
            body = {
                "command": name,
                "text": rest,
                "user_id": self._user,
                "user_name": "smoke_test",
                "channel_id": self._channel,
                "channel_name": "smoke_test",
                "team_id": self._identity.team_id,
                "team_domain": "smoke_test",
                "response_url": url,
                "trigger_id": "0.0.0",
                "token": "smoke_test",
            }
            self._dispatch(body, {"respond": Respond(response_url=url, proxy=url)})
            try:
                answer = answers.get(timeout=self._patience)
            except Empty:
                raise TierbotError(f"{name} gave no answer within {self._patience:g} s. The log says why.") from None
        said = clean(str(answer.get("text") or ""), 300)
        if said.startswith(WENT_WRONG):
            raise TierbotError(f"{text}: {said}")
        return f"“{cut(said, 60)}”, by the app's own listeners"

    def _dispatch(self, body: dict[str, Any], extra: Mapping[str, Any] | None = None) -> None:
        response = self._app.dispatch(BoltRequest(body=body, mode="socket_mode", context=dict(extra or {})))
        if response.status != _TAKEN:
            raise TierbotError(f"The app's listeners answered {response.status}. The log says why.")


def colleague(token: str, base_url: str) -> WebClient:
    """Return a client for a user token. Raises TierbotError, which says what kind of token it is, for another."""
    if fault := wrong_token(token, USER):
        raise TierbotError(f"SLACK_USER_TOKEN: {fault}")
    return web_client(token, base_url)


@contextmanager
def _as_colleague() -> Iterator[None]:
    """Say of a refusal inside the block what the user token lacks: the usual remedies are about the bot."""
    try:
        yield
    except ChatError as fault:
        raise TierbotError(
            f"Slack says {fault.code} to SLACK_USER_TOKEN. Its user must be a member of the channel, and the token needs "
            f"the user scope {' and '.join(USER_SCOPES)} (`tierbot manifest --smoke-test` asks for it)."
        ) from fault


@contextmanager
def _answers() -> Iterator[tuple[str, "SimpleQueue[dict[str, Any]]"]]:
    """Give a response url on this machine, and the answers that come there.

    The url serves as its own proxy, so that a proxy in the environment, which slack_sdk would use for every
    address, does not swallow the answers.
    """
    taken: SimpleQueue[dict[str, Any]] = SimpleQueue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            try:
                taken.put(json.loads(self.rfile.read(length)))
            except ValueError:
                self.send_error(400)
                return
            self.send_response(_TAKEN)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", taken
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
