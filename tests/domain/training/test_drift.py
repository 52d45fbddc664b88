"""The drift signal: it fires on a stream that shifts, names tag and kind, and is quiet on one that stands still.

The rates themselves: `python -m tests.benchmarks.drift`.
"""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tierbot.domain.nouns import Arm, Outcome, Post, Selection, SettledPost, Verdict
from tierbot.domain.predict.selection import RANDOM
from tierbot.domain.training.drift import BEFORE, FALSE_ALARMS, RECENT, Changed, Drift, drift_of, fisher_exact

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TAGS = 64


def settled(number: int, top: str, true: str, strategy: str = RANDOM, outcome: Outcome = Outcome.NAMED) -> SettledPost:
    post = Post(f"p{number}", f"d{number}", f"a{number}", 1, Arm.TIER, 0.85, top, "C1", NOON)
    verdict = Verdict(post.id, outcome, {true: 1.0}, 1.0, 0.6, 3, {true: 3}, 0, 0, "plain-1", 1, NOON)
    return SettledPost(post, verdict, "m1", top, 1.0, Selection(strategy, 0.3))


def stream(
    rng: np.random.Generator, *, prior: float = 0.0, missed: float = 0.0, many: int = RECENT + BEFORE
) -> list[SettledPost]:
    """Return posts over 64 tags, the commonest 8 %, of a model that is right on 70 %.

    In the newer window a rare tag gets `prior` of all posts, and of the commonest tag `missed` are not recognised.
    """
    usual = (1.0 / np.arange(3, TAGS + 3)) / (1.0 / np.arange(3, TAGS + 3)).sum()
    posts = []
    for number in range(many):
        shifted = number >= many - RECENT
        true = 40 if shifted and rng.random() < prior else int(rng.choice(TAGS, p=usual))
        right = rng.random() < 0.7 and not (shifted and true == 0 and rng.random() < missed)
        top = true if right else int((true + rng.integers(1, TAGS)) % TAGS)
        posts.append(settled(number, f"t{top}", f"t{true}"))
    return posts


def rate(streams: int, seed: int, *, prior: float = 0.0, missed: float = 0.0) -> float:
    """Return the share of streams in which anything is signalled."""
    made = (stream(np.random.default_rng([seed, n]), prior=prior, missed=missed) for n in range(streams))
    return float(np.mean([bool(drift_of(one).signals) for one in made]))


def test_a_stream_that_stands_still_raises_few_alarms() -> None:
    assert rate(60, 1) <= 3 * FALSE_ALARMS  # 9 of 60; at a rate of .05 so many have a chance below 1 in 1,000


def test_a_topic_that_became_common_is_named() -> None:
    found = drift_of(stream(np.random.default_rng(2), prior=0.12))
    assert found.enough
    assert (found.signals[0].tag, found.signals[0].changed) == ("t40", Changed.PRIOR)
    assert found.signals[0].now / found.signals[0].now_of > found.signals[0].before / found.signals[0].before_of
    assert "t40: share" in found.signals[0].in_words()


def test_a_topic_that_the_model_no_longer_knows_is_named() -> None:
    found = drift_of(stream(np.random.default_rng(3), missed=1.0))
    assert ("t0", Changed.RECALL) in {(one.tag, one.changed) for one in found.signals}


def test_a_model_that_got_better_is_no_drift() -> None:
    posts = [settled(n, "t1" if n >= BEFORE else f"t{n % 2 + 1}", "t1") for n in range(BEFORE + RECENT)]
    assert drift_of(posts).signals == ()


def test_posts_that_were_not_chosen_at_random_or_not_named_say_nothing() -> None:
    posts = stream(np.random.default_rng(4), prior=0.5)
    chosen = [settled(n, one.top_tag, next(iter(one.verdict.tags)), "margin") for n, one in enumerate(posts)]
    unnamed = [
        settled(n, one.top_tag, next(iter(one.verdict.tags)), outcome=Outcome.WRONG) for n, one in enumerate(posts)
    ]
    assert drift_of([*chosen, *unnamed]) == Drift(0, 0, ())


@pytest.mark.parametrize("many", [0, 1, RECENT + 39])
def test_too_few_posts_tell_nothing(many: int) -> None:
    found = drift_of(stream(np.random.default_rng(5), prior=1.0, many=many))
    assert not found.enough
    assert found.signals == ()


@given(st.integers(1, 60), st.integers(1, 200), st.data(), st.booleans())
def test_the_exact_test_is_fishers(n0: int, n1: int, data: st.DataObject, both_ways: bool) -> None:
    k0, k1 = data.draw(st.integers(0, n0)), data.draw(st.integers(0, n1))
    expected = stats.fisher_exact([[k0, n0 - k0], [k1, n1 - k1]], "two-sided" if both_ways else "greater").pvalue
    assert fisher_exact(k0, n0, k1, n1, both_ways=both_ways) == pytest.approx(expected, rel=1e-9)
