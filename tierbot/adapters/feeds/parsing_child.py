"""The child process that parses feeds, one after another, within limits: `python -m tierbot.adapters.feeds.parsing_child`.

Feeds are hostile input, and no list of checks is complete: whatever a feed makes the parsers do, the system ends this process
when a feed takes more processor time or memory than its limits. `parsers.py` starts it, and another one after that.

A message is the length of a JSON object, the length of the bytes that follow it, and both.
"""

import json
import os
import signal
import struct
import sys
import traceback
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from tierbot.adapters.feeds.parse import Parsed, parse_feed
from tierbot.domain.articles.feeds import Feed, FeedError
from tierbot.domain.nouns import Article

OUT_OF_MEMORY = 86
"""The exit status of a child that reached its memory limit."""

_LENGTHS = struct.Struct(">QQ")
_MOST_TRACEBACK = 4_000  # characters


def send(stream: BinaryIO, about: Mapping[str, Any], body: bytes = b"") -> None:
    """Write a message."""
    said = json.dumps(about).encode()
    stream.write(_LENGTHS.pack(len(said), len(body)) + said)
    stream.write(body)
    stream.flush()


def receive(stream: BinaryIO) -> tuple[dict[str, Any], bytes]:
    """Read a message. Raises EOFError if the stream ends before or in it."""
    said, body = _LENGTHS.unpack(_exactly(stream, _LENGTHS.size))
    return json.loads(_exactly(stream, said)), _exactly(stream, body)


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data


def request_of(feed: Feed, url: str, content_type: str, entries: int, now: datetime) -> dict[str, Any]:
    """Return what `parse_feed` needs beside a feed's bytes, without the feed's login."""
    given = {"url": url, "content_type": content_type, "entries": entries, "now": now.isoformat()}
    return {"feed": [feed.url, feed.name], **given}


def parsed_of(answer: Mapping[str, Any]) -> Parsed:
    """Return what a child parsed."""
    return Parsed(tuple(_article(one) for one in answer["articles"]), tuple(answer["notes"]))


def _written(article: Article) -> dict[str, Any]:
    data = asdict(article)
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in data.items()}


def _article(data: Mapping[str, Any]) -> Article:
    published = data["published_at"]
    moments = {
        "received_at": datetime.fromisoformat(data["received_at"]),
        "published_at": datetime.fromisoformat(published) if published else None,
    }
    return Article(**{**data, **moments, "feeds": tuple(data["feeds"])})


def _answer(request: Mapping[str, Any], body: bytes) -> dict[str, Any]:
    """Parse a feed; return its articles and notes, or what is wrong with it, or an error of our own."""
    try:
        parsed = parse_feed(
            body,
            feed=Feed(*request["feed"]),
            url=request["url"],
            content_type=request["content_type"],
            entries=request["entries"],
            now=datetime.fromisoformat(request["now"]),
        )
    except FeedError as fault:
        return {"fault": str(fault)}
    except MemoryError:
        raise
    except Exception as fault:  # noqa: BLE001 - the parent reports it
        return {
            "error": f"{type(fault).__name__}: {str(fault)[:100]}",
            "traceback": traceback.format_exc()[-_MOST_TRACEBACK:],
        }
    return {"articles": [_written(article) for article in parsed.articles], "notes": parsed.notes}


def _limit_memory(most: int) -> None:
    """Let this process take `most` more bytes than it has now; on Linux only."""
    if sys.platform != "linux":
        return
    import resource  # noqa: PLC0415 - not on Windows

    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    most += pages * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _limit_processor(seconds: float) -> None:
    """Have the system end this process after `seconds` of processor time, even within C code; 0: no limit."""
    if hasattr(signal, "setitimer"):  # not on Windows, where the parent's limit on the time remains
        signal.setitimer(signal.ITIMER_PROF, seconds)


def main(arguments: list[str]) -> int:
    """Parse feeds until standard input ends; return the exit status. Arguments: seconds for each feed, bytes of memory."""
    if len(arguments) != 2:  # noqa: PLR2004
        sys.stderr.write("Usage: python -m tierbot.adapters.feeds.parsing_child SECONDS BYTES\n")
        return 2
    import feedparser  # type: ignore[import-untyped]  # noqa: F401, PLC0415 - loaded before the limits apply
    import ftfy  # noqa: F401, PLC0415

    seconds, memory = float(arguments[0]), int(arguments[1])
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    _limit_memory(memory)
    send(answers, {"ready": True})
    while True:
        try:
            request, body = receive(requests)
        except EOFError:
            return 0
        _limit_processor(seconds)
        answer = _answer(request, body)
        _limit_processor(0)
        send(answers, answer)


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(5)  # clicks take precedence
    try:
        status = main(sys.argv[1:])
    except MemoryError:
        status = OUT_OF_MEMORY
    except (BrokenPipeError, KeyboardInterrupt):
        status = 0  # the parent has gone
    os._exit(status)  # standard output may be a broken pipe
