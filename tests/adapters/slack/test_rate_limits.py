"""Every 429 is counted by its method, whichever client met it, and nothing is tried again because of it."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.support.fakes import KeptFigures
from tierbot.adapters.slack.calls import call, web_client
from tierbot.use_cases.ports import ChatError, RateLimitedError


@pytest.fixture
def busy() -> Iterator[tuple[str, list[str]]]:
    """Give a Slack that answers 429 to everything but auth.test, and the list of what it was asked."""
    asked: list[str] = []

    class Busy(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked.append(self.path)
            fine = self.path.endswith("auth.test")
            self.send_response(200 if fine else 429)
            self.send_header("Retry-After", "7")
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(b'{"ok": false, "error": "account_inactive"}' if fine else b'{"ok": false}')

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Busy)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/api/", asked
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_429_is_counted_and_raised_at_once(busy: tuple[str, list[str]]) -> None:
    url, asked = busy
    meter = KeptFigures()
    client = web_client("xoxb-1", url, meter)
    with pytest.raises(RateLimitedError) as caught:
        call(client.chat_postMessage, channel="C1", text="hello")
    with pytest.raises(ChatError):
        call(client.auth_test)
    with pytest.raises(RateLimitedError):
        call(client.reactions_get, channel="C1", timestamp="1.0")
    assert caught.value.retry_after == 7
    assert meter.limited == ["chat.postMessage", "reactions.get"]
    assert len(asked) == 3
