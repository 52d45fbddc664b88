"""The HTTP server against clients that never finish a request, dribble it, or open many connections."""

import asyncio
import errno
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tierbot.adapters.http import server
from tierbot.adapters.http.server import WebServer
from tierbot.domain.nouns import TierbotError

GET = b"GET / HTTP/1.1\r\nHost: bot\r\n\r\n"
HALF_HEAD = b"POST / HTTP/1.1\r\nHost: bot\r\n"
HALF_BODY = b"POST / HTTP/1.1\r\nHost: bot\r\nContent-Length: 100\r\n\r\n{"
REFUSED_UNREAD = HALF_BODY.replace(b"POST / ", b"POST /nowhere ")


arrived = threading.Event()


async def echo(request: Request) -> Response:
    try:
        body = await request.body()
    except ClientDisconnect:
        return PlainTextResponse("incomplete", 400)
    if wait := request.query_params.get("wait"):
        arrived.set()
        await asyncio.sleep(float(wait))
    return PlainTextResponse(f"{len(body)} bytes")


@contextmanager
def serving() -> Iterator[int]:
    running = WebServer(Starlette(routes=[Route("/", echo, methods=["GET", "POST"])]), "127.0.0.1", 0)
    yield running.start()
    assert running.stop(grace=5)


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(server, "_ARRIVAL", 0.1)
    with serving() as number:
        yield number


def connect(port: int, sent: bytes = b"") -> socket.socket:
    made = socket.create_connection(("127.0.0.1", port), timeout=5)
    made.sendall(sent)
    return made


def rest(connection: socket.socket) -> bytes:
    """Return what arrives until the server closes the connection."""
    parts = []
    with connection:
        while part := connection.recv(65_536):
            parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize(
    ("sent", "answer"),
    [(b"", b""), (HALF_HEAD, b"HTTP/1.1 408 "), (HALF_BODY, b"HTTP/1.1 408 "), (REFUSED_UNREAD, b"HTTP/1.1 404 ")],
    ids=["nothing", "head", "body", "body of a refused request"],
)
def test_a_request_that_doesnt_arrive_whole_in_time_is_ended(
    port: int, sent: bytes, answer: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    began = time.monotonic()
    received = rest(connect(port, sent))
    assert received[:13] == answer
    assert received.count(b"HTTP/1.1") <= 1
    assert time.monotonic() - began < 3, "uvicorn's own limit, for idle connections, is 5 s"
    assert not [record for record in caplog.records if record.exc_info]


def test_dribbling_a_request_doesnt_extend_its_time(port: int) -> None:
    began = time.monotonic()
    with connect(port, HALF_HEAD) as connection:
        connection.settimeout(0.01)
        answer = None
        while answer is None and time.monotonic() - began < 5:
            connection.sendall(b"X: y\r\n")
            with suppress(TimeoutError):
                answer = connection.recv(4_096)
    assert answer is not None
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_an_answer_may_take_longer_than_a_request_may_take_to_arrive(port: int) -> None:
    with connect(port, GET.replace(b"/ ", b"/?wait=0.3 ", 1)) as connection:
        assert b"200 OK" in connection.recv(4_096)


def test_a_connection_serves_one_request_after_another(port: int) -> None:
    with connect(port) as connection:
        for _ in range(3):
            connection.sendall(GET)
            answer = b""
            while not answer.endswith(b"0 bytes"):
                answer += connection.recv(4_096)
            assert answer.startswith(b"HTTP/1.1 200 OK")


def test_where_too_many_wait_the_longest_waiting_goes_and_whole_requests_are_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "most_waiting", lambda: 3)
    arrived.clear()
    with serving() as port:
        slow = connect(port, GET.replace(b"/ ", b"/?wait=0.3 ", 1))
        assert arrived.wait(10)
        held = [connect(port, half) for half in (b"", HALF_HEAD, HALF_BODY, b"", HALF_HEAD, HALF_BODY)]
        with connect(port, GET) as whole:
            assert b"200 OK" in whole.recv(4_096)
        for dropped in held[:3]:
            with suppress(ConnectionResetError):
                assert rest(dropped) == b""
        assert b"200 OK" in slow.recv(4_096), "being answered isn't waiting"
        held[-1].sendall(b"x" * 99)
        assert b"200 OK" in held[-1].recv(4_096), "the newest can still be completed"
        for one in (slow, *held):
            one.close()


def test_stopping_doesnt_wait_for_the_rest_of_a_request() -> None:
    with serving() as port:
        held = [connect(port, half) for half in (b"", HALF_HEAD, HALF_BODY)]
        with connect(port, GET) as whole:
            assert b"200 OK" in whole.recv(4_096)
        began = time.monotonic()
    assert time.monotonic() - began < 3
    for one in held:
        one.close()


def test_a_full_table_of_descriptors_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    running = server._Server(server.uvicorn.Config(echo))
    loop = asyncio.new_event_loop()
    full = {
        "message": "socket.accept() out of system resource",
        "exception": OSError(errno.EMFILE, "Too many open files"),
    }
    with caplog.at_level(logging.ERROR):
        for _ in range(100):
            running._handle(loop, full)
    (record,) = caplog.records
    assert "Can't accept connections: [Errno 24] Too many open files. Raise the limit" in record.getMessage()
    assert record.exc_info is None
    with caplog.at_level(logging.ERROR):
        running._handle(loop, {"message": "another fault", "exception": ValueError("boom")})
    assert "another fault" in caplog.text
    loop.close()


def test_a_full_table_costs_half_of_the_waiting_connections_once() -> None:
    class Waiting:
        def __init__(self, since: float | None) -> None:
            self.waiting_since = since

        def drop(self) -> None:
            self.waiting_since = None

    running, loop = server._Server(server.uvicorn.Config(echo)), asyncio.new_event_loop()
    waiting = [Waiting(float(since)) for since in range(10)]
    at_work = Waiting(None)
    running.server_state.connections = {*waiting, at_work}  # type: ignore[assignment]
    for _ in range(32):
        running._handle(loop, {"message": "full", "exception": OSError(errno.EMFILE, "Too many open files")})
    assert [one.waiting_since for one in waiting if one.waiting_since is not None] == [5, 6, 7, 8, 9]
    loop.close()


def test_connections_take_at_most_a_quarter_of_the_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    for soft, most in ((1_024, 256), (256, 64), (20, 8), (1_000_000, 256), (resource.RLIM_INFINITY, 256)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, soft=soft: (soft, soft))
        assert server.most_waiting() == most


def test_a_port_that_is_taken_is_said_with_the_reason() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(TierbotError, match=r"Port \d+ is not available \(Address already in use\)\. Set PORT"),
    ):
        WebServer(echo, "127.0.0.1", taken.getsockname()[1]).start()
