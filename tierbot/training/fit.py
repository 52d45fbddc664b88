"""Rows to classifier: pure, and the same from the same rows and seed.

One linear support vector machine per tag (squared hinge: in every trial more accurate than logistic loss, see
docs/benchmarks.md), rare tags weighted up. The coefficients shrink towards a prior, by default what the tags'
descriptions say, so that a tag without data keeps its description and one with much data forgets it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tierbot.domain import TierbotError
from tierbot.predict.classifier import Classifier, normalised
from tierbot.predict.features import COLUMNS, WORD_COLUMNS, Features
from tierbot.predict.reading import Reading
from tierbot.training.calibrate import Calibration, calibrate
from tierbot.training.remember import remember
from tierbot.training.rows import TrainingRows
from tierbot.training.solver import Design, Matrix, Problem, minimise


class NothingToLearnError(TierbotError):
    """Rows of which none says anything of any tag."""


@dataclass(frozen=True, slots=True)
class FitSettings:
    """How the head is fitted.

    strength: inverse of the penalty on coefficients (scikit-learn's C); bias_penalty: how hard a tag's level is
    held to its prior. rarity: positives of a tag with share q weigh ((1 − q)/q)^rarity. word_scale, site_scale:
    length of the word vector and of a site beside the unit-length embedding. fewest_rows: a word counts if so many
    rows have it; most_words: the most frequent so many are kept, likewise most_sites. folds: parts for calibration.
    """

    strength: float = 0.15
    bias_penalty: float = 0.1
    rarity: float = 0.3
    word_scale: float = 1.0
    site_scale: float = 0.5
    fewest_rows: int = 2
    most_words: int = 40_000
    most_sites: int = 5_000
    folds: int = 4
    tolerance: float = 0.02


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
    reading = _reading(rows, prior, chosen)
    design, stacked_prior = _design(rows.features, reading), _stacked(prior, reading)
    begin = stacked_prior if start is None else _stacked(start.extended(prior).over(prior.tag_ids), reading)
    found = _solve(design, rows, stacked_prior, begin, chosen)
    unseen = _unseen_scores(design, rows, stacked_prior, chosen, seed)
    curve = calibrate(unseen, rows.targets, rows.weights, Calibration(prior.slope, prior.offset, prior.sharpness))
    width = prior.dimension
    return replace(
        prior,
        dense=np.ascontiguousarray(found[:width]),
        bias=found[width].copy(),
        # as they will be read back: half precision is what is kept
        words=found[width + 1 :].astype(np.float16).astype(np.float32),
        reading=reading,
        slope=curve.slope,
        offset=curve.offset,
        sharpness=curve.sharpness,
        memory=remember(rows, normalised(curve.slope * unseen + curve.offset, curve.sharpness)),
        seen=np.unique(rows.keys[rows.keys > 0]),
        card=dict(card or {}),
    )


def _reading(rows: TrainingRows, prior: Classifier, settings: FitSettings) -> Reading:
    counts = np.bincount(rows.features.words.indices, minlength=COLUMNS)
    order = np.argsort(-counts, kind="stable")
    order = order[counts[order] >= settings.fewest_rows]
    is_word = order < WORD_COLUMNS
    kept = np.concatenate([order[is_word][: settings.most_words], order[~is_word][: settings.most_sites]])
    columns = np.union1d(kept, prior.reading.columns).astype(np.int32)
    idf = np.log((len(rows) + 1) / (counts[columns] + 1)) + 1
    return Reading(
        columns,
        idf.astype(np.float32),
        # half the weight that a word seen once would have: some unknown words are no words at all
        unknown_idf=float(np.sqrt(0.5) * (np.log((len(rows) + 1) / 2) + 1)),
        word_scale=settings.word_scale,
        site_scale=settings.site_scale,
    )


def _design(features: Features, reading: Reading) -> Design:
    dense = np.concatenate([features.embeddings, np.ones((len(features), 1), np.float32)], axis=1)
    return Design(dense, reading.weigh(features.words))


def _stacked(model: Classifier, reading: Reading) -> Matrix:
    """Return a model's coefficients in a design's columns, (d + 1 + A, T)."""
    return np.concatenate([model.dense, model.bias[None, :], reading.translated(model.words, model.reading)])


def _solve(design: Design, rows: TrainingRows, prior: Matrix, begin: Matrix, settings: FitSettings) -> Matrix:
    penalty = np.full(len(prior), 1 / settings.strength, np.float32)
    penalty[design.dense.shape[1] - 1] = settings.bias_penalty
    true = rows.targets > 0
    said = np.maximum(rows.weights.sum(axis=0), 1e-9)
    share = np.clip((rows.weights * true).sum(axis=0) / said, 1 / (len(rows) + 1), 0.5)
    weights = rows.weights * np.where(true, ((1 - share) / share) ** settings.rarity, 1.0)
    signs = np.where(true, np.float32(1), np.float32(-1))
    problem = Problem(design, signs, weights.astype(np.float32), prior, penalty)
    return minimise(problem, begin, tolerance=settings.tolerance)


def _unseen_scores(
    design: Design, rows: TrainingRows, prior: Matrix, settings: FitSettings, seed: int
) -> NDArray[np.float64]:
    """Return each row's scores by coefficients that were fitted without it, (n, T)."""
    folds = max(2, min(settings.folds, len(rows)))
    fold = np.random.default_rng(seed).permutation(len(rows)) % folds
    if len(rows) < folds:
        return design.times(prior).astype(np.float64)
    scores = np.empty(rows.targets.shape)
    for number in range(folds):
        out, kept = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        part = Design(design.dense[kept], design.sparse[kept])
        held_back = Design(design.dense[out], design.sparse[out])
        scores[out] = held_back.times(_solve(part, rows.take(kept), prior, prior, settings))
    return scores
