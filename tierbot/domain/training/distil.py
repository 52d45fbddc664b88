"""Teaches a first stage what a model says, from articles that are embedded already: no labels, no transformer, seconds.

Token vectors are fitted by ridge regression so that their sum, at unit length, is near the article's own embedding. The
student is the model itself, read through these cheaper embeddings, plus what ridge regression on them and the words
makes of the difference of scores (matching a teacher's scores: Ba and Caruana, NeurIPS 2014), and from there moved
towards what the model says of each article (matching its probabilities: Hinton, Vinyals and Dean, 2015). The newest
articles that the model did not learn from are left out and decide when the student hands on: of its own lessons the model
is too sure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit

from tierbot.domain.nouns import Article
from tierbot.domain.predict.cascade import FirstStage
from tierbot.domain.predict.classifier import Classifier, adjusted, normalised
from tierbot.domain.predict.features import Features, features_of
from tierbot.domain.predict.model import Model
from tierbot.domain.predict.neighbors import Neighbors
from tierbot.domain.predict.static import StaticEncoder, unit_length
from tierbot.domain.predict.tfidf import TfIdfWeights
from tierbot.domain.training.defer import deferral_of
from tierbot.domain.training.fit import FitSettings, reading_of
from tierbot.domain.training.solver import Design

FEWEST, ENOUGH, MOST = 2_000, 10_000, 30_000
"""Articles: with fewer no first stage is taught, from `ENOUGH` on the whole `GIVES_UP` is allowed, more are not read."""
FEWEST_NEW = 500
"""Articles that the model did not learn from: with fewer nothing tells how good the first stage is."""
GIVES_UP = 0.015
"""How much of the model's own probability the first stage may give up, on average over all articles: where it settles on
another tag than the model would, the difference of the model's p for the two. It is an estimate of the accuracy lost;
measured, from none to all of it was, about half on average (docs/benchmarks.md)."""

_RIDGE = 2.0
_RARITY = 1e-3  # a token that makes up this share of all has half the weight of a rare one (Arora et al., ICLR 2017)
_LEFT_OUT = 0.2
_AT_ONCE = 2_000
_STEPS = 25
_STAY, _MOVES = 4.0, 40  # tried .1 to 10: 2 to 10 do the same
_TINY = np.float32(1e-20)
_EXPONENTIAL, _LEAST = -5.0, 1e-4  # σ(log p − 5) is nearly p: so a predictor's p is as good as scores


@dataclass(frozen=True, slots=True)
class Pieces:
    """What an encoder's tokens mean one by one: its tokenizer as JSON, and some vector of each token, (V, k)."""

    tokenizer: str
    vectors: NDArray[np.float32]


