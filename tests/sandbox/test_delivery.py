"""Deliveries to the app, frame by frame: Socket Mode, signed HTTP, and what the faults make of them."""

from __future__ import annotations

import json
import queue
import threading
from contextlib import ExitStack, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from slack_sdk import WebClient
from slack_sdk.signature import SignatureVerifier
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from websockets.sync.client import ClientConnection

BRIEF = json.dumps({"ack": 30, "interaction": 30, "retries": [0, 60, 300]})


def frame(socket: ClientConnection, seconds: float = 5) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(socket.recv(timeout=seconds))
    return found


def is_quiet(socket: ClientConnection) -> bool:
    try:
        socket.recv(timeout=0.2)
    except TimeoutError:
        return True
    return False


def ack(socket: ClientConnection, envelope: dict[str, Any], **more: Any) -> None:
    socket.send(json.dumps({"envelope_id": envelope["envelope_id"], **more}))


@pytest.fixture
def link(start: Callable[..., Any]) -> Iterator[Any]:
    """Return a sandbox with `open()`, which opens a Socket Mode connection and reads its hello."""
    box = start("--timings", BRIEF)

    def url() -> str:
        client = WebClient(token=box.info["app_token"], base_url=box.info["api_url"])
        return str(client.apps_connections_open(app_token=box.info["app_token"])["url"])

    with ExitStack() as stack:

        def open_one() -> ClientConnection:
            socket = stack.enter_context(connect(url(), ping_interval=None, proxy=None))
            assert frame(socket)["type"] == "hello"
            return socket

        box.url, box.open = url, open_one
        box.ts = box.post()
        yield box


def test_hello_counts_the_connections_and_a_ticket_opens_one(link: Any) -> None:
    url = link.url()
    with connect(url, proxy=None) as first:
        hello = frame(first)
        assert (hello["type"], hello["num_connections"]) == ("hello", 1)
        assert hello["connection_info"]["app_id"]
        with pytest.raises(Exception, match="403"), connect(url, proxy=None):
            pass


def test_what_is_not_acknowledged_comes_again_with_its_number_and_reason(link: Any) -> None:
    socket = link.open()
    link.do("react", user="bob", ts=link.ts, name="pizza")
    first = frame(socket)
    assert (first["type"], first["retry_attempt"], first["accepts_response_payload"]) == ("events_api", 0, False)
    assert first["payload"]["authorizations"][0]["is_bot"]
    for attempt, pause in enumerate((0, 60, 300), 1):
        link.do("clock", advance=30)
        if pause:
            link.see("state")
            link.do("clock", advance=pause)
        again = frame(socket)
        assert (again["retry_attempt"], again["retry_reason"]) == (attempt, "timeout")
        assert again["payload"] == first["payload"]
        assert again["envelope_id"] != first["envelope_id"]
    link.do("clock", advance=30)
    assert is_quiet(socket)
    assert link.see("stats")["given_up"] == 1


def test_each_event_goes_to_one_connection_and_a_lost_one_hands_on(link: Any) -> None:
    one, other = link.open(), link.open()
    names = ["pizza", "tada", "football", "taco", "robot_face", "scales"]
    for name in names:
        link.do("react", user="bob", ts=link.ts, name=name)
    seen: list[str] = []
    for socket in (one, other):
        while not is_quiet_keep(socket, seen):
            pass
    assert sorted(seen) == sorted(names)
    one.close()
    other_seen: list[str] = []
    while not is_quiet_keep(other, other_seen):
        pass
    assert other_seen, "what the closed connection had not acknowledged is sent to the other"


def is_quiet_keep(socket: ClientConnection, names: list[str]) -> bool:
    try:
        names.append(json.loads(socket.recv(timeout=0.3))["payload"]["event"]["reaction"])
    except TimeoutError:
        return True
    return False


def test_the_eleventh_connection_is_turned_away(link: Any) -> None:
    for _ in range(10):
        link.open()
    with connect(link.url(), proxy=None) as socket:
        assert frame(socket)["reason"] == "too_many_websockets"
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=5)


def test_disconnect_frames_say_why(link: Any) -> None:
    socket = link.open()
    link.do("sockets", do="disconnect", reason="warning")
    assert frame(socket)["reason"] == "warning"
    link.do("sockets", do="disconnect", reason="link_disabled")
    assert frame(socket)["reason"] == "link_disabled"
    with pytest.raises(ConnectionClosed):
        socket.recv(timeout=5)


