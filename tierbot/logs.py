"""Logging: attach the current event, request or job to each record, redact secrets and personal data, forge no line.

Records carry the ids bound when their work arrived, in other threads too. Tokens, passwords, response URLs, e-mail
addresses and user ids are redacted in every line, and control characters are escaped, whichever package logged it: our
formatters do so, and so does the record factory for handlers that a package installs itself. Only a traceback spans
lines, and none of them starts inside a message. `tierbot audit` shows names to those who may see them.
"""

import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import ContextVar, copy_context
from copy import copy
from datetime import UTC, datetime
from functools import lru_cache
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
_LONGEST_CHAIN = 50  # exceptions in one traceback
# A break inside a secret that was pasted with one, as it is or escaped; and a space before more of it, which has a digit.
_BREAK = r"[\x00-\x08\x0a-\x1f\x7f-\xa0\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|\\{1,8}(?:[nrtvf]|[xu][0-9a-f]{2,4})|%[01][0-9a-f]"
_SPACE = r"(?:[ \t]|%20){1,8}(?=[A-Za-z._-]{0,40}[0-9])"
_REST = rf"(?:[A-Za-z0-9._~+/=-]|(?:{_BREAK})[ \t]{{0,8}}|{_SPACE})*"
_QUERY = "code|state|token|key|api_?key|sig|signature|(?:id|access|refresh)_token|code_verifier"
_PATTERNS = tuple(
    (re.compile(pattern, flags), replacement)
    for pattern, flags, replacement in (
        (rf"\b(xox[a-z](?:\.xox[a-z])?|xapp)-(?:{_BREAK})?[A-Za-z0-9._-]{{2}}{_REST}", re.IGNORECASE, r"\1-…"),
        (r"((?<![a-z0-9+.-])[a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s@/]+@", re.IGNORECASE, r"\1:…@"),  # a password in a URL
        (
            r"\b(password|passwd|client_secret|signing_secret)(['\"]?\s*[=:]\s*['\"]?)[^\s&'\",;]+",
            re.IGNORECASE,
            r"\1\2…",
        ),
        (rf"((?:[?&]|%3f|%26)(?:{_QUERY})(?:=|%3d))(?:(?:(?!%26)[^\s&'\"])+|{_BREAK}){_REST}", re.IGNORECASE, r"\1…"),
        # The same without a URL (a form, a dictionary): long and with a digit, since `code` and `state` are words, too.
        (
            rf"\b((?:{_QUERY})['\"]?\s?[=:]\s?\[?b?['\"]?)(?=[^\s&'\",;\]]{{0,80}}[0-9])[^\s&'\",;\]]{{12,}}{_REST}",
            re.IGNORECASE,
            r"\1…",
        ),
        (rf"\b(Bearer|Basic)(?:[ \t]|{_BREAK})+[A-Za-z0-9._~+/=-]{{6}}{_REST}", re.IGNORECASE, r"\1 …"),
        (r"\b(hooks\.slack\.com)/[^\s'\"]+", 0, r"\1/…"),  # lets its holder post in the bot's name
        (r"(?<![A-Za-z0-9_.+-])[A-Za-z0-9_.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", 0, "…@…"),
        (r"\b[UW][A-Z0-9]{8,11}\b", 0, "U…"),  # Slack's user ids
    )
)
# Characters that move a cursor, start a terminal's command, break a line or reorder text. Those that only join or mark
# (a zero-width joiner in an emoji) stay.
_UNSEEN = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb"
_CONTROL = re.compile(f"[{_UNSEEN}]")
_CONTROL_OR_BREAK = re.compile(f"[\t\n{_UNSEEN}]")
_WRITTEN = {"\t": r"\t", "\n": r"\n", "\r": r"\r"}

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


def visible(text: str) -> str:
    r"""Return a text with its control characters written as in JSON; tabs and line breaks stay.

    >>> print(visible("a\x1b[2Jb\u202e"))
    a\u001b[2Jb\u202e
    """
    return _CONTROL.sub(_as_in_json, text)


def one_line(text: str) -> str:
    r"""Return a text as one line: also its tabs and line breaks are escaped.

    >>> print(one_line("a\nb"))
    a\nb
    """
    return _CONTROL_OR_BREAK.sub(_as_in_json, text)


def _as_in_json(found: re.Match[str]) -> str:
    return _WRITTEN.get(found[0]) or f"\\u{ord(found[0]):04x}"


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return the text without these secrets, and without anything that looks like a secret or a person's id.

    >>> redact("xoxb-12345-abc of U0123456789 in postgresql://bot:hunter2@db/tierbot")
    'xoxb-… of U… in postgresql://bot:…@db/tierbot'
    """
    known = _any_of(tuple(secrets))
    if known is not None:
        text = known.sub("…", text)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


@lru_cache(maxsize=8)
def _any_of(secrets: tuple[str, ...]) -> re.Pattern[str] | None:
    """Return what finds these secrets, whole or in the pieces that their whitespace leaves; None if all are too short."""
    pieces = {piece for secret in secrets for piece in (secret, *secret.split()) if len(piece) >= _SHORTEST_SECRET}
    # Longest first, because a secret may contain another.
    return re.compile("|".join(map(re.escape, sorted(pieces, key=len, reverse=True)))) if pieces else None


def traceback_of(fault: BaseException, clean: Callable[[str], str] = one_line) -> str:
    """Return an exception's traceback as Python writes it, except that each message is cleaned to one line."""
    return "\n".join(_traced(fault, clean, set()))


