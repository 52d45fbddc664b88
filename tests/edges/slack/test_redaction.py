"""Tokens stay out of logs."""

import io
import logging

import pytest

from tierbot.edges.slack.redaction import TokenFilter, protect, redact

# Put together here, so that no scanner takes them for real ones.
BOT, APP = "xoxb-" + "1234567890-abcDEF", "xapp-" + "1-A0123-456-abcdef"


@pytest.fixture
def log():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    protect([handler])
    logger = logging.getLogger("tests.redaction")
    logger.addHandler(handler)
    logger.propagate = False
    yield logger, stream
    logger.removeHandler(handler)


def test_a_token_in_a_message_is_redacted(log):
    logger, stream = log
    logger.warning("Bearer %s and %s", BOT, APP)
    logger.warning({"token": BOT})
    assert stream.getvalue() == "Bearer xoxb-… and xapp-…\n{'token': 'xoxb-…'}\n"


def test_a_token_in_a_traceback_is_redacted(log):
    logger, stream = log
    try:
        {}[f"bad token {BOT}"]
    except KeyError:
        logger.exception("failed")
    assert "bad token xoxb-…" in stream.getvalue()
    assert BOT not in stream.getvalue()


def test_a_child_loggers_record_is_redacted_too(log):
    logger, stream = log
    logger.getChild("deep.down").error(APP)
    assert stream.getvalue() == "xapp-…\n"


def test_arguments_that_do_not_fit_do_not_break_the_log():
    record = logging.LogRecord("x", logging.INFO, "f", 1, "%d", (BOT,), None)
    assert TokenFilter().filter(record) is True
    assert BOT not in record.getMessage()


def test_protecting_twice_adds_one_filter():
    handler = logging.NullHandler()
    protect([handler])
    protect([handler])
    assert len(handler.filters) == 1


def test_ordinary_words_stay():
    assert redact("xoxo, see xapp and xoxb in the docs") == "xoxo, see xapp and xoxb in the docs"
