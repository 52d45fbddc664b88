"""Off-policy evidence: on posts that neither model knew, by tag whatever their order, silent where nothing tells."""

from dataclasses import replace

import numpy as np
import pytest

from tests.support.settled_posts import settled
from tests.support.training_jobs import PRIOR, job, verdicts
from tierbot.domain.training.evidence import Logged, in_words, logged_of, off_policy
from tierbot.domain.training.retrain import train_challenger


def logged(rewards: list[float], shown: list[int]) -> Logged:
    return Logged(np.array(rewards), np.full(len(rewards), 0.9), np.array(shown))


def test_a_retraining_puts_the_estimates_for_both_models_on_its_card() -> None:
    plain = job(verdicts(120, 1))
    n = len(plain.verdicts)
    rng = np.random.default_rng(0)
    what = Logged(rng.random(n), np.full(n, 0.9), plain.verdicts.targets.argmax(axis=1))
    card = train_challenger(replace(plain, logged=what)).classifier.card
    evidence = card["metrics"]["off_policy"]
    assert evidence["n"] == card["metrics"]["promotion"]["n"] > 0
    for model in ("challenger", "champion"):
        assert set(evidence[model]) == {"ips", "snips", "dr"}
        assert evidence[model]["snips"]["effective_n"] <= evidence["n"]
    assert f"{evidence['n']} posts" in in_words(evidence)
    assert train_challenger(plain).classifier.card["metrics"]["off_policy"] == {}


def test_the_model_that_would_have_shown_what_was_rewarded_is_worth_more() -> None:
    rows = verdicts(40, 2)
    top = PRIOR.probabilities(rows.features, rows.tag_ids).argmax(axis=1)
    good = logged([1.0] * len(rows), top.tolist())
    found = off_policy(PRIOR, PRIOR, rows, good)
    assert found["challenger"]["snips"]["value"] == pytest.approx(1.0)
    assert found["challenger"]["snips"]["effective_n"] == pytest.approx(len(rows))


def test_posts_without_a_reward_or_of_a_tag_that_is_gone_say_nothing() -> None:
    rows = verdicts(40, 2)
    nothing = logged([np.nan] * len(rows), [0] * len(rows))
    gone = logged([1.0] * len(rows), [-1] * len(rows))
    for log in (nothing, gone):
        assert off_policy(PRIOR, PRIOR, rows, log) == {}
    assert in_words({}) == ""


def test_columns_follow_the_tags() -> None:
    assert logged([1.0, 0.0, 1.0], [0, 1, -1]).over(("a", "b"), ("c", "b", "a")).shown.tolist() == [2, 1, -1]
    assert logged([1.0], [0]).over(("a",), ("b",)).shown.tolist() == [-1]


def test_settled_posts_become_a_log() -> None:
    log = logged_of([settled(0, "t1", "t2"), settled(1, "gone", "t2")], ("t1", "t2"))
    assert log.shown.tolist() == [0, -1]
    assert log.rewards.tolist() == [1.0, 1.0]
    assert log.propensities.tolist() == [1.0, 1.0]
