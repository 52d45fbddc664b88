"""Votes by menu: what stands, and how a new choice changes it."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tierbot.domain.feedback.votes import chosen_by_menu, menu_changes, named_by_menu
from tierbot.domain.nouns import ReactionEvent, Source

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def event(number, user, name, *, added=True, source=Source.MENU):
    at = NOON + timedelta(seconds=number)
    return ReactionEvent(f"e{number}", "C1", "1.000001", user, name, added, at, at, source)


def test_reactions_are_no_menu_votes():
    events = [event(1, "U1", "food", source=Source.REACTION), event(2, "U1", "law")]
    assert chosen_by_menu("U1", events) == {"law"}
    assert named_by_menu(events) == {"law": 1}


def test_people_are_counted_the_most_named_first():
    events = [event(1, "U1", "law"), event(2, "U2", "food"), event(3, "U3", "food"), event(4, "U3", "law", added=False)]
    assert list(named_by_menu(events).items()) == [("food", 2), ("law", 1)]


def test_tags_that_equally_many_name_come_by_name():
    for tags in (["law", "food"], ["food", "law"]):
        assert list(named_by_menu([event(place, f"U{place}", tag) for place, tag in enumerate(tags)])) == [
            "food",
            "law",
        ]


def test_a_new_choice_withdraws_first_and_by_name():
    before, after = ["war", "law", "art"], ["health", "food", "cars", "art"]
    changes = [("law", False), ("war", False), ("cars", True), ("food", True), ("health", True)]
    assert menu_changes(before, after) == changes


TAGS = st.frozensets(st.sampled_from(["food", "law", "health", "war"]), max_size=3)


@given(st.lists(TAGS, max_size=6))
def test_after_any_choices_the_last_one_stands_alone(choices):
    events: list[ReactionEvent] = []
    for choice in choices:
        for tag, added in menu_changes(chosen_by_menu("U1", events), choice):
            events.append(event(len(events), "U1", tag, added=added))
    assert chosen_by_menu("U1", events) == (choices[-1] if choices else frozenset())


@given(TAGS)
def test_the_same_choice_again_changes_nothing(choice):
    assert menu_changes(choice, choice) == []
