"""What the log says of a failure: one line if the error is for people, a traceback if it is a bug."""

import logging

import pytest

from tierbot.domain.nouns import TierbotError
from tierbot.use_cases.jobs.faults import log_fault


@pytest.mark.parametrize(
    ("fault", "level", "message", "traced"),
    [
        (
            TierbotError("Slack refuses. Invite the bot."),
            "WARNING",
            "ask failed. Slack refuses. Invite the bot.",
            False,
        ),
        (ValueError("a bug"), "ERROR", "ask failed.", True),
    ],
    ids=["for people", "a bug"],
)
def test_an_error_for_people_is_one_line_and_a_bug_has_its_traceback(
    caplog: pytest.LogCaptureFixture, fault: Exception, level: str, message: str, traced: bool
) -> None:
    log_fault(logging.getLogger("tierbot.test"), fault, "ask failed.")
    (record,) = caplog.records
    assert (record.levelname, record.getMessage(), bool(record.exc_info)) == (level, message, traced)