def teach(
    articles: Sequence[Article],
    embeddings: NDArray[np.float32],
    model: Model,
    tag_ids: Sequence[str],
    pieces: Pieces,
    *,
    new: NDArray[np.bool_],
    allowed: float = GIVES_UP,
) -> FirstStage:
    """Return a student of `model` over `tag_ids`, from n articles, oldest first, with embeddings (n, d).

    new: (n,), which of them the model did not learn from; two at least. allowed: see GIVES_UP.
    """
    said = np.concatenate([
        model.predict(articles[begin : begin + _AT_ONCE], embeddings[begin : begin + _AT_ONCE], tag_ids)
        for begin in range(0, len(articles), _AT_ONCE)
    ])  # fmt: skip
    reader = StaticEncoder(pieces.tokenizer, pieces.vectors)
    texts = [one.content for one in articles]
    counts = reader.counts(texts)
    vectors = token_vectors(counts, pieces.vectors, embeddings)
    encoder = StaticEncoder(pieces.tokenizer, vectors)
    own = features_of(texts, embeddings, [one.url for one in articles])
    features = Features(unit_length(counts @ encoder.vectors), own.words)
    unseen = np.flatnonzero(new)
    held = unseen[-min(int(_LEFT_OUT * len(articles)) or 1, len(unseen) // 2) :]
    taught = np.setdiff1d(np.arange(len(articles)), held)
    start, wanted = _start(model, own, said, tag_ids)
    student = _closer(start, features.take(taught), wanted[taught])
    student = nearer(student, features.take(taught), said[taught])
    student = as_sure_as(student, student.probabilities(features.take(held), tag_ids), said[held])
    answered = student.probabilities(features.take(held), tag_ids)
    deferral, settles, gives_up = deferral_of(answered, said[held], allowed * min(1.0, len(articles) / ENOUGH))
    return FirstStage(encoder, student, deferral, len(articles), settles, gives_up)


def token_vectors(
    counts: sparse.csr_array, pieces: NDArray[np.float32], embeddings: NDArray[np.float32]
) -> NDArray[np.float16]:
    """Return one vector a token, (V, d), whose sum over a text points where its embedding does.

    counts: (n, V), which tokens the n texts have; pieces: (V, k), what is known of the tokens; embeddings: (n, d). What
    is fitted is a map from k to d, so that tokens which no text has get their vectors, too.
    """
    shares = np.bincount(counts.indices, weights=counts.data, minlength=len(pieces)) / max(1, counts.nnz)
    weighed = pieces * (_RARITY / (_RARITY + shares)).astype(np.float32)[:, None]
    seen = unit_length(counts @ weighed).astype(np.float64)
    bent = np.linalg.solve(seen.T @ seen + _RIDGE * np.eye(seen.shape[1]), seen.T @ embeddings)
    found = weighed @ bent.astype(np.float32)
    typical = np.sqrt(np.square(found).sum(axis=1).mean())
    return np.asarray(found / max(float(typical), 1e-12), dtype=np.float16)  # only their direction counts


def _start(
    model: Model, own: Features, said: NDArray[np.float64], tag_ids: Sequence[str]
) -> tuple[Classifier, NDArray[np.float32]]:
    """Return what the student begins as, and the scores that it should give, (n, T).

    own: the articles as the model reads them; said: the model's p of them, (n, T).
    """
    if isinstance(model, Classifier):
        known = model.over(tag_ids)
        return replace(known, memory=Neighbors.empty(known.dimension, len(tag_ids)), card={}), known.scores(own)
    count = len(tag_ids)
    blank = Classifier(
        tuple(tag_ids),
        dense=np.zeros((own.dimension, count), np.float32),
        bias=np.zeros(count, np.float32),
        words=np.zeros((0, count), np.float32),
        reading=TfIdfWeights(np.zeros(0, np.int32), np.zeros(0, np.float32)),
        memory=Neighbors.empty(own.dimension, count),
        adjustment=np.zeros(count, np.float32),
        offset=_EXPONENTIAL,
    )
    return blank, np.log(np.maximum(said, _LEAST)).astype(np.float32)


def _closer(start: Classifier, features: Features, wanted: NDArray[np.float32]) -> Classifier:
    """Return a classifier whose scores of n texts are nearer to those wanted, (n, T), than those of `start` are."""
    reading = reading_of(features, start, FitSettings())
    design = Design(features.embeddings, reading.weigh(features.words))
    found = ridge(design, wanted - start.scores(features))
    width = start.dimension
    return replace(
        start,
        dense=start.dense + found[:width],
        bias=start.bias + found[width],
        words=reading.translated(start.words, start.reading) + found[width + 1 :],
        reading=reading,
        seen=np.zeros(0, np.uint64),
    )


def ridge(design: Design, wanted: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the coefficients (p, T) that minimise |X w − wanted|² + |w|², by conjugate gradients for all T at once."""
    found = np.zeros((design.dense.shape[1] + 1 + design.sparse.shape[1], wanted.shape[1]), np.float32)
    left = design.transposed_times(wanted)
    search, square = left.copy(), np.einsum("pt,pt->t", left, left)
    for _ in range(_STEPS):
        bent = design.transposed_times(design.times(search)) + search
        step = square / np.maximum(np.einsum("pt,pt->t", search, bent), _TINY)
        found += step * search
        left -= step * bent
        new = np.einsum("pt,pt->t", left, left)
        search = left + new / np.maximum(square, _TINY) * search
        square = new
    return found


def nearer(student: Classifier, features: Features, said: NDArray[np.float64]) -> Classifier:
    """Return the student with weights at which its probabilities of n texts are nearer to those said, (n, T).

    What is minimised is the sum of their cross-entropies, and half of the squared distance from the weights that it had.
    """
    sure = as_sure_as(student, student.probabilities(features, student.tag_ids), said)
    design = Design(features.embeddings, sure.reading.weigh(features.words))
    began = np.concatenate([sure.dense, sure.bias[None], sure.words])

    def cost(moved: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        move = moved.reshape(began.shape).astype(np.float32)
        odds = np.asarray(sure.slope * design.times(began + move) + sure.offset, dtype=np.float64)
        p = adjusted(normalised(odds, sure.sharpness), sure.adjustment)
        steep = sure.sharpness * sure.slope * expit(-odds)  # the slope of log σ(odds)^sharpness, by the scores
        slope = design.transposed_times(((p - said) * steep).astype(np.float32)) + _STAY * move
        entropy = -(said * np.log(np.maximum(p, _TINY))).sum()
        return float(entropy + _STAY / 2 * np.square(move).sum()), slope.astype(np.float64).ravel()

    few = 4  # corrections: each is as large as the weights, twice
    still = np.zeros(began.size)
    found = minimize(cost, still, jac=True, method="L-BFGS-B", options={"maxiter": _MOVES, "maxcor": few})
    weights = began + found.x.reshape(began.shape).astype(np.float32)
    width = sure.dimension
    words = weights[width + 1 :].astype(np.float16).astype(np.float32)  # as they will be read back
    return replace(sure, dense=weights[:width], bias=weights[width], words=words)


def as_sure_as(student: Classifier, answered: NDArray[np.float64], said: NDArray[np.float64]) -> Classifier:
    """Return the student with the sharpness at which its answers, (n, T), are nearest to what the model said, (n, T).

    It learned which tag the model holds likeliest, and would be surer of that than the model is of the truth.
    """
    logs = np.log(np.maximum(answered, 1e-12))

    def cost(log_exponent: float) -> float:
        raised = logs * np.exp(log_exponent)
        return float(-((said * raised).sum() - np.logaddexp.reduce(raised, axis=1).sum()))

    found = minimize_scalar(cost, bounds=(-1.5, 1.5), method="bounded")
    exponent = float(np.exp(found.x))
    return replace(
        student, sharpness=student.sharpness * exponent, adjustment=student.adjustment * np.float32(exponent)
    )
