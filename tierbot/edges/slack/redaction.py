"""Keeps Slack tokens out of logs, wherever in a record they stand."""

import logging
import re
from collections.abc import Iterable

_TOKEN = re.compile(r"\b(xox[a-z](?:\.xox[a-z])?|xapp)-[A-Za-z0-9._-]{4,}")


def redact(text: str) -> str:
    """Replace every Slack token by its kind.

    >>> redact("using xoxb-12345-abc")
    'using xoxb-…'
    """
    return _TOKEN.sub(r"\1-…", text)


class TokenFilter(logging.Filter):
    """Rewrites records that hold a token, in the message, its arguments or the traceback. Lets every record pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the record in place."""
        message = _message(record)
        clean = redact(message)
        if clean != message:
            record.msg, record.args = clean, ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        for name in ("exc_text", "stack_info"):
            if text := getattr(record, name):
                setattr(record, name, redact(text))
        return True


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError):  # arguments that do not fit the text: the handler reports it
        return f"{record.msg} {record.args}"


def protect(handlers: Iterable[logging.Handler]) -> None:
    """Add the filter to handlers that lack it (not to loggers: theirs would miss the records of their children)."""
    for handler in handlers:
        if not any(isinstance(present, TokenFilter) for present in handler.filters):
            handler.addFilter(TokenFilter())
