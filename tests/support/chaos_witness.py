"""Looks into the bot's database whenever the sandbox receives an acknowledgment, for the event's row."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from sqlalchemy import create_engine, text

from tests.support.chaos_checks import Broken, Promise

_IS_THERE = text("SELECT count(*) FROM reaction_event WHERE event_id = :event_id")
_REACTIONS = frozenset({"reaction_added", "reaction_removed"})


class Witness:
    """A server that the sandbox asks (`--ask-on-ack`); a context manager. It reads the database itself, without the bot's code."""

    def __init__(self, database: str) -> None:
        self._engine = create_engine(database, isolation_level="AUTOCOMMIT", pool_size=40)
        self.asked: set[str] = set()
        self.missing: list[dict[str, Any]] = []
        witness = self

        class Look(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                witness.look(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Look)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._engine.dispose()

    def look(self, body: dict[str, Any]) -> None:
        """Look for an event that was just acknowledged."""
        if _must_be_stored(body):
            with self._engine.connect() as connection:
                is_there = connection.execute(_IS_THERE, {"event_id": body["event_id"]}).scalar()
            if not is_there:
                self.missing.append(body["event"])
        self.asked.add(body["event_id"])

    def check(self) -> None:
        """Raise Broken if an event had been acknowledged before it was stored."""
        if self.missing:
            raise Broken(Promise.STORED, f"{len(self.missing)} of {len(self.asked)}, such as {self.missing[:3]}")


def _must_be_stored(body: dict[str, Any]) -> bool:
    """Say whether this is a reaction that may be a vote: not by the bot, nor by someone whose event names another team."""
    event = body["event"]
    own = event.get("user") == body["authorizations"][0]["user_id"]
    return event["type"] in _REACTIONS and not own and event.get("user_team") in {None, body["team_id"]}