def test_connections_are_refreshed_after_a_warning(link: Any) -> None:
    socket = link.open()
    link.do("clock", advance=4 * 3600 - 10)
    assert frame(socket)["reason"] == "warning"
    link.do("clock", advance=10)
    assert frame(socket)["reason"] == "refresh_requested"


def test_a_silent_socket_sends_nothing_and_answers_no_ping(link: Any) -> None:
    socket = link.open()
    assert socket.ping().wait(5)
    link.do("sockets", do="silence")
    link.do("react", user="bob", ts=link.ts, name="pizza")
    assert is_quiet(socket)
    assert not socket.ping().wait(0.3)
    link.do("sockets", do="wake")
    link.do("react", user="bob", ts=link.ts, name="tada")
    assert frame(socket)["payload"]["event"]["reaction"] == "tada"


def test_events_are_doubled_dropped_and_overtaken(link: Any) -> None:
    socket = link.open()
    link.do("faults", duplicate_event=1.0)
    link.do("react", user="bob", ts=link.ts, name="pizza")
    assert frame(socket)["payload"]["event_id"] == frame(socket)["payload"]["event_id"]
    link.do("faults", duplicate_event=0, drop_event=1.0)
    link.do("react", user="bob", ts=link.ts, name="tada")
    link.do("faults", drop_event=0, reorder_event=1.0, reorder_seconds=100)
    link.do("react", user="bob", ts=link.ts, name="football")
    link.do("faults", reorder_event=0)
    link.do("react", user="bob", ts=link.ts, name="taco")
    assert frame(socket)["payload"]["event"]["reaction"] == "taco"
    link.do("clock", advance=100)
    names = {frame(socket)["payload"]["event"]["reaction"] for _ in range(4)}
    assert "football" in names
    assert "tada" not in names
    assert link.http.delete("faults").json()["faults"]["reorder_event"] == 0


def test_what_became_of_each_event_is_on_record(link: Any) -> None:
    def react(name: str) -> None:
        link.do("react", user="bob", ts=link.ts, name=name)

    react("pizza")  # nobody listens: after its retries it is given up
    for pause in (0, 60, 300):
        link.see("state")
        link.do("clock", advance=pause)
    socket = link.open()
    link.do("faults", drop_event=1.0)
    react("tada")
    link.do("faults", drop_event=0, lost_ack=1.0)
    react("football")
    ack(socket, frame(socket))
    while not link.see("events")["events"][-1]["acks"]:  # it is lost before the fault ends
        pass
    link.do("faults", lost_ack=0)
    link.do("leave", user="tierbot")
    react("taco")
    link.do("join", user="tierbot")
    link.do("revoke")
    react("robot_face")
    assert frame(socket)["payload"]["event"]["type"] == "tokens_revoked"
    link.do("clock", advance=30)
    for _ in range(2):
        ack(socket, frame(socket))
    while link.see("stats")["pending"]:
        pass
    reactions = [event for event in link.see("events")["events"] if event["type"] == "reaction_added"]
    assert [(event["became"], event["why"], event["acks"]) for event in reactions] == [
        ("given_up", "no_connection", 0),
        ("dropped", "", 0),
        ("acknowledged", "", 2),
        ("not_sent", "not_in_channel", 0),
        ("not_sent", "not_installed", 0),
    ]
    acts = [act["details"]["event_ts"] for act in link.see("record")["acts"]]
    assert [event["event_ts"] for event in reactions] == acts


