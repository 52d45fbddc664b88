"""Logs: every line says which event or job it belongs to; none says a secret or who somebody is, and none is forged."""

import io
import json
import logging
import sys
import threading
import unicodedata
import warnings
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierbot.logs import FollowingExecutor, JsonFormatter, TextFormatter, bound, log_to_stderr, redact
from tierbot.settings import load_settings, secrets_of

# Put together here, so that no scanner takes them for real ones.
BOT, APP = "xoxb-" + "1234567890-abcDEF", "xapp-" + "1-A0123-456-abcdef"
SIGNING = "8f742231b10e8888abcd99yyyzzz85a5"


class Log:
    """A logger with a formatter, and what it wrote."""

    def __init__(self, formatter: logging.Formatter) -> None:
        self.stream = io.StringIO()
        handler = logging.StreamHandler(self.stream)
        handler.setFormatter(formatter)
        self.handler = handler
        self.logger = self.named("tests.logs")

    def named(self, name: str) -> logging.Logger:
        logger = logging.Logger(name)  # noqa: LOG001 - one that nobody else has
        logger.addHandler(self.handler)
        return logger

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def records(self) -> list[dict[str, str]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture(params=[TextFormatter, JsonFormatter], ids=["text", "json"])
def log(request: pytest.FixtureRequest) -> Log:
    return Log(request.param([SIGNING, SIGNING.replace("8888", "8888\n")]))


@pytest.fixture
def as_json() -> Log:
    return Log(JsonFormatter())


@pytest.fixture
def _own_logging() -> Iterator[None]:
    root, hooks = logging.getLogger(), (sys.excepthook, threading.excepthook)
    before = root.handlers[:], root.level
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    sys.excepthook, threading.excepthook = hooks


@pytest.mark.parametrize(
    ("said", "never"),
    [
        (f"Bearer {BOT} and {APP}", "1234567890-abcDEF"),
        (f"Bearer {BOT} and {APP}", "1-A0123"),
        (f"the secret is {SIGNING}.", SIGNING),
        ("postgresql+psycopg://bot:hunter2@db.example/tierbot", "hunter2"),
        ("host=db password=hunter2 user=bot", "hunter2"),
        ('{"client_secret": "hunter2hunter2"}', "hunter2"),
        ("GET /slack/oauth_redirect?code=hunter2&state=abcdef", "hunter2"),
        ("GET https://feeds.example/rss?apikey=hunter2", "hunter2"),
        ("Authorization: Basic aHVudGVyMjpodW50ZXIy", "aHVudGVy"),
        ("https://hooks.slack.com/commands/T01/2/hunter2", "hunter2"),
        ("GET /slack/oauth_redirect?code=\nhunter2", "hunter2"),
        ("https%3A%2F%2Fbot.example%2Fback%3Fstate%3Dabc%26code%3Dhunter2hunter2", "hunter2"),
        ("{'query_string': b'code=123.456.hunter2&state=0a1b2c3d4e5f6a7b8c9d'}", "hunter2"),
        ("{'code': ['123.456.hunter2'], 'state': ['0a1b2c3d4e5f6a7b8c9d']}", "0a1b2c3d"),
        ("code=123.456.hunter2&state=0a1b2c3d4e5f6a7b8c9d", "0a1b2c3d"),
        (BOT.replace("-abc", "\n-abc"), "abcDEF"),
        (BOT.replace("-abc", "-abc\n"), "DEF"),
        (BOT.replace("-abc", "\r\n  -abc"), "abcDEF"),
        (repr(f"Bearer {BOT}".replace("-abc", "\n-abc").encode()), "abcDEF"),
        (json.dumps(f"Bearer {BOT}".replace("-abc", "\u2028-abc")), "abcDEF"),
        (APP.replace("A0123", "A0123\t"), "456-abcdef"),
        (APP.replace("A0123", "A0123 "), "456-abcdef"),
        (APP.replace("A0123", "A0123%0A"), "456-abcdef"),
        (APP.replace("xapp-", "xapp-\n"), "456-abcdef"),
        (SIGNING.replace("8888", "8888\n"), "abcd99yyyzzz85a5"),
        ("Thanks to U0123456789 were not shown", "U0123456789"),
        ("<@W012A3CDE> wrote to ada.lovelace@example.com", "W012A3CDE"),
        ("<@W012A3CDE> wrote to ada.lovelace@example.com", "lovelace"),
    ],
)
def test_no_secret_and_nobodys_id_stands_in_a_line_wherever_it_came_from(log: Log, said: str, never: str) -> None:
    log.logger.warning(said)
    log.logger.warning("an argument: %s", said)
    log.logger.warning({"an object": said})
    log.logger.warning("%d", said)  # an argument that does not fit
    try:
        raise KeyError(said)  # noqa: TRY301
    except KeyError:
        log.logger.exception("a traceback", stack_info=True)
    with bound(event=said):
        log.logger.warning("an id")
    assert never not in log.text
    assert len(log.text.splitlines()) >= 6


def test_ordinary_words_stay() -> None:
    ordinary = (
        "xoxo, see xapp and xoxb in the docs; C0123456789 was USED by tierbot@home: https://n.example:80/a "
        "exit code=1, code: missing_scope, state=parked, key: value"
    )
    assert redact(ordinary) == ordinary


@pytest.mark.parametrize(
    "unit", ["a", "a.", "xoxb-", "x@", "://a:", "?code=", "code=a1", "Basic ", "%0a", " ", "\\n", "1 "]
)
def test_a_long_line_from_outside_is_cleaned_in_time_that_grows_with_its_length(unit: str) -> None:
    assert len(redact(f"xapp-{unit * 50_000}", [SIGNING])) < 500_000


# Line breaks and terminals' commands, and what a forger would put behind them.
HOSTILE = st.text(
    st.one_of(st.characters(), st.sampled_from("\n\r\t\x0b\x1b\x7f\x85\x9b\u2028\u2029\u202e\u2066\ufeff"))
)
FORGED = "2026-03-02 12:00:00,000 INFO tierbot.use_cases.people: Forgot nobody."


def unseen(text: str) -> list[str]:
    """Return the characters that control a terminal or reorder its text."""
    return [
        one
        for one in text
        if unicodedata.category(one) in ("Cc", "Zl", "Zp") or "\u202a" <= one <= "\u202e" or "\u2066" <= one <= "\u2069"
    ]


def fault_of(said: str) -> Exception:
    """Return an error whose texts all hold what was said: its own, its cause's, its context's, its notes', its group's."""
    try:
        raise SyntaxError(said, (said, 1, 1, said))  # noqa: TRY301
    except SyntaxError as fault:
        fault.add_note(said)
        inner = fault
    try:
        try:
            raise KeyError(said) from ExceptionGroup(said, [inner, OSError(2, said, said)])  # noqa: TRY301
        except KeyError:
            raise ValueError(said)  # noqa: B904 - so that it has a context, not a cause
    except ValueError as fault:
        return fault


@given(HOSTILE, HOSTILE)
def test_no_text_from_outside_starts_a_line_or_controls_a_terminal(before: str, after: str) -> None:
    said = f"{before}\n{FORGED}\r{FORGED}\u2028{FORGED}\x85{FORGED}{after}"
    log = Log(TextFormatter())
    with bound(event=said[:60], kind=said[-60:]):
        log.logger.warning(said)
        log.logger.warning("%s and %r", said, said)
        log.logger.warning("%d", said)  # an argument that does not fit
        log.named(f"tests.logs.{said}").warning("a name")
        fault = fault_of(said)
        log.logger.error("a traceback", exc_info=fault, stack_info=True)
    lines = log.text.split("\n")
    assert [line for line in lines if unseen(line)] == []
    assert [line for line in lines if line.lstrip(" |").startswith(FORGED[:20])] == []
    assert sum(" WARNING tests.logs" in line for line in lines) >= 4


def test_a_traceback_of_our_own_spans_lines_as_python_writes_it() -> None:
    log = Log(TextFormatter())
    log.logger.error("It failed.", exc_info=fault_of("one\ntwo"))
    written = log.text.split("\n")
    assert written[0].endswith("It failed.")
    assert [line for line in written[1:] if line and not line.startswith("  ")] == [
        r"ExceptionGroup: one\ntwo (2 sub-exceptions)",
        "The above exception was the direct cause of the following exception:",
        "Traceback (most recent call last):",
        r"KeyError: 'one\ntwo'",
        "During handling of the above exception, another exception occurred:",
        "Traceback (most recent call last):",
        r"ValueError: one\ntwo",
    ]
    assert r"  | FileNotFoundError: [Errno 2] one\ntwo: 'one\ntwo'" in written


class Unwritable:
    """An object without a text."""

    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__


def test_a_message_that_cannot_be_written_fails_nobody(log: Log) -> None:
    log.logger.warning(Unwritable())
    log.logger.warning("%s", Unwritable())
    assert log.text.count("can't be written") == 2


@pytest.mark.usefixtures("_own_logging")
@pytest.mark.parametrize(
    "package", ["slack_bolt.App", "uvicorn.error", "asyncio", "alembic.runtime", "apscheduler", "any.other"]
)
def test_what_a_package_logs_is_cleaned_whatever_handlers_it_installs(
    package: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log_to_stderr("INFO", secrets=[SIGNING])
    logger, stream = logging.getLogger(package), io.StringIO()
    own = logging.StreamHandler(stream)
    own.setFormatter(logging.Formatter("%(name)s %(message)s"))
    above = logger
    while above.name != "root":  # another test may have set the package's loggers up
        monkeypatch.setattr(above, "propagate", True)
        monkeypatch.setattr(above, "handlers", [own] if above is logger else [])
        above = above.parent or logging.getLogger()
    said = f"GET /?code=1.2.hunter2\n{FORGED}\x1b[2J{SIGNING}"
    logger.error(said)
    logger.error("%s", said, exc_info=fault_of(said))
    monkeypatch.setattr(logger, "propagate", False)
    logger.error("%s", said)
    for written, lines in ((capsys.readouterr().err, 2), (stream.getvalue(), 3)):
        assert written.count(package) == lines
        assert "hunter2" not in written
        assert SIGNING not in written
        assert [line for line in written.split("\n") if unseen(line) or line.startswith(FORGED)] == []


@pytest.mark.usefixtures("_own_logging")
def test_warnings_and_errors_nobody_can_catch_are_records_too(capsys: pytest.CaptureFixture[str]) -> None:
    class Dying:
        def __del__(self) -> None:
            raise RuntimeError(f"one\n{FORGED}\x1b[2J")

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        log_to_stderr("INFO")
        warnings.warn(f"one\n{FORGED}\x1b[2J", stacklevel=1)
        Dying()
    written = capsys.readouterr().err
    assert "py.warnings" in written
    assert r"RuntimeError: one\n2026" in written
    assert [line for line in written.split("\n") if unseen(line) or line.startswith(FORGED)] == []


@given(st.text(), st.dictionaries(st.sampled_from(["event", "job", "request"]), st.text(min_size=1)))
def test_every_record_is_one_line_of_json_whatever_it_says(said: str, ids: dict[str, str]) -> None:
    log = Log(JsonFormatter())
    with bound(**ids):
        log.logger.error("%s", said)
    assert log.text.count("\n") == 1
    (record,) = log.records
    assert {"time", "level", "logger", "message", *ids} <= record.keys()


def test_a_record_says_its_event_request_and_job_and_the_next_one_does_not(as_json: Log) -> None:
    with bound(request="r1", event="Ev1"):
        with bound(job="push", workspace=None):
            as_json.logger.info("inner")
        as_json.logger.info("outer")
    as_json.logger.info("outside")
    inner, outer, outside = as_json.records
    assert (inner["request"], inner["event"], inner["job"]) == ("r1", "Ev1", "push")
    assert "workspace" not in inner
    assert "job" not in outer
    assert outer["event"] == "Ev1"
    assert "event" not in outside


def test_ids_follow_the_work_into_a_pools_threads(as_json: Log) -> None:
    with FollowingExecutor(1) as pool:
        with bound(event="Ev1"):
            first = pool.submit(as_json.logger.info, "first")
        second = pool.submit(as_json.logger.info, "second")
    assert first.result() is second.result() is None
    assert [record.get("event") for record in as_json.records] == ["Ev1", None]


def test_a_traceback_is_part_of_its_record(as_json: Log) -> None:
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        as_json.logger.exception("It failed.")
    (record,) = as_json.records
    assert record["message"] == "It failed."
    assert record["exception"].endswith("ZeroDivisionError: division by zero")


@pytest.mark.usefixtures("_own_logging")
def test_what_nobody_caught_is_logged_in_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr("INFO", as_json=True)

    def fail() -> None:
        raise RuntimeError(BOT)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    try:
        fail()
    except RuntimeError as fault:
        sys.excepthook(type(fault), fault, fault.__traceback__)
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    records = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [record["level"] for record in records] == ["critical", "critical"]
    assert all("RuntimeError: xoxb-…" in record["exception"] for record in records)


@pytest.mark.usefixtures("_own_logging")
def test_libraries_that_tell_whole_requests_are_quiet_even_when_debugging(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr("DEBUG")
    logging.getLogger("slack_sdk.web.base_client").debug("headers: …")
    bolt = logging.getLogger("slack_bolt.App")
    bolt.level = logging.DEBUG  # as Bolt does itself
    bolt.debug("body: …")
    logging.getLogger("sqlalchemy.engine.Engine").info("SELECT …")
    ours = logging.getLogger("tierbot.use_cases.loop")
    ours.debug("this is ours")
    err = capsys.readouterr().err
    assert err.count("\n") == 1, (err, ours.disabled, ours.getEffectiveLevel(), logging.root.manager.disable)


def test_every_secret_setting_is_known_to_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", BOT)
    monkeypatch.setenv("SLACK_SIGNING_SECRET", SIGNING)
    monkeypatch.setenv("TIERBOT_WEB_TOKEN", "correct-horse-battery")
    monkeypatch.setenv("DATABASE_URL", "postgresql://bot:p%40ss%2Fword@db/tierbot")
    assert {BOT, SIGNING, "correct-horse-battery", "p@ss/word", "p%40ss%2Fword"} <= set(secrets_of(load_settings(None)))
