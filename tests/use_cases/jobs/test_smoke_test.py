"""The smoke test on schedule: planned, kept, and told to the admins once a day for each step that broke."""

from dataclasses import asdict
from functools import partial
from types import SimpleNamespace

import pytest

from tests.conftest import WORKSPACE, Harness, build_harness
from tierbot.domain.doctor.smoke_test import Outcome, Step
from tierbot.domain.nouns import TierbotError
from tierbot.use_cases.delivery.direct_messages import DirectMessages
from tierbot.use_cases.jobs.smoke_test import JOB, do_smoke_test, plan_smoke_test
from tierbot.use_cases.ports import ChatUnavailableError, Job

WELL = [Step("post a canary", Outcome.OK, 0.5004, "in C9"), Step("react", Outcome.OK, 0.25, "through Slack")]
BROKEN = [WELL[0], Step("react", Outcome.BROKEN, 0.25, "Slack says no. Mend it.")]


@pytest.fixture
def tested(tmp_path):
    built = build_harness(tmp_path, smoke_test_every_hours=6, smoke_test_channel="C9")
    yield built
    built.bot.close()


def smoke_test_of(harness: Harness, steps, admins=lambda _: ("U1", "U2"), direct=lambda user: f"D{user}"):
    bot = harness.bot
    messages = DirectMessages(lambda _: SimpleNamespace(direct=direct), admins, bot.clock)
    return partial(do_smoke_test, bot.store, bot.clock, bot.settings, messages, lambda _: steps)


def walk(harness: Harness, steps, **how):
    smoke_test_of(harness, steps, **how)(WORKSPACE, Job.recurring(JOB, harness.clock.now()))
    harness.deliver()


def last(harness: Harness):
    with harness.bot.store.read(WORKSPACE) as tx:
        return asdict(tx.workspaces.smoke_test())


def due(harness: Harness):
    with harness.bot.store.read(WORKSPACE) as tx:
        return tx.agenda.get(JOB)


def test_a_smoke_test_that_goes_well_is_kept_and_told_to_nobody(tested: Harness) -> None:
    at = tested.clock.now()
    walk(tested, WELL)
    assert last(tested) == {"at": at, "broken": None, "says": "", "seconds": 0.75}
    assert tested.chat.announcements == []


def test_a_broken_step_is_told_to_each_admin_once_a_day(tested: Harness) -> None:
    walk(tested, BROKEN)
    walk(tested, BROKEN)
    assert [news["step"] for news in tested.chat.announcements] == ["react", "react"], "two admins, once each"
    assert tested.chat.announcements[0]["says"] == "Slack says no. Mend it."
    assert last(tested)["broken"] == "react"
    tested.clock.advance(days=1)
    walk(tested, BROKEN)
    assert len(tested.chat.announcements) == 4


def test_who_cannot_be_told_keeps_nobody_else_from_it(tested: Harness) -> None:
    def direct(user):
        if user == "U1":
            raise TierbotError("user_disabled")
        return "D2"

    walk(tested, BROKEN, direct=direct)
    assert len(tested.chat.announcements) == 1

    def nobody(_):
        raise TierbotError("Slack does not list them.")

    walk(tested, BROKEN, admins=nobody)
    assert last(tested)["broken"] == "react"


def test_while_slack_does_not_answer_the_job_fails_and_is_tried_again(tested: Harness) -> None:
    def direct(user):
        raise ChatUnavailableError("no answer")

    with pytest.raises(ChatUnavailableError):
        walk(tested, BROKEN, direct=direct)


def test_smoke_tests_are_planned_when_they_are_wanted_and_taken_off_when_they_are_not(
    tested: Harness, tmp_path
) -> None:
    bot, now = tested.bot, tested.clock.now()
    plan_smoke_test(bot.store, bot.clock, bot.settings, WORKSPACE)
    assert (due(tested).due_at - now).total_seconds() == 60, "the first soon after the start"
    tested.clock.advance(minutes=1)
    jobs = tested.scheduler(smoke_test=smoke_test_of(tested, WELL))
    jobs.renew()
    jobs.run(WORKSPACE, JOB)
    assert (due(tested).due_at - now).total_seconds() == 60 + 6 * 3600
    tested.clock.advance(hours=1)
    plan_smoke_test(bot.store, bot.clock, bot.settings, WORKSPACE)
    assert (due(tested).due_at - now).total_seconds() == 60 + 6 * 3600, "a restart neither forgets nor repeats"
    tested.bot.close()
    unwanted = build_harness(tmp_path)
    plan_smoke_test(unwanted.bot.store, unwanted.clock, unwanted.bot.settings, WORKSPACE)
    assert due(unwanted) is None
    unwanted.bot.close()


def test_a_job_that_this_process_does_not_know_is_left_to_others(tested: Harness) -> None:
    with tested.bot.store.begin(WORKSPACE) as tx:
        for job in tx.agenda.all():
            tx.agenda.remove(job.id)
        tx.agenda.plan("juggle", tested.clock.now())
    tested.bot.scheduler.renew()
    tested.bot.scheduler.tick()
    assert tested.job("juggle") == Job.recurring("juggle", tested.clock.now())