@pytest.fixture
def listener() -> Iterator[Any]:
    """Return a URL that notes what it is asked and answers when told to."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_an_acknowledged_event_waits_until_someone_has_looked(start: Callable[..., Any], listener: str) -> None:
    box = start("--timings", BRIEF, "--ask-on-ack", listener)
    ts = box.post()
    client = WebClient(token=box.info["app_token"], base_url=box.info["api_url"])
    with connect(str(client.apps_connections_open(app_token=box.info["app_token"])["url"]), proxy=None) as socket:
        frame(socket)
        box.do("react", user="bob", ts=ts, name="pizza")
        envelope = frame(socket)
        ack(socket, envelope)
        _, body = Receiver.got.get(timeout=5)
        assert json.loads(body) == envelope["payload"]
        box.do("clock", advance=1000)  # no time passes for this event, however long the look takes
        assert is_quiet_keep(socket, [])
        assert box.see("events")["events"][-1]["became"] == "pending"
        Receiver.answers.put(200)
        box.do("react", user="bob", ts=ts, name="tada")
        late = frame(socket)
        box.do("clock", advance=30)
        again = frame(socket)
        assert [event["became"] for event in box.see("events")["events"]] == ["acknowledged", "pending"]
        for one in (late, again):  # also one that comes too late is asked about
            ack(socket, one)
            Receiver.got.get(timeout=5)
            Receiver.answers.put(200)
    assert (box.see("stats")["asked"], box.see("stats")["unanswered"]) == (3, 0)


def test_a_slow_acknowledgement_comes_too_late(link: Any) -> None:
    socket = link.open()
    link.do("faults", slow_ack=1.0, slow_ack_seconds=10_000)
    link.do("react", user="bob", ts=link.ts, name="pizza")
    ack(socket, frame(socket))
    link.see("stats")
    link.do("clock", advance=30)
    assert frame(socket)["retry_attempt"] == 1


def test_a_revoked_token_and_an_uninstallation_are_told(link: Any) -> None:
    socket = link.open()
    link.do("uninstall")
    assert {frame(socket)["payload"]["event"]["type"] for _ in range(2)} == {"tokens_revoked", "app_uninstalled"}
    assert link.web.api_call("api.test")["ok"]
    link.do("revoke", restore=True)
    assert link.web.auth_test()["ok"]


def test_without_a_connection_a_command_fails_at_once(link: Any) -> None:
    assert link.do("command", user="bob", command="/tier")["error"] == "dispatch_failed"
    assert link.do("command", user="bob", command="/nope")["error"] == "unknown_command"


def test_an_acknowledgement_may_carry_the_answer(link: Any) -> None:
    socket = link.open()
    found: queue.Queue[dict[str, Any]] = queue.Queue()
    run = threading.Thread(target=lambda: found.put(link.do("command", user="bob", command="/tier push 3", wait=5)))
    run.start()
    envelope = frame(socket)
    assert envelope["type"] == "slash_commands"
    assert (envelope["payload"]["command"], envelope["payload"]["text"]) == ("/tier", "push 3")
    ack(socket, envelope, payload={"text": "done", "response_type": "in_channel"})
    assert found.get(timeout=5)["responses"][0]["text"] == "done"
    run.join()


def test_the_stream_tells_every_change_and_catches_up(link: Any) -> None:
    url = link.info["control_url"].replace("http", "ws", 1) + "stream"
    with connect(url, proxy=None) as stream:
        seq = frame(stream)["seq"]
        link.do("react", user="bob", ts=link.ts, name="pizza")
        change = frame(stream)
        assert (change["type"], change["name"], change["seq"]) == ("reaction_added", "pizza", seq + 1)
        assert change["reactions"][0]["count"] == 1
    with connect(f"{url}?since={seq}", proxy=None) as stream:
        assert {frame(stream)["type"], frame(stream)["type"]} == {"hello", "reaction_added"}


def test_the_record_holds_what_colleagues_did_and_votes_what_stands(link: Any) -> None:
    acts = [
        {"do": "react", "user": "bob", "ts": link.ts, "name": "pizza"},
        {"do": "react", "user": "ada", "ts": link.ts, "name": "pizza"},
        {"do": "unreact", "user": "bob", "ts": link.ts, "name": "pizza"},
        {"do": "unreact", "user": "bob", "ts": link.ts, "name": "pizza"},
    ]
    results = link.do("acts", acts=acts)["results"]
    assert [item.get("error") for item in results] == [None, None, None, "no_reaction"]
    assert [act["act"] for act in link.see("record")["acts"]] == ["react", "react", "unreact"]
    assert len(link.see("votes")["votes"]) == 1


@pytest.mark.parametrize("seed", ["1", "2"])
def test_under_faults_a_plain_ledger_still_ends_with_the_votes_that_stand(start: Callable[..., Any], seed: str) -> None:
    faults = {"lost_ack": 0.2, "slow_ack": 0.2, "duplicate_event": 0.2, "reorder_event": 0.3, "reorder_seconds": 50}
    box = start("--seed", seed, "--faults", json.dumps(faults), "--timings", BRIEF)
    posts = [box.post() for _ in range(5)]
    client = WebClient(token=box.info["app_token"], base_url=box.info["api_url"])
    url = client.apps_connections_open(app_token=box.info["app_token"])["url"]
    random = Random(seed)  # noqa: S311
    acts = [
        {
            "do": random.choice(["react", "unreact"]),
            "user": random.choice(["ada", "bob"]),
            "ts": random.choice(posts),
            "name": random.choice(["pizza", "+1", "thumbsup::skin-tone-2"]),
        }
        for _ in range(400)
    ]
    ledger: dict[tuple[str, str, str], tuple[str, str]] = {}
    with connect(str(url), proxy=None) as socket:
        frame(socket)
        box.do("acts", acts=acts)
        for _ in range(12):
            take_all(socket, ledger)
            box.do("clock", advance=60)
        assert box.see("stats")["pending"] == 0
    standing = sorted([*key] for key, (_, kind) in ledger.items() if kind == "reaction_added")
    assert standing == [vote[1:] for vote in box.see("votes")["votes"]]
    assert box.see("stats")["retries"] > 20


def take_all(socket: ClientConnection, ledger: dict[tuple[str, str, str], tuple[str, str]]) -> None:
    while True:
        try:
            envelope = json.loads(socket.recv(timeout=0.15))
        except TimeoutError:
            return
        ack(socket, envelope)
        event = envelope["payload"]["event"]
        key = (event["item"]["ts"], event["user"], event["reaction"])
        ledger[key] = max(ledger.get(key, ("", "")), (event["event_ts"], event["type"]))


def test_beyond_30000_events_an_hour_the_app_is_told_once_a_minute(start: Callable[..., Any]) -> None:
    box = start("--limits", "--timings", BRIEF)
    ts = box.post()
    for _ in range(31):
        pair = [{"do": kind, "user": "bob", "ts": ts, "name": "pizza"} for kind in ("react", "unreact")]
        box.do("acts", acts=pair * 500)
    stats = box.see("stats")
    assert stats["rate_limited"] == 1000
    assert stats["rate_limit_notices"] in {1, 2}  # two if a minute ended just then


class Receiver(BaseHTTPRequestHandler):
    """An app's request URL that keeps what it got and answers as told."""

    got: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()
    answers: queue.Queue[int] = queue.Queue()

    def do_POST(self) -> None:
        """Take one request."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.put(({key.lower(): value for key, value in self.headers.items()}, body))
        self.send_response(self.answers.get(timeout=5))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


def test_http_delivery_is_signed_and_repeated_with_its_number(start: Callable[..., Any]) -> None:
    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        box = start("--request-url", f"http://127.0.0.1:{server.server_port}/slack/events", "--timings", BRIEF)
        for status in (500, 200, 200):
            Receiver.answers.put(status)
        box.do("react", user="bob", ts=box.post(), name="pizza")
        headers, body = Receiver.got.get(timeout=5)
        assert SignatureVerifier(box.info["signing_secret"]).is_valid_request(body, headers)
        assert json.loads(body)["event"]["reaction"] == "pizza"
        assert "x-slack-retry-num" not in headers
        again, same = Receiver.got.get(timeout=5)
        assert (again["x-slack-retry-num"], again["x-slack-retry-reason"]) == ("1", "http_error")
        assert same == body
        assert box.do("command", user="bob", command="/tier")["acked"]
        form = Receiver.got.get(timeout=5)
        assert form[0]["content-type"] == "application/x-www-form-urlencoded"
        assert b"command=%2Ftier" in form[1]
        server.shutdown()
        thread.join()


def test_over_http_too_an_acknowledgement_may_be_slow_or_lost_and_the_app_away(start: Callable[..., Any]) -> None:
    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        box = start("--request-url", f"http://127.0.0.1:{server.server_port}/", "--timings", BRIEF)
        for fault, body in (
            ("lost_ack", {"lost_ack": 1.0}),
            ("slow_ack", {"slow_ack": 1.0, "slow_ack_seconds": 10_000}),
        ):
            box.do("faults", **body)
            box.do("react", user="bob", ts=box.post(), name="pizza")
            first, same = Receiver.got.get(timeout=20)
            assert "x-slack-retry-num" not in first
            Receiver.answers.put(200)
            for _ in range(10):  # the sandbox may begin to wait only after the clock was moved
                box.do("clock", advance=30)
                with suppress(queue.Empty):
                    again, copy = Receiver.got.get(timeout=2)
                    break
            box.do("faults", **dict.fromkeys(body, 0))  # before the second answer, and long after the first
            Receiver.answers.put(200)
            assert (again["x-slack-retry-num"], again["x-slack-retry-reason"], copy) == ("1", "http_timeout", same), (
                fault
            )
            while box.see("stats")["pending"]:  # or the next fault befalls this acknowledgement, too
                pass
        server.shutdown()
        thread.join()
        server.server_close()
        box.do("react", user="bob", ts=box.post(), name="tada")
        for _ in range(300):  # each look is a call, which lets the sandbox go on
            box.do("clock", advance=30)
            if box.see("stats").get("given_up"):
                break
        assert box.see("stats")["given_up"] == 1


def test_sigterm_ends_it_promptly_with_exit_code_0(link: Any) -> None:
    link.open()
    assert link.stop() == 0
