"""The journey on schedule: planned, kept, and told to the admins once a day for each step that broke."""

import pytest

from tests.conftest import WORKSPACE, Stage, raise_stage
from tierbot.domain.doctor.smoke_test import Outcome, Step
from tierbot.domain.nouns import TierbotError
from tierbot.use_cases.jobs.smoke_test import JOB, Patrol
from tierbot.use_cases.ports import ChatUnavailableError, Due

WELL = [Step("post a canary", Outcome.OK, 0.5, "in C9"), Step("react", Outcome.OK, 0.25, "through Slack")]
BROKEN = [WELL[0], Step("react", Outcome.BROKEN, 0.25, "Slack says no. Mend it.")]


@pytest.fixture
def patrolled(tmp_path):
    built = raise_stage(tmp_path, journey_every_hours=6, journey_channel="C9")
    yield built
    built.bot.close()


def walk(stage: Stage, steps, admins=("U1", "U2"), direct=lambda user: f"D{user}"):
    patrol = Patrol(lambda: steps, lambda: admins, direct)
    patrol(stage.bot.loop, WORKSPACE, Due(JOB, stage.clock.now()))
    stage.deliver()


def last(stage: Stage):
    with stage.bot.store.read(WORKSPACE) as tx:
        return tx.workspaces.get().settings["journey"]


def due(stage: Stage):
    with stage.bot.store.read(WORKSPACE) as tx:
        return tx.agenda.get(JOB)


def test_a_journey_that_goes_well_is_kept_and_told_to_nobody(patrolled: Stage) -> None:
    at = patrolled.clock.now()
    walk(patrolled, WELL)
    assert last(patrolled) == {"at": at.isoformat(), "broken": None, "says": "", "seconds": 0.75}
    assert patrolled.chat.announcements == []
    assert (due(patrolled).ran_at, (due(patrolled).due_at - at).total_seconds()) == (at, 6 * 3600)


def test_a_broken_step_is_told_to_each_admin_once_a_day(patrolled: Stage) -> None:
    walk(patrolled, BROKEN)
    walk(patrolled, BROKEN)
    assert [news["step"] for news in patrolled.chat.announcements] == ["react", "react"], "two admins, once each"
    assert patrolled.chat.announcements[0]["says"] == "Slack says no. Mend it."
    assert last(patrolled)["broken"] == "react"
    patrolled.clock.advance(days=1)
    walk(patrolled, BROKEN)
    assert len(patrolled.chat.announcements) == 4


def test_who_cannot_be_told_keeps_nobody_else_from_it(patrolled: Stage) -> None:
    def direct(user):
        if user == "U1":
            raise TierbotError("user_disabled")
        return "D2"

    walk(patrolled, BROKEN, direct=direct)
    assert len(patrolled.chat.announcements) == 1

    def nobody():
        raise TierbotError("Slack does not list them.")

    Patrol(lambda: BROKEN, nobody, direct)(patrolled.bot.loop, WORKSPACE, Due(JOB, patrolled.clock.now()))
    assert last(patrolled)["broken"] == "react"


def test_while_slack_does_not_answer_the_job_fails_and_is_tried_again(patrolled: Stage) -> None:
    def direct(user):
        raise ChatUnavailableError("no answer")

    with pytest.raises(ChatUnavailableError):
        walk(patrolled, BROKEN, direct=direct)


def test_journeys_are_planned_when_they_are_wanted_and_taken_off_when_they_are_not(patrolled: Stage, tmp_path) -> None:
    patrol = Patrol(lambda: WELL, lambda: (), lambda user: user)
    loop, now = patrolled.bot.loop, patrolled.clock.now()
    patrol.plan(loop, WORKSPACE)
    assert (due(patrolled).due_at - now).total_seconds() == 60, "the first soon after the start"
    walk(patrolled, WELL)
    patrolled.clock.advance(hours=1)
    patrol.plan(loop, WORKSPACE)
    assert (due(patrolled).due_at - now).total_seconds() == 6 * 3600, "a restart neither forgets nor repeats"
    patrolled.bot.close()
    unwanted = raise_stage(tmp_path)
    patrol.plan(unwanted.bot.loop, WORKSPACE)
    assert due(unwanted) is None
    unwanted.bot.close()


def test_a_job_that_this_process_does_not_know_is_left_to_others(patrolled: Stage) -> None:
    with patrolled.bot.store.begin(WORKSPACE) as tx:
        tx.agenda.set(Due("juggle", patrolled.clock.now()))
    patrolled.bot.scheduler.tick()
    with patrolled.bot.store.read(WORKSPACE) as tx:
        assert tx.agenda.get("juggle") == Due("juggle", patrolled.clock.now())
