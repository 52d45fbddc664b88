"""The ledger's reading: whatever the order of arrival, the same votes."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.votes import EVENTS, NOON, TAGS, event, post
from tierbot.domain.feedback import votes_of
from tierbot.domain.feedback.votes import superseded
from tierbot.domain.nouns import Arm, ReactionEvent, Says, Source


def said(events: list[ReactionEvent], arm: Arm = Arm.TIER) -> set[tuple[str, Says, str | None]]:
    return {(vote.user, vote.says, vote.tag) for vote in votes_of(events, post(arm), TAGS)}


@pytest.mark.parametrize("arm", list(Arm))
def test_a_tags_emoji_names_that_tag_in_every_arm(arm: Arm) -> None:
    assert said([event("U1", "football")], arm) == {("U1", Says.NAMES, "football")}


def test_a_skin_tone_and_an_alias_are_the_same_vote() -> None:
    events = [event("U1", "fist::skin-tone-4"), event("U1", "fist"), event("U2", "red_car")]
    assert said(events) == {("U1", Says.NAMES, "race"), ("U2", Says.NAMES, "cars")}


def test_a_vote_stands_while_any_variant_of_it_stands() -> None:
    events = [
        event("U1", "+1::skin-tone-2", second=1),
        event("U1", "thumbsup", second=2),
        event("U1", "thumbsup", added=False, second=3),
    ]
    assert said(events) == {("U1", Says.NAMES, "food")}
    assert said([*events, event("U1", "+1::skin-tone-2", added=False, second=4)]) == set()


def test_events_that_a_later_one_of_the_same_reaction_overrides_are_superseded() -> None:
    first, removed = event("U1", "pizza", second=1), event("U1", "pizza", added=False, second=2)
    again, other = event("U1", "pizza", second=3), event("U1", "football", second=1)
    assert superseded([first, removed, other]) == {first.event_id}
    assert superseded([again, first, removed, other]) == {first.event_id, removed.event_id}
    assert superseded([]) == set()


def test_votes_of_one_moment_are_in_the_order_of_their_tags() -> None:
    events = [event("U1", name) for name in ("pizza", "football", "red_car")]
    orders = {tuple(vote.tag for vote in votes_of(given, post(), TAGS)) for given in (events, events[::-1])}
    assert orders == {("cars", "food", "football")}


@pytest.mark.parametrize(
    ("name", "says", "tag"),
    [("+1", Says.NAMES, "food"), ("-1", Says.REJECTS, None), ("confused", Says.UNSURE, None)],
)
def test_thumbs_speak_where_a_prediction_is_named_and_are_not_counted_in_the_blank_arm(
    name: str, says: Says, tag: str | None
) -> None:
    assert said([event("U1", name)], Arm.TIER) == {("U1", says, tag)}
    assert said([event("U1", name)], Arm.BASIC) == {("U1", says, tag)}
    assert said([event("U1", name)], Arm.BLANK) == set()


def test_other_emoji_say_nothing() -> None:
    assert said([event("U1", "tada"), event("U1", "our_own_emoji")]) == set()


def test_a_menu_vote_stands_beside_reactions_and_is_withdrawn_by_itself() -> None:
    menu = event("U1", "food", second=1, source=Source.MENU)
    reaction = event("U1", "pizza", second=2)
    unreact = event("U1", "pizza", added=False, second=3)
    assert said([menu, reaction, unreact]) == {("U1", Says.NAMES, "food")}
    withdrawn = event("U1", "food", added=False, second=4, source=Source.MENU)
    assert said([menu, reaction, unreact, withdrawn]) == set()


def test_a_vote_counts_from_its_earliest_standing_variant() -> None:
    events = [event("U1", "pizza", second=5), event("U1", "food", second=2, source=Source.MENU)]
    (vote,) = votes_of(events, post(), TAGS)
    assert vote.at == NOON + timedelta(seconds=2)


@pytest.mark.parametrize(("first", "second"), [("Ev1", "Ev2"), ("Ev2", "Ev1")])
def test_of_two_events_of_one_moment_the_one_with_the_higher_id_decides(first: str, second: str) -> None:
    added = replace(event("U1", "pizza", second=3), event_id=first)
    removed = replace(event("U1", "pizza", added=False, second=3), event_id=second)
    stands = {("U1", Says.NAMES, "food")} if first > second else set()
    assert said([added, removed]) == said([removed, added]) == stands


@given(EVENTS, st.randoms(use_true_random=False), st.sampled_from(list(Arm)))
def test_the_ledger_replayed_in_any_order_and_with_repeats_gives_the_same_votes(events, random, arm) -> None:
    shuffled = events + random.choices(events, k=len(events) // 2) if events else []
    random.shuffle(shuffled)
    assert votes_of(shuffled, post(arm), TAGS) == votes_of(events, post(arm), TAGS)


@given(EVENTS)
def test_removing_everything_afterwards_leaves_no_vote(events: list[ReactionEvent]) -> None:
    removals = [event(e.user, e.name, added=False, second=100) for e in events]
    assert votes_of([*events, *removals], post(), TAGS) == []
