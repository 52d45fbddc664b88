"""Many problems at once give each what it would get alone."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.svm import LinearSVC

from tierbot.domain.training.solver import Design, Problem, minimize

N, D, A, K = 120, 5, 12, 4


def problem(seed: int = 0) -> Problem:
    rng = np.random.default_rng(seed)
    dense = rng.standard_normal((N, D)).astype(np.float32)
    words = sparse.csr_array((rng.random((N, A)) < 0.2).astype(np.float32))
    signs = np.where(rng.random((N, K)) < 0.3, 1, -1).astype(np.float32)
    weights = rng.random((N, K)).astype(np.float32)
    penalty = np.full(D + 1 + A, 2.0, np.float32)
    return Problem(Design(dense, words), signs, weights, np.zeros((D + 1 + A, K), np.float32), penalty)


def cost(given: Problem, found: np.typing.NDArray[np.float32]) -> np.typing.NDArray[np.float64]:
    short = np.maximum(0, 1 - given.signs * given.design.times(found))
    pull = given.penalty[:, None] * (found - given.prior) ** 2
    return np.asarray((given.weights * short**2).sum(axis=0) + 0.5 * pull.sum(axis=0), dtype=np.float64)


def test_each_problem_ends_where_scikit_learns_own_estimator_ends() -> None:
    given = problem()
    found = minimize(given, given.prior, tolerance=1e-4)
    rows = np.concatenate([given.design.dense, np.ones((N, 1)), given.design.sparse.toarray()], axis=1)
    for column in range(K):
        alone = LinearSVC(C=0.5, fit_intercept=False, tol=1e-7, max_iter=100_000, dual=True)
        alone.fit(rows, given.signs[:, column], sample_weight=given.weights[:, column])
        assert found[:, column] == pytest.approx(alone.coef_[0], abs=2e-3)


def test_where_it_starts_does_not_matter() -> None:
    given = problem(1)
    far = np.random.default_rng(2).standard_normal(given.prior.shape).astype(np.float32)
    near, other = minimize(given, given.prior, tolerance=1e-4), minimize(given, far, tolerance=1e-4)
    assert np.allclose(near, other, atol=2e-3)


def test_no_step_in_any_direction_would_be_better() -> None:
    given = problem(3)
    found = minimize(given, given.prior, tolerance=1e-4)
    rng = np.random.default_rng(4)
    for _ in range(20):
        aside = found + 0.01 * rng.standard_normal(found.shape).astype(np.float32)
        assert (cost(given, aside) > cost(given, found) - 1e-6).all()


def test_a_problem_without_any_weight_stays_at_its_prior() -> None:
    given = problem(5)
    given.weights[:, 1] = 0
    given.prior[:, 1] = 0.25
    found = minimize(given, np.zeros_like(given.prior), tolerance=1e-4)
    assert np.allclose(found[:, 1], 0.25, atol=1e-3)


def test_a_row_of_weight_two_is_the_row_said_twice() -> None:
    given = problem(6)
    twice = given.weights.copy()
    twice[0] *= 2
    heavy = minimize(Problem(given.design, given.signs, twice, given.prior, given.penalty), given.prior, tolerance=1e-5)
    said = Design(
        np.concatenate([given.design.dense, given.design.dense[:1]]),
        sparse.csr_array(sparse.vstack([given.design.sparse, given.design.sparse[:1]])),
    )
    signs = np.concatenate([given.signs, given.signs[:1]])
    weights = np.concatenate([given.weights, given.weights[:1]])
    double = minimize(Problem(said, signs, weights, given.prior, given.penalty), given.prior, tolerance=1e-5)
    assert np.allclose(heavy, double, atol=1e-3)
