"""Fits many regularized linear classifiers over the same rows together.

scikit-learn's LinearSVC has one weight per row, starts from zero and shrinks toward zero. Here every (row, tag) has its
own weight, the coefficients shrink toward a prior (from the tags' descriptions), and the fit starts from the previous
model. All tags share each pass over the rows, which is many times faster than one estimator per tag. Loss and method
are LIBLINEAR's (Fan et al., JMLR 2008; Lin, Weng and Keerthi, "Trust region Newton method for large-scale logistic
regression", JMLR 2008): the squared hinge, minimized by truncated Newton steps, but with a line search instead of the
trust region. (Sampling rows for the curvature costs more steps than it saves.)
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Matrix = NDArray[np.float32]

_MOST_STEPS = 30
_MOST_CG = 20
_CG_TOLERANCE = 0.15
_ARMIJO = 1e-4
_HALVINGS = 12


@dataclass(frozen=True, slots=True)
class Design:
    """The design matrix: d dense columns, a constant 1, then a sparse columns."""

    dense: Matrix  # (n, d)
    sparse: sparse.csr_array  # (n, a)

    def __len__(self) -> int:
        return int(self.dense.shape[0])

    def take(self, rows: NDArray[np.intp]) -> "Design":
        """Return the given rows."""
        return Design(self.dense[rows], self.sparse[rows])

    def times(self, weights: Matrix) -> Matrix:
        """Return X W, (n, k), for W of shape (d + 1 + a, k)."""
        width = self.dense.shape[1]
        scores = self.dense @ weights[:width]
        scores += weights[width]
        scores += self.sparse @ weights[width + 1 :]
        return scores

    def transposed_times(self, residuals: Matrix) -> Matrix:
        """Return Xᵀ R, (d + 1 + a, k), for R of shape (n, k)."""
        ones = residuals.sum(axis=0, keepdims=True)
        return np.concatenate([self.dense.T @ residuals, ones, self.sparse.T @ residuals])

    def squares(self) -> NDArray[np.float32]:
        """Return each column's mean square, (d + 1 + a,)."""
        dense = np.einsum("nd,nd->d", self.dense, self.dense)
        words = np.bincount(self.sparse.indices, weights=self.sparse.data**2, minlength=self.sparse.shape[1])
        return np.asarray(np.concatenate([dense, [len(self)], words]) / max(1, len(self)), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Problem:
    """k binary problems over n rows."""

    design: Design
    signs: Matrix  # (n, k), +1 for true and −1 for false
    weights: Matrix  # (n, k) ≥ 0, 0 to leave a pair out
    prior: Matrix  # (p, k), toward which the coefficients shrink
    penalty: NDArray[np.float32]  # (p,), how strongly

    def only(self, which: NDArray[np.intp]) -> "Problem":
        """Return only the given problems."""
        return Problem(self.design, self.signs[:, which], self.weights[:, which], self.prior[:, which], self.penalty)


def minimize(problem: Problem, start: Matrix, *, tolerance: float = 0.01) -> Matrix:
    """Return each problem's minimum, (p, k), from `start`, to a gradient of `tolerance` times that at the prior."""
    found = np.array(start, dtype=np.float32)
    goal = tolerance * np.maximum(_norms(_gradient(problem, problem.prior)[0]), 1e-3)
    squares = problem.design.squares()
    active = np.arange(found.shape[1])
    for _ in range(_MOST_STEPS):
        here = problem if len(active) == found.shape[1] else problem.only(active)
        weights = found[:, active]
        gradient, scores = _gradient(here, weights)
        open_ = _norms(gradient) > goal[active]
        if not open_.any():
            break
        if not open_.all():
            active, keep = active[open_], np.flatnonzero(open_)
            here, weights, gradient, scores = here.only(keep), weights[:, keep], gradient[:, keep], scores[:, keep]
        curvature = 2 * here.weights * (_short(here, scores) > 0)
        direction = _newton_direction(here.design, curvature, here.penalty, gradient, squares)
        step, moved = _line_search(here, weights, direction, gradient, scores)
        found[:, active] = weights + step * direction
        active = active[moved]
        if not len(active):
            break
    return found


def _short(problem: Problem, scores: Matrix) -> Matrix:
    """Return how far each score is below the margin: max(0, 1 − y z)."""
    return np.asarray(np.maximum(np.float32(0), 1 - problem.signs * scores))


def _losses(problem: Problem, scores: Matrix) -> NDArray[np.float64]:
    short = _short(problem, scores)
    return np.asarray(np.einsum("nk,nk,nk->k", problem.weights, short, short), dtype=np.float64)


def _gradient(problem: Problem, weights: Matrix) -> tuple[Matrix, Matrix]:
    scores = problem.design.times(weights)
    slope = -2 * problem.weights * problem.signs * _short(problem, scores)
    pull = problem.penalty[:, None] * (weights - problem.prior)
    return problem.design.transposed_times(slope) + pull, scores


def _norms(columns: Matrix) -> NDArray[np.float64]:
    return np.sqrt(_dots(columns, columns))


def _dots(left: Matrix, right: Matrix) -> NDArray[np.float64]:
    return np.asarray(np.einsum("pk,pk->k", left, right), dtype=np.float64)


def _newton_direction(
    design: Design, curvature: Matrix, penalty: NDArray[np.float32], gradient: Matrix, squares: NDArray[np.float32]
) -> Matrix:
    """Solve H d = −g for all problems by conjugate gradients, each until its residual is small.

    Preconditioned by the square root of an estimate of H's diagonal (columns' mean squares times each problem's
    curvature). In trials, the root saved a quarter of the passes; the full diagonal took more than none.
    """
    ridge = penalty[:, None]
    scale = 1 / np.sqrt(ridge + squares[:, None] * curvature.sum(axis=0))
    direction = np.zeros_like(gradient)
    residual = -gradient
    eased = scale * residual
    search = eased.copy()
    square = _dots(residual, eased)
    goal = _CG_TOLERANCE**2 * square
    for _ in range(_MOST_CG):
        bent = design.transposed_times(curvature * design.times(search)) + ridge * search
        curve = _dots(search, bent)
        going = (square > goal) & (curve > 0)
        if not going.any():
            break
        length = np.where(going, square / np.where(curve > 0, curve, 1.0), 0.0).astype(np.float32)
        direction += length * search
        residual -= length * bent
        eased = scale * residual
        new_square = np.where(going, _dots(residual, eased), square)
        turn = np.where(going, new_square / np.maximum(square, 1e-30), 0.0).astype(np.float32)
        search = eased + turn * search
        square = new_square
    return direction


def _line_search(
    problem: Problem, weights: Matrix, direction: Matrix, gradient: Matrix, scores: Matrix
) -> tuple[Matrix, NDArray[np.bool_]]:
    """Return each problem's step size, halved until the loss falls enough, and which problems moved."""
    along = problem.design.times(direction)
    slope = _dots(gradient, direction)
    gap = weights - problem.prior
    penalty = problem.penalty[:, None]
    straight, bend = _dots(penalty * gap, direction), _dots(penalty * direction, direction)
    before = _losses(problem, scores)
    step = np.ones(weights.shape[1], dtype=np.float32)
    good = np.zeros(weights.shape[1], dtype=bool)
    for _ in range(_HALVINGS):
        rise = _losses(problem, scores + step * along) - before
        rise += step * straight + 0.5 * step.astype(np.float64) ** 2 * bend
        # tolerate the rounding noise of float32 sums
        good = rise <= _ARMIJO * step * slope + 1e-6 * np.abs(before)
        if good.all():
            break
        step = np.where(good, step, 0.5 * step).astype(np.float32)
    return np.where(good, step, 0).astype(np.float32), good
