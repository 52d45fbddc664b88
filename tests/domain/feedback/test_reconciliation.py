"""What was missed is found, and nothing is counted twice."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.support.votes import EVENTS, NOON, TAGS, event, post
from tierbot.domain.feedback import votes_of
from tierbot.domain.feedback.reconciliation import missed_events
from tierbot.domain.feedback.votes import standing
from tierbot.domain.nouns import Source

LATER = NOON + timedelta(hours=1)


def compare(events, shown, *, complete=True):
    return missed_events("C1", "1700000000.000100", events, [(n, u, complete) for n, u in shown.items()], LATER)


def test_a_missed_reaction_is_added_and_a_missed_removal_is_removed() -> None:
    found = compare([event("U1", "pizza")], {"pizza": ["U2"]})
    assert [(e.user, e.name, e.added) for e in found] == [("U1", "pizza", False), ("U2", "pizza", True)]


def test_a_list_cut_short_removes_nobody() -> None:
    assert compare([event("U1", "pizza"), event("U2", "pizza")], {"pizza": ["U1"]}, complete=False) == []


def test_a_menu_vote_is_left_alone() -> None:
    assert compare([event("U1", "food", source=Source.MENU)], {}) == []


def test_what_really_happened_after_the_comparison_wins() -> None:
    found = compare([], {"pizza": ["U1"]})
    removed = event("U1", "pizza", added=False, second=3601)
    assert votes_of([removed, *found], post(), TAGS) == []


@given(
    EVENTS, st.dictionaries(st.sampled_from(["pizza", "football", "+1"]), st.sets(st.sampled_from(["U1", "U2", "U3"])))
)
def test_after_comparing_the_ledger_holds_what_slack_shows_and_a_second_comparison_finds_nothing(events, shown) -> None:
    after = [*events, *compare(events, shown)]
    assert {(v.user, v.name) for v in standing(after)} == {(u, n) for n, users in shown.items() for u in users}
    assert compare(after, shown) == []
