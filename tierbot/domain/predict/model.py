"""What may answer for a workspace: tierbot's own classifier, or anybody's predictor behind the same interface.

A predictor is any callable `predictor(articles, tags)` that gives probabilities. It comes from another distribution,
so nothing that it says is believed unchecked: a wrong answer is an error that names it, never a wrong row in a log.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.nouns import Article, TierbotError

_T = TypeVar("_T")
_OFF_BY = 1e-3
"""A row's probabilities may miss 1 by so much (half precision does); they are brought to exactly 1."""


class PredictorError(TierbotError):
    """A predictor that is missing, broke, or answered what is no probabilities; the text names it and what it did."""


class NoPredictorError(PredictorError):
    """A name that no installed predictor has; the text lists those there are."""


class PredictorTimeoutError(PredictorError):
    """A predictor that gave no answer in time."""


class Limit(Protocol):
    """Lets other people's code take so long and no longer; see predict.timelimit."""

    def call(self, name: str, what: Callable[[], _T]) -> _T:
        """Return what it returns, or raise what it raises; PredictorTimeoutError if it takes too long."""
        ...


class Model(Protocol):
    """Gives probabilities of tags for articles: the classifier, or a predictor of somebody else's."""

    def known(self, tag_ids: Sequence[str]) -> list[str]:
        """Return those of the tags that it can be asked about."""
        ...

    def predict(
        self, articles: Sequence[Article], embeddings: NDArray[np.float32], tag_ids: Sequence[str]
    ) -> NDArray[np.float64]:
        """Return p over `tag_ids`, (n, len(tag_ids)), rows summing to 1, of n articles with embeddings (n, d).

        Raises TierbotError if it cannot.
        """
        ...


Answer = NDArray[Any] | Sequence[Sequence[float]] | Sequence[Mapping[str, float]]


@runtime_checkable
class Predictor(Protocol):
    """Your own model: called with n articles and the ids of the T tags in use, it returns their probabilities.

    The answer is an array of shape (n, T), in the order of `tags`, or n mappings from tag id to probability, in which
    a missing tag has 0. Each row sums to 1. It may be called by several threads. An optional attribute `digest` (text)
    names the weights that it loaded, if they come from outside of its distribution.
    """

    def __call__(self, articles: Sequence[Article], tags: Sequence[str]) -> Answer:
        """Return the probabilities of `tags` for each of `articles`."""
        ...


@dataclass(frozen=True, slots=True)
class Example:
    """What colleagues settled on for one article, for a predictor to learn from.

    tags: true tags with weights in (0, 1], empty if only `wrong` is known. wrong: a tag that is not true, or None.
    weight: how much the verdict counts, in [0, 1), growing with its voters.
    """

    article: Article
    tags: Mapping[str, float]
    wrong: str | None
    weight: float


@runtime_checkable
class LearningPredictor(Predictor, Protocol):
    """A predictor that learns from verdicts; one without these two methods never changes."""

    def fit(self, examples: Sequence[Example], tags: Sequence[str]) -> bytes:
        """Return the state of a predictor that learned from the examples; this one stays as it is.

        It runs in a process of its own. The bytes are kept in the database, as a model version's weights.
        """
        ...

    def restored(self, state: bytes) -> Predictor:
        """Return the predictor with a state that `fit` returned."""
        ...


@dataclass(frozen=True, slots=True)
class ExternalPredictor:
    """A predictor as a Model: what it answers is checked.

    name: its version's id, which stands in errors. entry_point, state: what it was loaded by and restored from. limit:
    how long an answer may take; None: as long as it likes.
    """

    name: str
    predictor: Predictor
    entry_point: str = ""
    state: bytes = b""
    limit: Limit | None = None

    def known(self, tag_ids: Sequence[str]) -> list[str]:
        """Return all tags: a predictor is asked about whatever is in use."""
        return list(tag_ids)

    def predict(
        self,
        articles: Sequence[Article],
        embeddings: NDArray[np.float32],  # noqa: ARG002 - it makes its own of the articles
        tag_ids: Sequence[str],
    ) -> NDArray[np.float64]:
        """Return what the predictor says, (n, T), rows summing to exactly 1.

        Raises PredictorError if it raises, or answers anything but probabilities of these tags, and
        PredictorTimeoutError if it takes longer than its limit.
        """
        ask = partial(self.predictor, tuple(articles), tuple(tag_ids))
        try:
            answer = self.limit.call(self.name, ask) if self.limit else ask()
        except PredictorTimeoutError:
            raise
        except (Exception, SystemExit) as fault:
            raise PredictorError(
                f"The predictor {self.name} raised {type(fault).__name__}: {str(fault)[:300]}. Mend it, or promote another."
            ) from fault
        found = self._array(answer, len(articles), tag_ids)
        wrong = self._fault_of(found)
        if wrong:
            raise PredictorError(f"The predictor {self.name} gave {wrong}. Mend it, or promote another.")
        return np.asarray(found / found.sum(axis=1, keepdims=True))

    def _array(self, answer: Any, rows: int, tag_ids: Sequence[str]) -> NDArray[np.float64]:
        wanted = (rows, len(tag_ids))
        if isinstance(answer, Sequence) and rows == len(answer) and all(isinstance(row, Mapping) for row in answer):
            answer = self._of_mappings(answer, tag_ids)
        try:
            found = np.asarray(answer, dtype=np.float64)
        except (TypeError, ValueError) as fault:
            raise PredictorError(
                f"The predictor {self.name} gave {type(answer).__name__}, not numbers of shape {wanted}, and not "
                f"{rows} mappings from tag ids to numbers. Mend it, or promote another."
            ) from fault
        if found.shape != wanted:
            raise PredictorError(
                f"The predictor {self.name} gave numbers of shape {found.shape}, where {wanted} was wanted: "
                f"{rows} articles, {len(tag_ids)} tags. Mend it, or promote another."
            )
        return found

    def _of_mappings(self, answer: Sequence[Mapping[str, float]], tag_ids: Sequence[str]) -> list[list[float]]:
        unknown = next((tag for row in answer for tag in row if tag not in set(tag_ids)), None)
        if unknown is not None:
            raise PredictorError(
                f"The predictor {self.name} gave a probability for {unknown!r}, which is no tag in use. "
                "It may speak of those tags only that it is called with."
            )
        return [[row.get(tag, 0.0) for tag in tag_ids] for row in answer]

    @staticmethod
    def _fault_of(found: NDArray[np.float64]) -> str:
        if not np.isfinite(found).all():
            row = int(np.flatnonzero(~np.isfinite(found).all(axis=1))[0])
            return f"NaN or infinity, for article {row + 1} of {len(found)}"
        if (found < 0).any():
            return f"a negative probability ({found.min():g})"
        sums = found.sum(axis=1)
        off = int(np.abs(sums - 1).argmax()) if len(sums) else 0
        if len(sums) and abs(sums[off] - 1) > _OFF_BY:
            return f"probabilities that sum to {sums[off]:g}, not to 1, for article {off + 1} of {len(found)}"
        return ""
