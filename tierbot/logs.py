"""Logging: attach the current event, request or job to each record, and redact secrets and personal data.

Records carry the ids bound when their work arrived, in other threads too. The formatters redact tokens, passwords,
response URLs, e-mail addresses and user ids in every line, whichever package logged it. `tierbot audit` shows names to
those who may see them.
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

# Below warning level, these packages log nothing useful, or whole requests, answers and rows.
_NOISY = (
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
_SHORTEST_SECRET = 6  # characters; redacting shorter ones would remove ordinary words
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
    (re.compile(r"\b(hooks\.slack\.com)/[^\s'\"]+"), r"\1/…"),  # lets its holder post in the bot's name
    (re.compile(r"[A-Za-z0-9_.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"), "…@…"),
    (re.compile(r"\b[UW][A-Z0-9]{8,11}\b"), "U…"),  # Slack's user ids
)

_bound: ContextVar[Mapping[str, str]] = ContextVar("tierbot_log_ids", default=MappingProxyType({}))


@contextmanager
def bound(**ids: object) -> Iterator[None]:
    """Attach the non-empty ids to every record logged within the block, in addition to those already bound."""
    token = _bound.set({**_bound.get(), **{name: str(value)[:_LONGEST_ID] for name, value in ids.items() if value}})
    try:
        yield
    finally:
        _bound.reset(token)


class FollowingExecutor(ThreadPoolExecutor):
    """A thread pool whose records carry the ids bound where the work was submitted."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Submit a call."""
        return super().submit(copy_context().run, fn, *args, **kwargs)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return the text without these secrets, and without anything that looks like a secret or a person's id.

    >>> redact("xoxb-12345-abc of U0123456789 in postgresql://bot:hunter2@db/tierbot")
    'xoxb-… of U… in postgresql://bot:…@db/tierbot'
    """
    for secret in secrets:
        text = text.replace(secret, "…")
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


class _RedactingFormatter(logging.Formatter):
    def __init__(self, secrets: Iterable[str] = (), pattern: str | None = None) -> None:
        super().__init__(pattern)
        # Longest first, because a secret may contain another.
        self._secrets = sorted((one for one in secrets if len(one) >= _SHORTEST_SECRET), key=len, reverse=True)

    def redact(self, text: str) -> str:
        return redact(text, self._secrets)


class TextFormatter(_RedactingFormatter):
    """A line of text, with the ids at its end."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__(secrets, "%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text, followed by its traceback."""
        return self.redact(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the record's first line."""
        ids = " ".join(f"{name}={value}" for name, value in _bound.get().items())
        return super().formatMessage(record) + (f" [{ids}]" if ids else "")


class JsonFormatter(_RedactingFormatter):
    """A JSON object on one line: time (ISO 8601, UTC), level, logger, message, bound ids, and any traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        fields = {
            **_bound.get(),
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            fields["stack"] = record.stack_info
        return json.dumps({name: self.redact(value) for name, value in fields.items()})  # ASCII: no unusual line breaks


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError):  # mismatched arguments must not lose the line
        return f"{record.msg} {record.args}"


def log_to_stderr(
    level: str, *, as_json: bool = False, secrets: Iterable[str] = (), more: Iterable[logging.Handler] = ()
) -> None:
    """Send this process's log, including uncaught exceptions, to standard error and to the handlers `more`."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter(secrets) if as_json else TextFormatter(secrets))
    handler.addFilter(_is_relevant)
    logging.basicConfig(level=level, handlers=[handler, *more], force=True)
    for package in _NOISY:
        logging.getLogger(package).setLevel(logging.WARNING)
    # It warns whenever a tick is skipped because the last one is still running: harmless, but every second when busy.
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)
    sys.excepthook = _uncaught
    threading.excepthook = lambda fault: _uncaught(fault.exc_type, fault.exc_value, fault.exc_traceback)


def _is_relevant(record: logging.LogRecord) -> bool:
    # Bolt sets its loggers to the root's level.
    return record.levelno >= logging.WARNING or record.name.partition(".")[0] not in _NOISY


def _uncaught(kind: type[BaseException], fault: BaseException | None, trace: Any) -> None:
    if issubclass(kind, Exception):  # not Ctrl-C
        _log.critical("Uncaught exception.", exc_info=(kind, fault or kind(), trace))
