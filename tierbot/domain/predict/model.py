"""Defines the model interface: tierbot's own classifier, or an external predictor, whose every answer is checked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.nouns import Article, TierbotError

_T = TypeVar("_T")
_OFF_BY = 1e-3
"""How far a row's sum may be from 1 (half precision needs this) before it is normalized."""


class PredictorError(TierbotError):
    """An external predictor that is missing, fails, or doesn't return probabilities; the text names it."""


class NoPredictorError(PredictorError):
    """No installed predictor has this name; the text lists the installed ones."""


class PredictorTimeoutError(PredictorError):
    """A predictor that took too long."""


class Limit(Protocol):
    """A time limit for external code."""

    def call(self, name: str, what: Callable[[], _T]) -> _T:
        """Return the result of `what`, or raise its exception; PredictorTimeoutError if it takes too long."""


class Model(Protocol):
    """Predicts tag probabilities for articles: the classifier, or an external predictor."""

    def known(self, tag_ids: Sequence[str]) -> list[str]:
        """Return those of the tags that the model can predict."""

    def predict(
        self, articles: Sequence[Article], embeddings: NDArray[np.float32], tag_ids: Sequence[str]
    ) -> NDArray[np.float64]:
        """Return p over T tags, (n, T), rows summing to 1, for embeddings (n, d). Raises TierbotError if it fails."""


Answer = NDArray[Any] | Sequence[Sequence[float]] | Sequence[Mapping[str, float]]


@runtime_checkable
class Predictor(Protocol):
    """Your own model: it takes n articles and the ids of the T active tags, and returns probabilities.

    The answer is an array of shape (n, T), in the order of `tags`, or n mappings from tag id to probability; a missing
    tag has 0. Each row sums to 1. Several threads may call it. An optional attribute `digest` (text) identifies its
    weights, if they aren't part of the package.
    """

    def __call__(self, articles: Sequence[Article], tags: Sequence[str]) -> Answer:
        """Return the probabilities of `tags` for each of `articles`."""


@dataclass(frozen=True, slots=True)
class Example:
    """The verdict on one article, for a predictor to learn from."""

    article: Article
    tags: Mapping[str, float]  # true tags with weights in (0, 1], empty if only `wrong` is known
    wrong: str | None  # a tag that isn't true, or None
    weight: float  # how much the verdict counts, in [0, 1); it grows with the number of voters


@runtime_checkable
class LearningPredictor(Predictor, Protocol):
    """A predictor that learns from verdicts; one without these two methods never changes."""

    def fit(self, examples: Sequence[Example], tags: Sequence[str]) -> bytes:
        """Return the new state, to be stored, without changing this predictor. Runs in a separate process."""

    def restored(self, state: bytes) -> Predictor:
        """Return the predictor with a state that `fit` returned."""


@dataclass(frozen=True, slots=True)
class ExternalPredictor:
    """Adapts a predictor to the Model interface and checks its answers."""

    name: str  # its version's id, for errors
    predictor: Predictor
    entry_point: str = ""  # what it was loaded from
    state: bytes = b""  # what it was restored from
    limit: Limit | None = None  # the time limit for an answer, if any

    def known(self, tag_ids: Sequence[str]) -> list[str]:
        """Return all tags: a predictor is asked about every active tag."""
        return list(tag_ids)

    def predict(
        self,
        articles: Sequence[Article],
        embeddings: NDArray[np.float32],  # noqa: ARG002 - it computes its own features
        tag_ids: Sequence[str],
    ) -> NDArray[np.float64]:
        """Return the predictor's p, (n, T), rows summing to exactly 1. Raises PredictorError if it fails or is late."""
        ask = partial(self.predictor, tuple(articles), tuple(tag_ids))
        try:
            answer = self.limit.call(self.name, ask) if self.limit else ask()
        except PredictorTimeoutError:
            raise
        except (Exception, SystemExit) as fault:
            raise self._error(f"raised {type(fault).__name__}: {str(fault)[:300]}") from fault
        found = self._array(answer, len(articles), tag_ids)
        self._check(found)
        return np.asarray(found / found.sum(axis=1, keepdims=True))

    def _error(self, what: str) -> PredictorError:
        return PredictorError(f"The predictor {self.name} {what}. Fix it, or promote another model.")

    def _array(self, answer: Any, rows: int, tag_ids: Sequence[str]) -> NDArray[np.float64]:
        expected = (rows, len(tag_ids))
        if isinstance(answer, Sequence) and rows == len(answer) and all(isinstance(row, Mapping) for row in answer):
            unknown = next((tag for row in answer for tag in row if tag not in set(tag_ids)), None)
            if unknown is not None:
                raise self._error(f"returned a probability for {unknown!r}, which isn't one of the given tags")
            answer = [[row.get(tag, 0.0) for tag in tag_ids] for row in answer]
        try:
            found = np.asarray(answer, dtype=np.float64)
        except (TypeError, ValueError) as fault:
            raise self._error(
                f"returned {type(answer).__name__}, neither numbers of shape {expected} nor {rows} mappings from tag "
                "ids to numbers"
            ) from fault
        if found.shape != expected:
            raise self._error(
                f"returned numbers of shape {found.shape}, but expected {expected}: {rows} articles, {len(tag_ids)} tags"
            )
        return found

    def _check(self, found: NDArray[np.float64]) -> None:
        if not np.isfinite(found).all():
            row = int(np.flatnonzero(~np.isfinite(found).all(axis=1))[0])
            raise self._error(f"returned NaN or infinity for article {row + 1} of {len(found)}")
        if (found < 0).any():
            raise self._error(f"returned a negative probability ({found.min():g})")
        off = np.abs(found.sum(axis=1) - 1)
        if (off > _OFF_BY).any():
            row = int(off.argmax())
            total = found[row].sum()
            raise self._error(f"returned probabilities that sum to {total:g} for article {row + 1} of {len(found)}")
