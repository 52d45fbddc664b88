"""The smoke test's order: what a broken step means for the others, and that the canary always goes."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierbot.domain.doctor.smoke_test import Outcome, broken, news_of, run_smoke_test, vote_stands
from tierbot.domain.nouns import ReactionEvent, TierbotError
from tierbot.domain.tags import default_tag_space

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
COMMANDS = ("/leaderboard", "/tier help")
STEPS = (
    "post a canary",
    "react",
    "see the vote arrive",
    *COMMANDS,
    "take the reaction back",
    "see the vote revoked",
    "clean up",
)


@dataclass
class Recorder:
    """SmokeTestActions that keep what they did; those in `faults` break."""

    faults: frozenset[str] = frozenset()
    done: list[str] = field(default_factory=list)

    def _act(self, what):
        self.done.append(what)
        if what in self.faults:
            raise TierbotError(f"{what} broke. Mend it.")
        return f"{what} done"

    def post(self):
        return self._act("post a canary")

    def react(self):
        return self._act("react")

    def see_vote(self):
        return self._act("see the vote arrive")

    def command(self, text):
        return self._act(text)

    def unreact(self):
        return self._act("take the reaction back")

    def see_no_vote(self):
        return self._act("see the vote revoked")

    def clean_up(self):
        return self._act("clean up")


class Seconds:
    """A clock that is one second later at each look."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 1.0
        return self.now


def test_all_steps_are_taken_in_order_and_timed():
    hands = Recorder()
    steps = run_smoke_test(hands, COMMANDS, Seconds())
    assert tuple(hands.done) == STEPS
    assert [(step.name, step.outcome, step.seconds) for step in steps] == [(name, Outcome.OK, 1.0) for name in STEPS]
    assert broken(steps) is None


@given(st.frozensets(st.sampled_from(STEPS)))
def test_whatever_breaks_every_step_is_reported_and_a_posted_canary_goes(faults):
    hands = Recorder(faults)
    steps = run_smoke_test(hands, COMMANDS, Seconds())
    assert tuple(step.name for step in steps) == STEPS
    assert ("clean up" in hands.done) == ("post a canary" not in faults)
    assert {step.name for step in steps if step.outcome is Outcome.BROKEN} == faults & set(hands.done)
    assert {step.name for step in steps if step.outcome is Outcome.NOT_TRIED} == set(STEPS) - set(hands.done)


@pytest.mark.parametrize(
    ("fault", "not_tried"),
    [
        ("post a canary", set(STEPS) - {"post a canary", *COMMANDS}),
        ("react", {"see the vote arrive", "take the reaction back", "see the vote revoked"}),
        ("see the vote arrive", {"see the vote revoked"}),
        ("/leaderboard", set()),
    ],
)
def test_only_what_builds_on_a_broken_step_is_left_out(fault, not_tried):
    steps = run_smoke_test(Recorder(frozenset({fault})), COMMANDS, Seconds())
    assert {step.name for step in steps if step.outcome is Outcome.NOT_TRIED} == not_tried
    first = broken(steps)
    assert first is not None
    assert (first.name, first.says) == (fault, f"{fault} broke. Mend it.")


def test_a_fault_that_nobody_foresaw_is_no_step_of_a_smoke_test():
    hands = Recorder()
    hands.react = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        run_smoke_test(hands, COMMANDS, Seconds())


def test_the_news_of_a_smoke_test_names_the_first_broken_step_and_lists_all():
    news = news_of(run_smoke_test(Recorder(frozenset({"react", "clean up"})), COMMANDS, Seconds()), "C1")
    assert (news["kind"], news["step"], news["channel"]) == ("smoke_test_broken", "react", "C1")
    assert [step["name"] for step in news["steps"]] == list(STEPS)
    with pytest.raises(ValueError, match="passed"):
        news_of(run_smoke_test(Recorder(), COMMANDS, Seconds()), "C1")


def test_a_vote_stands_from_its_reaction_until_it_is_taken_back_whatever_the_skin_tone():
    tags = default_tag_space()

    def event(number, name, *, added, user="U1"):
        return ReactionEvent(f"E{number}", "C1", "1.0", user, name, added, NOW.replace(second=number), NOW)

    given_, taken = event(1, "pizza", added=True), event(2, "pizza", added=False)
    assert vote_stands([given_], "U1", "food", tags)
    assert not vote_stands([given_], "U2", "food", tags)
    assert not vote_stands([given_], "U1", "law", tags)
    assert not vote_stands([taken, given_], "U1", "food", tags)
    assert not vote_stands([event(1, "our_own", added=True)], "U1", "food", tags)