def _traced(fault: BaseException, clean: Callable[[str], str], seen: set[int]) -> Iterator[str]:
    seen.add(id(fault))
    if len(seen) > _LONGEST_CHAIN:
        yield "…"
        return
    for earlier, link in (
        (fault.__cause__, "The above exception was the direct cause of the following exception:"),
        (
            None if fault.__cause__ or fault.__suppress_context__ else fault.__context__,
            "During handling of the above exception, another exception occurred:",
        ),
    ):
        if earlier is not None and id(earlier) not in seen:
            yield from (*_traced(earlier, clean, seen), "", link, "")
    if fault.__traceback__ is not None:
        yield "Traceback (most recent call last):"
        yield from visible("".join(traceback.format_tb(fault.__traceback__))).rstrip("\n").split("\n")
    yield clean("".join(traceback.format_exception_only(fault)).rstrip("\n"))
    if isinstance(fault, BaseExceptionGroup):
        for inner in fault.exceptions:
            yield from (f"  | {line}" for line in _traced(inner, clean, seen))


class _CleaningFormatter(logging.Formatter):
    def __init__(self, secrets: Iterable[str] = (), pattern: str | None = None) -> None:
        super().__init__(pattern)
        self._secrets = tuple(secrets)

    def clean(self, text: str) -> str:
        return one_line(redact(text, self._secrets))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """Return a traceback; no message in it starts a line."""
        return traceback_of(ei[1], self.clean) if ei and ei[1] is not None else ""

    def formatStack(self, stack_info: str) -> str:  # noqa: N802 - logging's name
        """Return the lines of a stack."""
        return "\n".join(map(self.clean, stack_info.split("\n")))

    def cleaned(self, record: logging.LogRecord) -> logging.LogRecord:
        """Clean a record in place, so that any other formatter writes it cleaned, too."""
        record.msg, record.args = self.clean(_message(record).rstrip()), None
        record.name = self.clean(record.name)
        if record.exc_info:
            record.exc_text = self.formatException(record.exc_info)
        if record.stack_info:
            record.stack_info = self.formatStack(record.stack_info)
        return record


class TextFormatter(_CleaningFormatter):
    """A line of text, with the ids at its end."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__(secrets, "%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text, followed by its traceback."""
        return super().format(self.cleaned(copy(record)))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the record's first line."""
        ids = " ".join(f"{name}={self.clean(value)}" for name, value in _bound.get().items())
        return super().formatMessage(record) + (f" [{ids}]" if ids else "")


class JsonFormatter(_CleaningFormatter):
    """A JSON object on one line: time (ISO 8601, UTC), level, logger, message, bound ids, and any traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        record = self.cleaned(copy(record))
        fields = {
            **{name: self.clean(value) for name, value in _bound.get().items()},
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.msg,
        }
        if record.exc_text:
            fields["exception"] = record.exc_text
        if record.stack_info:
            fields["stack"] = record.stack_info
        return json.dumps(fields)  # ASCII: no unusual line breaks


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - mismatched arguments must not lose the line, nor fail the code that logs it
        with suppress(Exception):
            return f"{record.msg} {record.args}"
        return f"A message of type {type(record.msg).__name__} that can't be written."


def log_to_stderr(
    level: str, *, as_json: bool = False, secrets: Iterable[str] = (), more: Iterable[logging.Handler] = ()
) -> None:
    """Send this process's log, including uncaught exceptions, to standard error and to the handlers `more`."""
    formatter = JsonFormatter(secrets) if as_json else TextFormatter(secrets)
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    handler.addFilter(_is_relevant)
    logging.basicConfig(level=level, handlers=[handler, *more], force=True)
    # Cleaned as they are made, for handlers and formatters that packages install themselves.
    logging.setLogRecordFactory(lambda *given, **more: formatter.cleaned(logging.LogRecord(*given, **more)))
    logging.captureWarnings(True)
    for package in _NOISY:
        logging.getLogger(package).setLevel(logging.WARNING)
    # It warns whenever a tick is skipped because the last one is still running: harmless, but every second when busy.
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)
    sys.excepthook = _uncaught
    threading.excepthook = lambda fault: _uncaught(fault.exc_type, fault.exc_value, fault.exc_traceback)
    sys.unraisablehook = lambda fault: _uncaught(fault.exc_type, fault.exc_value, fault.exc_traceback)


def _is_relevant(record: logging.LogRecord) -> bool:
    # Bolt sets its loggers to the root's level.
    return record.levelno >= logging.WARNING or record.name.partition(".")[0] not in _NOISY


def _uncaught(kind: type[BaseException], fault: BaseException | None, trace: Any) -> None:
    if issubclass(kind, Exception):  # not Ctrl-C
        _log.critical("Uncaught exception.", exc_info=(kind, fault or kind(), trace))
