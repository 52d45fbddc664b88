"""Selective reward terms: only hard posts, only telling rewards, only beside what the verdict says."""

from dataclasses import replace

import numpy as np

from tests.support.settled_posts import settled
from tests.support.worlds import TAG_IDS, features, texts
from tierbot.domain.nouns import Outcome, SettledPost
from tierbot.domain.training.rows import verdict_rows
from tierbot.domain.training.selective import RewardTerms

TERMS = RewardTerms(strength=1.0)


def rewarded(number: int, shown: str, reward: float | None, outcome: Outcome = Outcome.ABSTAINED) -> SettledPost:
    one = settled(number, shown, shown, outcome=outcome)
    named = {shown: 1.0} if outcome is Outcome.NAMED else {}
    return replace(one, verdict=replace(one.verdict, reward=reward, tags=named))


def test_terms_go_to_hard_posts_with_a_telling_reward_only() -> None:
    posts = [rewarded(n, TAG_IDS[0], r) for n, r in enumerate((1.0, 0.0, 0.5, None, 1.0))]
    likeliest = np.array([0.3, 0.3, 0.3, 0.3, 0.9])
    assert TERMS.chosen(posts, likeliest).tolist() == [True, True, False, False, False]
    assert not RewardTerms().chosen(posts, likeliest).any()


def test_a_term_teaches_the_shown_tag_and_never_contradicts_a_verdict() -> None:
    posts = [
        rewarded(0, TAG_IDS[0], 1.0),
        rewarded(1, TAG_IDS[1], 0.0),
        rewarded(2, TAG_IDS[0], 0.0, Outcome.NAMED),
        rewarded(3, "gone", 1.0),
    ]
    some, _ = texts(4, np.random.default_rng(0))
    rows = verdict_rows(posts, features(some), TAG_IDS)
    taught = TERMS.added(rows, posts, np.full(4, 0.2))
    assert (taught.targets[0, 0], taught.weights[0, 0] > 0) == (1.0, True)
    assert (taught.targets[1, 1], taught.weights[1, 1] > 0) == (0.0, True)
    assert np.array_equal(taught.weights[2:], rows.weights[2:])
    assert np.count_nonzero(taught.weights[:2]) == 2
    assert RewardTerms().added(rows, posts, np.full(4, 0.2)) is rows
