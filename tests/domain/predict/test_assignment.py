"""What a trainer is asked next: contested first, evenly drawn at times, with exact propensities, settled never."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierbot.domain.nouns import Arm, Outcome, Post, Verdict
from tierbot.domain.predict.assignment import Candidate, assign, most_needed, thinnest

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def candidate(number, outcome=None, reason=None, voters=0):
    post = Post(f"p{number}", "d", "a", 1, Arm.TIER, 0.8, "food", "C1", NOON + timedelta(minutes=number), "1.1", NOON)
    if outcome is None:
        return Candidate(post, None)
    verdict = Verdict(post.id, outcome, {}, None, 0.1, voters, {}, 0, 0, "plain", 1, NOON, reason)
    return Candidate(post, verdict)


SPLIT = candidate(1, Outcome.ABSTAINED, "split", 4)
MORE_SPLIT = candidate(2, Outcome.ABSTAINED, "split", 9)
LACKS_ONE = candidate(3, Outcome.ABSTAINED, "too_few", 1)
WITHDRAWN = candidate(4, Outcome.ABSTAINED, "too_few", 0)
OLD, NEW = candidate(5), candidate(6)
SETTLED = candidate(7, Outcome.NAMED, None, 3)
REJECTED = candidate(8, Outcome.WRONG, None, 3)
ALL = [SPLIT, MORE_SPLIT, LACKS_ONE, WITHDRAWN, OLD, NEW, SETTLED, REJECTED]


@given(st.permutations(ALL))
def test_the_order_depends_on_need_alone(shuffled):
    wanted = [MORE_SPLIT, SPLIT, LACKS_ONE, WITHDRAWN, OLD, NEW]
    assert most_needed(shuffled) == [one.post for one in wanted]


@given(st.permutations([*ALL, candidate(9, Outcome.NAMED, None, 2)]), st.integers(0, 4))
def test_of_settled_posts_the_one_with_the_fewest_voters_comes_first(shuffled, count):
    assert [post.id for post in thinnest(shuffled, count)] == ["p9", "p7", "p8"][:count]


def test_posts_of_one_moment_have_an_order_too():
    twin = Candidate(replace(OLD.post, id="p0"), None)
    assert most_needed([OLD, twin]) == [twin.post, OLD.post]


def test_settled_posts_are_left_alone() -> None:
    assert assign([SETTLED, REJECTED], 5, np.random.default_rng(0)) == []
    assert assign([], 5, np.random.default_rng(0)) == []


@given(st.permutations(ALL), st.integers(0, 9))
def test_without_exploration_the_most_needed_are_drawn(shuffled, count):
    drawn = assign(shuffled, count, np.random.default_rng(0), explore=0.0)
    assert [one.post for one in drawn] == most_needed(shuffled)[:count]
    assert all(one.propensity == 1 for one in drawn)


@given(st.integers(1, 8), st.integers(0, 50))
def test_each_draw_has_its_exact_probability(many: int, seed: int) -> None:
    drawn = assign([candidate(n) for n in range(many)], many, np.random.default_rng(seed), explore=0.2)
    assert len({one.post.id for one in drawn}) == many
    for place, one in enumerate(drawn):
        left = many - place
        assert one.propensity in (pytest.approx(0.2 / left), pytest.approx(0.8 + 0.2 / left))


def test_draws_come_out_as_often_as_their_propensity_says() -> None:
    pool = [candidate(1), SPLIT, candidate(3), candidate(4)]
    rng = np.random.default_rng(1)
    firsts = [assign(pool, 1, rng, explore=0.4)[0] for _ in range(600)]
    share = np.mean([one.post is SPLIT.post for one in firsts])
    assert share == pytest.approx(0.7, abs=0.06)
    assert {round(one.propensity, 6) for one in firsts} == {0.7, 0.1}
