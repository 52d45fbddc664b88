"""Rows to classifier: pure, and the same from the same rows and seed.

The weights shrink towards a prior (by default what the tags' descriptions say), so that a tag without data
keeps its description and one with much data forgets it. Calibration is fitted on rows that the scores
have not seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from tierbot.domain import TierbotError
from tierbot.predict.classifier import Classifier, normalised, weigh_words
from tierbot.predict.features import WORD_COLUMNS, Features
from tierbot.training.rows import TrainingRows
from tierbot.training.solver import Design, Matrix, Problem, minimise


class NothingToLearnError(TierbotError):
    """Rows of which none says anything of any tag."""


@dataclass(frozen=True, slots=True)
class FitSettings:
    """How the head is fitted.

    strength: inverse of the penalty on weights (scikit-learn's C). word_scale: length of the word vector
    beside the unit-length embedding. fewest_rows: a word counts if so many rows have it; most_words: the most
    frequent so many are kept. bias_penalty: how hard the level of a tag is held to its prior.
    """

    strength: float = 3.0
    word_scale: float = 1.0
    fewest_rows: int = 2
    most_words: int = 40_000
    bias_penalty: float = 0.1
    folds: int = 4
    tolerance: float = 0.02


@dataclass(frozen=True, slots=True)
class _Space:
    """The columns that a fit works in."""

    columns: NDArray[np.int32]
    idf: NDArray[np.float32]
    word_scale: float

    def design(self, features: Features) -> Design:
        dense = np.concatenate([features.embeddings, np.ones((len(features), 1), np.float32)], axis=1)
        words = weigh_words(features.words, self.columns, self.idf)
        words.data *= np.float32(self.word_scale)
        return Design(dense, words)

    def stacked(self, model: Classifier) -> Matrix:
        """Return a model's weights, calibration applied, in these columns: (d + 1 + A, T)."""
        words = np.zeros((len(self.columns), len(model.tag_ids)), np.float32)
        here = np.searchsorted(self.columns, model.columns)
        known = np.flatnonzero(here < len(self.columns))
        known = known[self.columns[here[known]] == model.columns[known]]
        ratio = model.idf[known] * (model.word_scale / self.word_scale) / self.idf[here[known]]
        words[here[known]] = model.words[known] * ratio[:, None]
        raw = np.concatenate([model.dense, model.bias[None, :], words])
        raw *= model.slope
        raw[model.dimension] += model.offset
        return raw


def fit(
    rows: TrainingRows,
    prior: Classifier,
    settings: FitSettings | None = None,
    *,
    seed: int = 0,
    start: Classifier | None = None,
    card: Mapping[str, Any] | None = None,
) -> Classifier:
    """Fit a calibrated classifier over the prior's tags to rows over the same tags.

    `start` is a former model to begin from: it changes the time, not (beyond the tolerance) the result. Raises
    NothingToLearnError if no row says anything.
    """
    chosen = settings or FitSettings()
    if rows.tag_ids != prior.tag_ids:
        raise ValueError("The rows and the prior are over different tags. Bring the rows to the prior's with `over`.")
    rows = rows.take(np.flatnonzero(rows.weights.any(axis=1)))
    if not len(rows):
        raise NothingToLearnError("No verdict says anything of any tag yet. Wait for more reactions, then retrain.")
    space = _space(rows, prior, chosen)
    design, stacked_prior = space.design(rows.features), space.stacked(prior)
    begin = stacked_prior if start is None else space.stacked(start.extended(prior).over(prior.tag_ids))
    found = _solve(design, rows, stacked_prior, begin, chosen)
    unseen = _unseen_scores(design, rows, stacked_prior, found, chosen, seed)
    return replace(
        _model(found, space, prior),
        sharpness=_sharpness(unseen, rows),
        seen=np.unique(rows.keys[rows.keys > 0]),
        card=dict(card or {}),
    )


def _space(rows: TrainingRows, prior: Classifier, settings: FitSettings) -> _Space:
    counts = np.bincount(rows.features.words.indices, minlength=WORD_COLUMNS)
    frequent = np.flatnonzero(counts >= settings.fewest_rows)
    if len(frequent) > settings.most_words:
        frequent = frequent[np.argsort(-counts[frequent], kind="stable")[: settings.most_words]]
    columns = np.union1d(frequent, prior.columns).astype(np.int32)
    idf = np.log((len(rows) + 1) / (counts[columns] + 1)) + 1
    return _Space(columns, idf.astype(np.float32), settings.word_scale)


def _solve(design: Design, rows: TrainingRows, prior: Matrix, begin: Matrix, settings: FitSettings) -> Matrix:
    penalty = np.full(len(prior), 1 / settings.strength, np.float32)
    penalty[design.dense.shape[1] - 1] = settings.bias_penalty
    problem = Problem(design, rows.targets, rows.weights, prior, penalty)
    return minimise(problem, begin, tolerance=settings.tolerance)


def _model(weights: Matrix, space: _Space, prior: Classifier) -> Classifier:
    width, count = prior.dimension, len(prior.tag_ids)
    return Classifier(
        tag_ids=prior.tag_ids,
        dense=np.ascontiguousarray(weights[:width]),
        bias=weights[width].copy(),
        columns=space.columns,
        idf=space.idf,
        # as they will be read back: half precision is what is kept
        words=weights[width + 1 :].astype(np.float16).astype(np.float32),
        slope=np.ones(count, np.float32),
        offset=np.zeros(count, np.float32),
        word_scale=space.word_scale,
    )


def _unseen_scores(
    design: Design, rows: TrainingRows, prior: Matrix, found: Matrix, settings: FitSettings, seed: int
) -> Matrix:
    """Return each row's scores by weights that were fitted without it, (n, T)."""
    fold = np.random.default_rng(seed).permutation(len(rows)) % min(settings.folds, max(2, len(rows)))
    scores = np.empty_like(rows.targets)
    for number in range(int(fold.max()) + 1):
        out = np.flatnonzero(fold == number)
        kept = np.flatnonzero(fold != number)
        if not len(kept):
            return design.times(prior)
        part = Design(design.dense[kept], design.sparse[kept])
        held_back = Design(design.dense[out], design.sparse[out])
        # halfway between prior and full fit: near the solution, without having seen much of the rows left out
        scores[out] = held_back.times(_solve(part, rows.take(kept), prior, 0.5 * (prior + found), settings))
    return scores


def _sharpness(scores: Matrix, rows: TrainingRows) -> float:
    """Return the exponent with which "the likeliest tag is true" is best calibrated (log loss) on unseen scores."""
    named = np.flatnonzero(((rows.targets > 0) & (rows.weights > 0)).any(axis=1))
    if len(named) < 20:  # noqa: PLR2004 - too few to tell anything
        return 1.0
    odds = scores[named].astype(np.float64)
    top = odds.argmax(axis=1)
    hit = rows.targets[named, top] > 0
    weight = rows.weights[named].max(axis=1)

    def cost(log_sharpness: float) -> float:
        chance = normalised(odds, float(np.exp(log_sharpness)))[np.arange(len(top)), top]
        chance = np.clip(chance, 1e-6, 1 - 1e-6)
        return float(-(weight * np.where(hit, np.log(chance), np.log1p(-chance))).sum())

    return float(np.exp(minimize_scalar(cost, bounds=(-2.5, 2.5), method="bounded").x))
