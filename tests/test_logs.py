"""Logs: every line says which event or job it belongs to, and none says a secret or who somebody is."""

import io
import json
import logging
import sys
import threading
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
        self.logger = logging.Logger("tests.logs")  # noqa: LOG001 - one that nobody else has
        self.logger.addHandler(handler)

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def records(self) -> list[dict[str, str]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture(params=[TextFormatter, JsonFormatter], ids=["text", "json"])
def log(request: pytest.FixtureRequest) -> Log:
    return Log(request.param([SIGNING]))


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
    ordinary = "xoxo, see xapp and xoxb in the docs; C0123456789 was USED by tierbot@home: https://n.example:80/a"
    assert redact(ordinary) == ordinary


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
