"""The journey on schedule: planned, kept, and told to the admins once a day for each step that broke."""

import pytest

from tests.conftest import WORKSPACE, Harness, build_harness
from tierbot.domain.doctor.smoke_test import Outcome, Step
from tierbot.domain.nouns import TierbotError
from tierbot.use_cases.jobs.smoke_test import JOB, SmokeTest
from tierbot.use_cases.ports import ChatUnavailableError, Due

WELL = [Step("post a canary", Outcome.OK, 0.5, "in C9"), Step("react", Outcome.OK, 0.25, "through Slack")]
BROKEN = [WELL[0], Step("react", Outcome.BROKEN, 0.25, "Slack says no. Mend it.")]


@pytest.fixture
def patrolled(tmp_path):
    built = build_harness(tmp_path, smoke_test_every_hours=6, smoke_test_channel="C9")
    yield built
    built.bot.close()


def walk(harness: Harness, steps, admins=("U1", "U2"), direct=lambda user: f"D{user}"):
    smoke_test = SmokeTest(lambda: steps, lambda: admins, direct)
    smoke_test(harness.bot.loop, WORKSPACE, Due(JOB, harness.clock.now()))
    harness.deliver()


def last(harness: Harness):
    with harness.bot.store.read(WORKSPACE) as tx:
        return tx.workspaces.get().settings["journey"]


def due(harness: Harness):
    with harness.bot.store.read(WORKSPACE) as tx:
        return tx.agenda.get(JOB)


def test_a_journey_that_goes_well_is_kept_and_told_to_nobody(patrolled: Harness) -> None:
    at = patrolled.clock.now()
    walk(patrolled, WELL)
    assert last(patrolled) == {"at": at.isoformat(), "broken": None, "says": "", "seconds": 0.75}
    assert patrolled.chat.announcements == []
    assert (due(patrolled).ran_at, (due(patrolled).due_at - at).total_seconds()) == (at, 6 * 3600)


def test_a_broken_step_is_told_to_each_admin_once_a_day(patrolled: Harness) -> None:
    walk(patrolled, BROKEN)
    walk(patrolled, BROKEN)
    assert [news["step"] for news in patrolled.chat.announcements] == ["react", "react"], "two admins, once each"
    assert patrolled.chat.announcements[0]["says"] == "Slack says no. Mend it."
    assert last(patrolled)["broken"] == "react"
    patrolled.clock.advance(days=1)
    walk(patrolled, BROKEN)
    assert len(patrolled.chat.announcements) == 4


def test_who_cannot_be_told_keeps_nobody_else_from_it(patrolled: Harness) -> None:
    def direct(user):
        if user == "U1":
            raise TierbotError("user_disabled")
        return "D2"

    walk(patrolled, BROKEN, direct=direct)
    assert len(patrolled.chat.announcements) == 1

    def nobody():
        raise TierbotError("Slack does not list them.")

    SmokeTest(lambda: BROKEN, nobody, direct)(patrolled.bot.loop, WORKSPACE, Due(JOB, patrolled.clock.now()))
    assert last(patrolled)["broken"] == "react"


def test_while_slack_does_not_answer_the_job_fails_and_is_tried_again(patrolled: Harness) -> None:
    def direct(user):
        raise ChatUnavailableError("no answer")

    with pytest.raises(ChatUnavailableError):
        walk(patrolled, BROKEN, direct=direct)


def test_journeys_are_planned_when_they_are_wanted_and_taken_off_when_they_are_not(
    patrolled: Harness, tmp_path
) -> None:
    smoke_test = SmokeTest(lambda: WELL, lambda: (), lambda user: user)
    loop, now = patrolled.bot.loop, patrolled.clock.now()
    smoke_test.plan(loop, WORKSPACE)
    assert (due(patrolled).due_at - now).total_seconds() == 60, "the first soon after the start"
    walk(patrolled, WELL)
    patrolled.clock.advance(hours=1)
    smoke_test.plan(loop, WORKSPACE)
    assert (due(patrolled).due_at - now).total_seconds() == 6 * 3600, "a restart neither forgets nor repeats"
    patrolled.bot.close()
    unwanted = build_harness(tmp_path)
    smoke_test.plan(unwanted.bot.loop, WORKSPACE)
    assert due(unwanted) is None
    unwanted.bot.close()


def test_a_job_that_this_process_does_not_know_is_left_to_others(patrolled: Harness) -> None:
    with patrolled.bot.store.begin(WORKSPACE) as tx:
        tx.agenda.set(Due("juggle", patrolled.clock.now()))
    patrolled.bot.scheduler.tick()
    with patrolled.bot.store.read(WORKSPACE) as tx:
        assert tx.agenda.get("juggle") == Due("juggle", patrolled.clock.now())
