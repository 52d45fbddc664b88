"""A team meets one post: order in time, what is visible by then, who has judged how much."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.support.votes import NOON, post
from tierbot.domain.feedback import votes_of
from tierbot.domain.nouns import Arm, Post, ReactionEvent, Says
from tierbot.domain.tags import default_tag_space
from tierbot.simulate.reactions import Seen, prefilled, reactions_to
from tierbot.simulate.teams import perfect_team
from tierbot.simulate.trainers import SimulatedTrainer

TAGS = default_tag_space()


def meet(
    team: list[SimulatedTrainer], arm: Arm = Arm.BLANK, true: tuple[str, ...] = ("law",), seed: int = 0
) -> tuple[list[ReactionEvent], Counter[str], Post]:
    judged: Counter[str] = Counter()
    asked = replace(post(), arm=arm, shown_tag="food")
    events = reactions_to(Seen(asked, true, NOON), team, TAGS, judged, np.random.default_rng(seed))
    return events, judged, asked


def test_each_arm_has_its_own_prefill() -> None:
    asked = replace(post(), shown_tag="food")
    there = {arm: prefilled(replace(asked, arm=arm), TAGS) for arm in Arm}
    assert there == {Arm.TIER: ("pizza",), Arm.BASIC: ("+1", "-1", "confused"), Arm.BLANK: ()}


def test_the_events_are_read_by_the_bots_own_rules() -> None:
    for arm in Arm:
        events, _, asked = meet(perfect_team(3), arm)
        votes = votes_of(events, asked, TAGS)
        wanted = (Says.REJECTS, None) if arm is Arm.BASIC else (Says.NAMES, "law")
        assert [(vote.says, vote.tag) for vote in votes] == [wanted] * 3


@given(st.integers(0, 10**6))
def test_events_are_in_order_of_time_and_told_apart(seed: int) -> None:
    team = [SimulatedTrainer(f"T{i}", slip=0.3, notices=0.7, unreact=0.4, delay_spread=2.0) for i in range(6)]
    events, _, _ = meet(team, seed=seed)
    assert [event.happened_at for event in events] == sorted(event.happened_at for event in events)
    assert len({event.event_id for event in events}) == len(events)
    assert all(event.happened_at > NOON for event in events)


def test_followers_follow_who_clicked_before_them() -> None:
    first = SimulatedTrainer("First", delay_median=1.0)
    follower = SimulatedTrainer("Follower", delay_median=60.0, herding=1.0, expertise=0.0)
    followed = 0
    for seed in range(200):
        events, _, _ = meet([follower, first], seed=seed)
        followed += events[0].name == events[1].name
    assert 80 < followed < 130  # one visible click is followed with 1 · 1/(1+1)


def test_nobody_follows_a_click_that_was_taken_back_or_comes_later() -> None:
    gone = SimulatedTrainer("Gone", delay_median=1.0, unreact=1.0)
    late = SimulatedTrainer("Late", delay_median=2 * 86_400.0)
    follower = SimulatedTrainer("Follower", delay_median=86_400.0, herding=1.0, expertise=0.0)
    events, _, _ = meet([late, follower, gone])
    said = [(event.user, event.name) for event in events if event.added]
    assert [user for user, _ in said] == ["Gone", "Follower", "Late"]
    assert said[1][1] != said[0][1]


def test_who_reacts_has_judged_one_more_today() -> None:
    asleep = SimulatedTrainer("Asleep", activity=(0.0,) * 24)
    _, judged, _ = meet([SimulatedTrainer("Awake"), asleep])
    assert judged == {"Awake": 1, "Asleep": 0}


def test_a_slow_trainer_reacts_after_their_delay() -> None:
    events, _, _ = meet([SimulatedTrainer("Slow", delay_median=3600.0)])
    assert events[0].happened_at == NOON + timedelta(hours=1)
