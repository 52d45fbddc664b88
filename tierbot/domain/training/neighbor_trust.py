"""Fits how far a model trusts the nearest judged stories: as far as they help on held-out rows."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.predict.neighbors import Neighbors
from tierbot.domain.training.calibrate import best_exponent
from tierbot.domain.training.rows import TrainingRows

MOST_STORIES = 10_000  # the newest; older stories rarely continue, and the model stays small
_MIDDLES = np.arange(0.35, 1.0, 0.05)
_STEEPNESSES = (10.0, 20.0, 40.0)
# The prior: with the default encoder, stories at cosine 0.6 nearly always have the same subject. A dozen rows can
# overturn it.
_EXPECTED_MIDDLE, _MIDDLE_SPREAD, _EXPECTED_STEEPNESS = 0.6, 0.1, 20.0


def neighbors_of(rows: TrainingRows) -> Neighbors:
    """Return the newest posts' rows that name a tag as neighbors, not trusted yet."""
    kept = _newest_named(rows)
    tags = np.where(rows.targets[kept] > 0, rows.weights[kept], 0)
    shares = tags / np.maximum(tags.sum(axis=1, keepdims=True), 1e-12)
    return Neighbors(rows.features.embeddings[kept].astype(np.float16), shares.astype(np.float16))


def fit_neighbors(rows: TrainingRows, index: NDArray[np.intp], probabilities: NDArray[np.float64]) -> Neighbors:
    """Return the newest posts' rows that name a tag as neighbors, trusted as far as they help.

    probabilities: the linear scores' p for the rows in `index`, (len(index), T), by coefficients fitted without them.
    The trust is what makes these rows' true tags likeliest, given their neighbors among the other rows.
    """
    memory, kept = neighbors_of(rows), _newest_named(rows)
    place = np.full(len(rows), -1)
    place[kept] = np.arange(len(kept))
    asked = np.flatnonzero(place[index] >= 0)
    if not len(asked):
        return memory
    held = index[asked]
    true = (rows.targets[held] > 0) & (rows.weights[held] > 0)
    nearest, votes = memory.vote(rows.features.embeddings[held], place[held])
    linear = np.maximum((probabilities[asked] * true).sum(axis=1), 1e-9)
    neighbor = (votes * true).sum(axis=1)
    weight = rows.weights[held].max(axis=1)

    def gain(candidate: Neighbors) -> float:
        trust = candidate.trust(nearest)
        return float(weight @ np.log((1 - trust) + trust * neighbor / linear))

    candidates = [
        replace(memory, steepness=steepness, middle=float(middle)) for steepness in _STEEPNESSES for middle in _MIDDLES
    ]
    best = max([memory, *candidates], key=lambda candidate: gain(candidate) + _expectation(candidate))
    if best is memory:
        return memory
    mixed = best.mixed(probabilities[asked], nearest, votes)
    return replace(best, focus=best_exponent(mixed, true, weight))


def _expectation(memory: Neighbors) -> float:
    """Return the log prior of the trust parameters, up to a constant; no trust at all is somewhat unlikely."""
    if memory.middle > 1:
        return -2.0
    off = (memory.middle - _EXPECTED_MIDDLE) / _MIDDLE_SPREAD
    return float(-0.5 * (off**2 + np.log(memory.steepness / _EXPECTED_STEEPNESS) ** 2))


def _newest_named(rows: TrainingRows) -> NDArray[np.intp]:
    named = ((rows.targets > 0) & (rows.weights > 0)).any(axis=1)
    return np.flatnonzero(named & (rows.keys > 0))[-MOST_STORIES:]
