"""Fits the classifier to training rows. Pure; the same rows and seed give the same model.

One linear support vector machine per tag (the squared hinge was more accurate than logistic loss in every trial, see
docs/benchmarks.md), with rare tags weighted up. The coefficients shrink toward a prior, by default the model from the
tags' descriptions, so a tag without data keeps its description and one with much data outgrows it.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.nouns import TierbotError
from tierbot.domain.predict.classifier import Classifier, normalized
from tierbot.domain.predict.features import COLUMNS, WORD_COLUMNS, Features
from tierbot.domain.predict.tfidf import TfIdfWeights
from tierbot.domain.training.calibrate import Calibration, calibrate
from tierbot.domain.training.neighbor_trust import fit_neighbors, neighbors_of
from tierbot.domain.training.rows import TrainingRows
from tierbot.domain.training.solver import Design, Matrix, Problem, minimize

_UNSEEN = 0.5  # pseudo-labels of every tag


class NothingToLearnError(TierbotError):
    """Rows without a single label."""


@dataclass(frozen=True, slots=True)
class FitSettings:
    """How the head is fitted. Scales are relative to the unit-length embedding."""

    c: float = 0.15  # the inverse of the penalty on coefficients, as scikit-learn's C
    bias_penalty: float = 0.1  # the penalty on a tag's level
    positive_exponent: float = 0.3  # positives of a tag with share q weigh ((1 − q)/q)^positive_exponent
    word_scale: float = 1.0  # the length of the word vector
    site_scale: float = 0.5  # the length of a site
    fewest_rows: int = 2  # a word must occur in this many rows
    most_words: int = 40_000  # kept, most frequent first
    most_sites: int = 5_000
    folds: int = 4  # for calibration; with more than `most_folded` rows, a single part of `held_out` rows
    most_folded: int = 6_000
    held_out: int = 3_000
    tolerance: float = 0.02
    adjustment: float = 0.3  # τ of `logit_adjustment`
    adjusted_labels: int = 500  # with more labels, τ falls with the square of their number


def fit(rows: TrainingRows, prior: Classifier, settings: FitSettings | None = None, *, seed: int = 0) -> Classifier:
    """Fit a calibrated classifier to rows over the prior's tags; NothingToLearnError without a single label."""
    chosen = settings or FitSettings()
    said = _taught(rows, prior)
    tfidf = tfidf_of(rows.features, prior, chosen)
    design = Design(rows.features.embeddings, tfidf.transform(rows.features.words))
    stacked = _stacked(prior, tfidf)
    index, scores, begin = _left_out(design, rows, said, stacked, chosen, seed)
    found = _solve(design, rows, rows.weights, stacked, begin, chosen)
    fallback = Calibration(prior.slope, prior.offset, prior.sharpness)
    curve = calibrate(scores, rows.targets[index], rows.weights[index], fallback)
    chances = normalized(curve.slope * scores + curve.offset, curve.sharpness)
    return replace(
        _model(found, tfidf, rows.keys[said], prior),
        slope=curve.slope,
        offset=curve.offset,
        sharpness=curve.sharpness,
        adjustment=logit_adjustment(rows, chosen),
        neighbors=fit_neighbors(rows, index, chances),
    )


def refit(rows: TrainingRows, prior: Classifier, model: Classifier, settings: FitSettings) -> Classifier:
    """Fit to all rows, starting from a model that was fitted to most of them; keep its calibration. Fast."""
    said = _taught(rows, prior)
    tfidf = tfidf_of(rows.features, prior, settings)
    design = Design(rows.features.embeddings, tfidf.transform(rows.features.words))
    found = _solve(design, rows, rows.weights, _stacked(prior, tfidf), _stacked(model, tfidf), settings)
    near = model.neighbors
    return replace(
        _model(found, tfidf, rows.keys[said], prior),
        slope=model.slope,
        offset=model.offset,
        sharpness=model.sharpness,
        adjustment=model.adjustment,
        neighbors=replace(neighbors_of(rows), steepness=near.steepness, middle=near.middle, focus=near.focus),
    )


def _taught(rows: TrainingRows, prior: Classifier) -> NDArray[np.intp]:
    """Return the indices of the rows with a label. The others aren't removed: copying 100,000 rows takes memory."""
    if rows.tag_ids != prior.tag_ids:
        raise ValueError("The rows and the prior have different tags. Align them with `over`.")
    labeled = np.flatnonzero(rows.weights.any(axis=1))
    if not len(labeled):
        raise NothingToLearnError("There are no labels to learn from yet. Wait for more reactions, then retrain.")
    return labeled


