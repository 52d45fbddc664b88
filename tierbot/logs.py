"""Logs: which event, request or job a line belongs to, and what no line ever says.

A record carries the ids that were bound when its work came in, also in another thread. Tokens, passwords, answer
addresses, e-mail addresses and people's ids are redacted where a line is made, whoever wrote it and wherever in it
they stand: an outcome is worth more than a name, and `tierbot audit` has the names for those who may see them.
"""

import json
import logging
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

_log = logging.getLogger(__name__)

# What these say below a warning is of no use here, or is whole requests, answers and rows.
_TALKATIVE = (
    "alembic",
    "apscheduler",
    "asyncio",
    "httpcore",
    "httpx",
    "matplotlib",
    "sentence_transformers",
    "slack_bolt",
    "slack_sdk",
    "sqlalchemy",
    "transformers",
    "urllib3",
)
_SHORTEST_SECRET = 6  # characters; a shorter one would take ordinary words with it
_LONGEST_ID = 120
_PATTERNS = (
    (re.compile(r"\b(xox[a-z](?:\.xox[a-z])?|xapp)-[A-Za-z0-9._-]{4,}"), r"\1-…"),
    (re.compile(r"([a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s@/]+@"), r"\1:…@"),  # a password in a URL
    (
        re.compile(
            r"\b(password|passwd|client_secret|signing_secret)(['\"]?\s*[=:]\s*['\"]?)[^\s&'\",;]+", re.IGNORECASE
        ),
        r"\1\2…",
    ),
    (re.compile(r"([?&](?:code|state|token|key|api_key|apikey|sig|signature)=)[^\s&'\"]+", re.IGNORECASE), r"\1…"),
    (re.compile(r"\b(Bearer|Basic) [A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE), r"\1 …"),
    (re.compile(r"\b(hooks\.slack\.com)/[^\s'\"]+"), r"\1/…"),  # whoever has one may answer in the bot's name
    (re.compile(r"[A-Za-z0-9_.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"), "…@…"),
    (re.compile(r"\b[UW][A-Z0-9]{8,11}\b"), "U…"),  # Slack's ids of people
)

_bound: ContextVar[Mapping[str, str]] = ContextVar("tierbot_log_ids", default=MappingProxyType({}))


@contextmanager
def bound(**ids: object) -> Iterator[None]:
    """Let every record of the block carry these ids (those that are not empty), beside what is bound already."""
    said = {name: str(value)[:_LONGEST_ID] for name, value in ids.items() if value}
    former = _bound.set({**_bound.get(), **said})
    try:
        yield
    finally:
        _bound.reset(former)


class FollowingExecutor(ThreadPoolExecutor):
    """A pool of threads in which records carry what was bound where the work was handed in."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Hand work in."""
        return super().submit(copy_context().run, fn, *args, **kwargs)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return the text without these secrets, and without what looks like one or like a person.

    >>> redact("xoxb-12345-abc of U0123456789 in postgresql://bot:hunter2@db/tierbot")
    'xoxb-… of U… in postgresql://bot:…@db/tierbot'
    """
    for secret in secrets:
        text = text.replace(secret, "…")
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text


class _Discreet(logging.Formatter):
    def __init__(self, secrets: Iterable[str] = (), pattern: str | None = None) -> None:
        super().__init__(pattern)
        # The longest first: one may be part of another.
        self._secrets = sorted((one for one in secrets if len(one) >= _SHORTEST_SECRET), key=len, reverse=True)

    def redact(self, text: str) -> str:
        return redact(text, self._secrets)


class TextFormatter(_Discreet):
    """A line for people, the ids at its end."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__(secrets, "%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text, a traceback below it."""
        return self.redact(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the record's first line."""
        ids = " ".join(f"{name}={value}" for name, value in _bound.get().items())
        return super().formatMessage(record) + (f" [{ids}]" if ids else "")


class JsonFormatter(_Discreet):
    """A JSON object on one line: time (ISO 8601, UTC), level, logger, message, the bound ids, a traceback if any."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        said = {
            **_bound.get(),
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            said["stack"] = record.stack_info
        return json.dumps({name: self.redact(value) for name, value in said.items()})  # ASCII: no odd ends of lines


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError):  # arguments that do not fit the text must not cost the line
        return f"{record.msg} {record.args}"


def log_to_stderr(
    level: str, *, as_json: bool = False, secrets: Iterable[str] = (), more: Iterable[logging.Handler] = ()
) -> None:
    """Send the log of this process to standard error, and to `more`; what nobody caught goes there, too."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter(secrets) if as_json else TextFormatter(secrets))
    handler.addFilter(_is_wanted)
    logging.basicConfig(level=level, handlers=[handler, *more], force=True)
    for talkative in _TALKATIVE:
        logging.getLogger(talkative).setLevel(logging.WARNING)
    # It warns of each tick that finds the last one still at work: on a busy machine every second, and nothing is lost.
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)
    sys.excepthook = _uncaught
    threading.excepthook = lambda fault: _uncaught(fault.exc_type, fault.exc_value, fault.exc_traceback)


def _is_wanted(record: logging.LogRecord) -> bool:
    # Bolt gives its loggers the root's level, whatever theirs was.
    return record.levelno >= logging.WARNING or record.name.partition(".")[0] not in _TALKATIVE


def _uncaught(kind: type[BaseException], fault: BaseException | None, trace: Any) -> None:
    if issubclass(kind, Exception):  # Ctrl-C is none
        _log.critical("A fault that nobody caught.", exc_info=(kind, fault or kind(), trace))
