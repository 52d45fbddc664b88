"""Two stages: a student without a transformer settles the easy articles, the model in service answers for the others.

The student learned what the model says (training.distil). It costs about a hundredth; where little is expected to be lost
by its answer (predict.deferral) that stands. A cascade, as in Viola and Jones (2001).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.nouns import Article
from tierbot.domain.predict.classifier import Classifier
from tierbot.domain.predict.deferral import Deferral
from tierbot.domain.predict.model import Model
from tierbot.domain.predict.static import StaticEncoder
from tierbot.domain.predict.tensors import ModelFileError, read_tensors, write_tensors

FORMAT = "tierbot-first-stage/2"
FIRST, FULL = "first", "full"

Encode = Callable[[Sequence[str]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class FirstStage:
    """A student of one model.

    encoder, classifier: what it reads and how it answers. deferral: which of its answers, over the classifier's tags, stand.
    taught: how many articles it learned from. settles: the share of articles that it is expected to settle. gives_up: by
    how much the model's own probability of the answers falls thereby, on average over all articles.
    """

    encoder: StaticEncoder
    classifier: Classifier
    deferral: Deferral
    taught: int
    settles: float
    gives_up: float

    def probabilities(self, articles: Sequence[Article], tag_ids: Sequence[str]) -> NDArray[np.float64]:
        """Return p over `tag_ids` of n articles, (n, T). Raises UnknownTagError for a tag that it never learned."""
        return self.classifier.predict(articles, self.encoder.encode([one.content for one in articles]), tag_ids)

    def settled(self, probabilities: NDArray[np.float64], tag_ids: Sequence[str]) -> NDArray[np.bool_]:
        """Return which of its answers, (n, T) over `tag_ids`, stand."""
        known = np.zeros((len(probabilities), len(self.classifier.tag_ids)))
        known[:, self.classifier.places(tag_ids)] = probabilities
        return self.deferral.settled(known)

    def to_bytes(self) -> bytes:
        """Return it as safetensors with a checksum; the token vectors at half precision."""
        arrays: dict[str, NDArray[Any]] = {
            "vectors": self.encoder.vectors.astype(np.float16),
            "tokenizer": np.frombuffer(self.encoder.tokenizer.encode(), np.uint8),
            "classifier": np.frombuffer(self.classifier.to_bytes(), np.uint8),
            "deferral": self.deferral.weights,
        }
        numbers = {name: getattr(self, name) for name in ("taught", "settles", "gives_up")}
        numbers["threshold"] = self.deferral.threshold
        return write_tensors(arrays, {"format": FORMAT, "tokens": self.encoder.tokens, "numbers": numbers})

    @classmethod
    def from_bytes(cls, data: bytes, name: str = "the first stage") -> "FirstStage":
        """Read it back. Raises ModelFileError, calling the file `name`, if it is damaged or foreign."""
        arrays, about = read_tensors(data, name, FORMAT)
        try:
            encoder = StaticEncoder(arrays["tokenizer"].tobytes().decode(), arrays["vectors"], int(about["tokens"]))
            classifier = Classifier.from_bytes(arrays["classifier"].tobytes(), name)
            numbers = dict(about["numbers"])
            deferral = Deferral(arrays["deferral"], float(numbers.pop("threshold")))
            return cls(encoder, classifier, deferral, **numbers)
        except (KeyError, TypeError, ValueError) as fault:
            raise ModelFileError(f"{name} lacks {fault}. Delete it: it will be made anew.") from fault


@dataclass(frozen=True, slots=True)
class Answers:
    """What was said of n articles: probabilities, (n, T), rows summing to 1, and which the first stage settled, (n,)."""

    probabilities: NDArray[np.float64]
    first: NDArray[np.bool_]

    @property
    def stages(self) -> list[str]:
        """Which stage spoke, "first" or "full", of each article."""
        return [FIRST if first else FULL for first in self.first.tolist()]


def answers(
    articles: Sequence[Article], tag_ids: Sequence[str], *, model: Model, encode: Encode, first: FirstStage | None
) -> Answers:
    """Ask the first stage, if there is one, and the model about what that does not settle.

    Only the latter is encoded. Raises TierbotError if the model cannot answer.
    """
    if first is None:
        said = np.zeros((len(articles), len(tag_ids)))
        settled = np.zeros(len(articles), dtype=bool)
    else:
        said = first.probabilities(articles, tag_ids)
        settled = first.settled(said, tag_ids)
    open_ = np.flatnonzero(~settled)
    if len(open_):
        left = [articles[row] for row in open_.tolist()]
        said[open_] = model.predict(left, encode([one.content for one in left]), tag_ids)
    return Answers(said, settled)