def logit_adjustment(rows: TrainingRows, settings: FitSettings) -> NDArray[np.float32]:
    """Return the adjustment of each tag's log p, (T,): −τ log of its share of the labels, relative to the average.

    A few labels from one week say little about the future mix of tags. Menon et al., "Long-tail learning via logit
    adjustment", ICLR 2021, use τ = 1 to treat all classes equally; here τ is small and decays (docs/benchmarks.md).
    """
    true = np.where(rows.targets > 0, rows.weights, 0)
    labels = float(true.max(axis=1).sum())
    tau = settings.adjustment * min(1.0, settings.adjusted_labels / max(labels, 1.0)) ** 2
    counts = true.sum(axis=0, dtype=np.float64) + _UNSEEN
    return np.asarray(-tau * np.log(counts / counts.mean()), dtype=np.float32)


def _model(found: Matrix, tfidf: TfIdfWeights, keys: NDArray[np.uint64], prior: Classifier) -> Classifier:
    width = prior.dimension
    return replace(
        prior,
        dense=np.ascontiguousarray(found[:width]),
        bias=found[width].copy(),
        # rounded as in the stored model, which has half precision
        words=found[width + 1 :].astype(np.float16).astype(np.float32),
        tfidf=tfidf,
        seen=np.unique(keys[keys > 0]),
        card={},
    )


def tfidf_of(features: Features, prior: Classifier, settings: FitSettings) -> TfIdfWeights:
    """Return the tf-idf weights of n texts' frequent words, and of those that the prior has."""
    counts = np.bincount(features.words.indices, minlength=COLUMNS)
    order = np.argsort(-counts, kind="stable")
    order = order[counts[order] >= settings.fewest_rows]
    is_word = order < WORD_COLUMNS
    kept = np.concatenate([order[is_word][: settings.most_words], order[~is_word][: settings.most_sites]])
    columns = np.union1d(kept, prior.tfidf.columns).astype(np.int32)
    share = (counts[columns] + 1) / (len(features) + 1)
    idf = np.where(columns < WORD_COLUMNS, 1 - np.log(share), 1 - share)
    return TfIdfWeights(
        columns,
        idf.astype(np.float32),
        # half the weight of a word that was seen once: some unknown words aren't real words
        unknown_idf=float(np.sqrt(0.5) * (np.log((len(features) + 1) / 2) + 1)),
        word_scale=settings.word_scale,
        site_scale=settings.site_scale,
    )


def _stacked(model: Classifier, tfidf: TfIdfWeights) -> Matrix:
    """Return a model's coefficients in a design's columns, (d + 1 + A, T)."""
    return np.concatenate([model.dense, model.bias[None, :], tfidf.translated(model.words, model.tfidf)])


def _solve(
    design: Design, rows: TrainingRows, weights: Matrix, prior: Matrix, begin: Matrix, settings: FitSettings
) -> Matrix:
    penalty = np.full(len(prior), 1 / settings.c, np.float32)
    penalty[design.dense.shape[1]] = settings.bias_penalty
    true = rows.targets > 0
    said = np.maximum(weights.sum(axis=0), 1e-9)
    share = np.clip((weights * true).sum(axis=0) / said, 1 / (len(rows) + 1), 0.5)
    balanced = np.where(
        true, weights * (((1 - share) / share) ** settings.positive_exponent).astype(np.float32), weights
    )
    signs = np.where(true, np.float32(1), np.float32(-1))
    return minimize(Problem(design, signs, balanced, prior, penalty), begin, tolerance=settings.tolerance)


def _left_out(
    design: Design, rows: TrainingRows, said: NDArray[np.intp], prior: Matrix, settings: FitSettings, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.float64], Matrix]:
    """Return held-out rows, their scores by coefficients fitted without them, and coefficients to start from.

    A few rows are cross-fitted in folds; of many, one part is held out. The fits start from the prior, because an
    earlier model has seen the rows.
    """
    order = np.random.default_rng(seed).permutation(said)
    if len(order) < settings.folds:
        return order, design.take(order).times(prior).astype(np.float64), prior
    parts = np.array_split(order, settings.folds)
    if len(order) > settings.most_folded:
        parts = [order[: settings.held_out]]
    scores, total = [], np.zeros_like(prior)
    for part in parts:
        weights = rows.weights.copy()
        weights[part] = 0
        found = _solve(design, rows, weights, prior, prior, settings)
        scores.append(design.take(part).times(found))
        total += found
    return np.concatenate(parts), np.concatenate(scores).astype(np.float64), total / np.float32(len(parts))
