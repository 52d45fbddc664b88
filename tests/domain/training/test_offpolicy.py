"""Off-policy estimates: right in expectation, honest about what they rest on, strict with broken logs."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tierbot.domain.training.offpolicy import Log, OffPolicyError, doubly_robust, ips, snips

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def simulated(n: int, seed: int) -> tuple[Log, np.ndarray, np.ndarray, float]:
    """Return a log of a policy over 4 actions, a reward model's q of the taken and the expected, and the true value."""
    rng = np.random.default_rng(seed)
    logging, target = rng.dirichlet(np.ones(4), n) * 0.8 + 0.05, rng.dirichlet(np.ones(4), n)
    truth = rng.random((n, 4))
    taken = np.array([rng.choice(4, p=p / p.sum()) for p in logging])
    logging /= logging.sum(axis=1, keepdims=True)
    rows = np.arange(n)
    rewards = (rng.random(n) < truth[rows, taken]).astype(float)
    log = Log(rewards, logging[rows, taken], target[rows, taken])
    return log, truth[rows, taken], (target * truth).sum(axis=1), float((target * truth).sum(axis=1).mean())


@pytest.mark.parametrize("method", ["ips", "snips", "dr"])
def test_the_interval_covers_the_true_value_about_as_often_as_it_says(method: str) -> None:
    covered = []
    for seed in range(100):
        log, predicted, expected, value = simulated(400, seed)
        estimate = {
            "ips": lambda log=log: ips(log),
            "snips": lambda log=log: snips(log),
            "dr": lambda log=log, q=predicted, e=expected: doubly_robust(log, q, e),
        }[method]()
        assert estimate.method == method
        covered.append(estimate.low <= value <= estimate.high)
    assert np.mean(covered) >= 0.88


def test_a_reward_model_that_is_right_narrows_the_interval() -> None:
    log, predicted, expected, _ = simulated(2000, 1)
    plain, better = ips(log), doubly_robust(log, predicted, expected)
    assert better.high - better.low < 0.8 * (plain.high - plain.low)


@given(arrays(float, st.integers(1, 30), elements=st.floats(0, 1)), st.integers(0, 9))
@settings(max_examples=50)
def test_the_logging_policy_itself_is_worth_its_mean_reward(rewards: np.ndarray, seed: int) -> None:
    p = np.random.default_rng(seed).uniform(0.01, 1, len(rewards))
    for estimate in (ips(Log(rewards, p, p)), snips(Log(rewards, p, p))):
        assert estimate.value == pytest.approx(rewards.mean())
        assert estimate.effective_n == pytest.approx(len(rewards))


@given(st.integers(1, 40), st.integers(0, 99))
@settings(max_examples=50)
def test_snips_stays_within_the_rewards_and_no_estimate_rests_on_more_than_there_is(n: int, seed: int) -> None:
    log, *_ = simulated(n, seed)
    estimate = snips(log)
    assert log.rewards.min() - 1e-9 <= estimate.value <= log.rewards.max() + 1e-9
    assert 0 < estimate.effective_n <= n + 1e-9


def test_a_policy_that_the_log_says_nothing_of_has_no_snips() -> None:
    log = Log(np.ones(3), np.full(3, 0.5), np.zeros(3))
    assert snips(log).value is None
    assert snips(log).effective_n == 0
    empty = Log(np.zeros(0), np.zeros(0), np.zeros(0))
    assert (ips(empty).value, snips(empty).value) == (None, None)


@pytest.mark.parametrize("propensity", [0.0, -0.1, 1.1, np.nan])
def test_a_propensity_that_is_none_is_refused(propensity: float) -> None:
    with pytest.raises(OffPolicyError):
        ips(Log(np.ones(2), np.array([0.5, propensity]), np.ones(2)))


def test_shapes_that_differ_are_refused() -> None:
    with pytest.raises(OffPolicyError, match="shape"):
        snips(Log(np.ones(2), np.ones(3), np.ones(2)))
    with pytest.raises(OffPolicyError, match="reward model"):
        doubly_robust(Log(np.ones(2), np.ones(2), np.ones(2)), np.ones(3), np.ones(2))
