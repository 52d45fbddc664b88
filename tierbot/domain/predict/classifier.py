"""The classifier's head: a calibrated linear score per tag over a text's embedding and its hashed words.

One binary problem per tag can use all that votes say: true tags, "this tag is wrong" alone, and silence. Scores are
calibrated per tag (Platt, 1999) and then normalized over the requested tags, so retired tags drop out. Weights are
stored as safetensors with a JSON card; nothing is ever unpickled.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.nouns import Article, TierbotError
from tierbot.domain.predict.features import HASHING, Features, features_of
from tierbot.domain.predict.neighbors import Neighbors
from tierbot.domain.predict.tensors import ModelFileError, read_tensors, write_tensors
from tierbot.domain.predict.tfidf import TfIdfWeights

FORMAT = "tierbot-classifier/1"


class UnknownTagError(TierbotError):
    """A tag that the model doesn't have; extend the model first."""


@dataclass(frozen=True, slots=True)
class Classifier:
    """T tags' weights over d embedding dimensions and A hashed words and sites.

    Calibrated as p ∝ σ(slope · score + offset)^sharpness. The adjustment compensates for the labels' mix of tags (see
    training.fit.logit_adjustment).
    """

    tag_ids: tuple[str, ...]
    dense: NDArray[np.float32]  # (d, T)
    bias: NDArray[np.float32]  # (T,)
    words: NDArray[np.float32]  # (A, T)
    tfidf: TfIdfWeights  # the words' tf-idf weights
    neighbors: Neighbors  # judged stories
    adjustment: NDArray[np.float32]  # (T,), added to log p after the neighbors' vote
    slope: float = 1.0
    offset: float = 0.0
    sharpness: float = 1.0
    seen: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    card: Mapping[str, Any] = field(default_factory=dict)  # JSON, for people

    @property
    def dimension(self) -> int:
        """The embeddings' width d."""
        return int(self.dense.shape[0])

    def scores(self, features: Features) -> NDArray[np.float32]:
        """Return raw scores (log odds before calibration), (n, T), in the order of `tag_ids`."""
        if features.dimension != self.dimension:
            raise ModelFileError(
                f"The model expects embeddings of {self.dimension} numbers, but the encoder returns "
                f"{features.dimension}. Use the encoder that the model was trained with, or retrain."
            )
        found = features.embeddings @ self.dense + self.bias
        found += self.tfidf.transform(features.words) @ self.words
        return np.asarray(found, dtype=np.float32)

    def probabilities(self, features: Features, tag_ids: Sequence[str]) -> NDArray[np.float64]:
        """Return calibrated p over k tag ids, (n, k), rows summing to 1. Raises UnknownTagError (see `extended`)."""
        places = self.places(tag_ids)
        scores = self.scores(features)[:, places].astype(np.float64)
        linear = normalized(self.slope * scores + self.offset, self.sharpness)
        return adjusted(self.neighbors.over(places).blended(linear, features.embeddings), self.adjustment[places])

    def known(self, tag_ids: Sequence[str]) -> list[str]:
        """Return those of the tags that the model has."""
        mine = set(self.tag_ids)
        return [tag for tag in tag_ids if tag in mine]

    def predict(
        self, articles: Sequence[Article], embeddings: NDArray[np.float32], tag_ids: Sequence[str]
    ) -> NDArray[np.float64]:
        """Return `probabilities` of n articles, whose embeddings are (n, d). Raises UnknownTagError."""
        features = features_of([one.content for one in articles], embeddings, [one.url for one in articles])
        return self.probabilities(features, tag_ids)

    def places(self, tag_ids: Sequence[str]) -> NDArray[np.intp]:
        """Return the model's columns for the given tags. Raises UnknownTagError."""
        order = {tag: place for place, tag in enumerate(self.tag_ids)}
        missing = [tag for tag in tag_ids if tag not in order]
        if missing:
            raise UnknownTagError(
                f"The model doesn't know the tag {missing[0]!r}. Extend it with the tag's description, or retrain."
            )
        return np.array([order[tag] for tag in tag_ids], dtype=np.intp)

    def extended(self, other: "Classifier") -> "Classifier":
        """Return this model with additional tags from `other`, for example a model from descriptions."""
        new = [place for place, tag in enumerate(other.tag_ids) if tag not in set(self.tag_ids)]
        if not new:
            return self
        if other.dimension != self.dimension:
            raise ModelFileError("The added tags were described with another encoder. Use the model's own encoder.")
        tfidf = self.tfidf.widened(other.tfidf.columns)
        words = np.concatenate(
            [tfidf.translated(self.words, self.tfidf), tfidf.translated(other.words[:, new], other.tfidf)], axis=1
        )
        return replace(
            self,
            tag_ids=(*self.tag_ids, *(other.tag_ids[place] for place in new)),
            dense=np.concatenate([self.dense, other.dense[:, new]], axis=1),
            bias=np.concatenate([self.bias, other.bias[new]]),
            words=words,
            tfidf=tfidf,
            neighbors=self.neighbors.over(np.array([*range(len(self.tag_ids)), *(-1 for _ in new)])),
            adjustment=np.concatenate([self.adjustment, other.adjustment[new]]),
        )

    def over(self, tag_ids: Sequence[str]) -> "Classifier":
        """Return this model with only the given tags, in that order. Raises UnknownTagError."""
        places = self.places(tag_ids)
        return replace(
            self,
            tag_ids=tuple(tag_ids),
            dense=self.dense[:, places],
            bias=self.bias[places],
            words=self.words[:, places],
            neighbors=self.neighbors.over(places),
            adjustment=self.adjustment[places],
        )

    def to_bytes(self) -> bytes:
        """Return the model as safetensors, with its card and a checksum in the header; words at half precision."""
        arrays: dict[str, NDArray[Any]] = {
            "dense": self.dense,
            "bias": self.bias,
            "words": self.words.astype(np.float16),
            "columns": self.tfidf.columns,
            "idf": self.tfidf.idf,
            "seen": self.seen,
            "memory_embeddings": self.neighbors.embeddings,
            "memory_tags": self.neighbors.tags,
            "adjustment": self.adjustment,
        }
        about: dict[str, Any] = {
            "format": FORMAT,
            "hashing": HASHING,
            "tag_ids": list(self.tag_ids),
            "reading": self.tfidf.numbers(),
            "memory": self.neighbors.numbers(),
            "calibration": [self.slope, self.offset, self.sharpness],
            "card": dict(self.card),
        }
        return write_tensors(arrays, about)

    @classmethod
    def from_bytes(cls, data: bytes, name: str = "the model") -> "Classifier":
        """Read a model. Raises ModelFileError, calling the file `name`, if it is damaged or has another format."""
        arrays, about = read_tensors(data, name, FORMAT)
        if about.get("hashing") != HASHING:
            raise ModelFileError(f"{name} was written by another version of tierbot. Restore the file, or retrain.")
        try:
            slope, offset, sharpness = map(float, about["calibration"])
            return cls(
                tag_ids=tuple(about["tag_ids"]),
                dense=arrays["dense"],
                bias=arrays["bias"],
                words=arrays["words"].astype(np.float32),
                tfidf=TfIdfWeights(arrays["columns"], arrays["idf"], **about["reading"]),
                neighbors=Neighbors(arrays["memory_embeddings"], arrays["memory_tags"], **about["memory"]),
                adjustment=arrays.get("adjustment", np.zeros(len(about["tag_ids"]), np.float32)),
                slope=slope,
                offset=offset,
                sharpness=sharpness,
                seen=arrays["seen"],
                card=about["card"],
            )
        except (KeyError, TypeError, ValueError) as fault:
            raise ModelFileError(f"{name} is incomplete or damaged ({fault}). Restore the file, or retrain.") from fault


def normalized(logits: NDArray[np.float64], sharpness: float) -> NDArray[np.float64]:
    """Turn calibrated log odds (n, k) into probabilities that sum to 1: σ(z)^sharpness, divided by the row's sum."""
    logs = -np.logaddexp(0.0, -np.asarray(logits, dtype=np.float64)) * sharpness
    logs -= logs.max(axis=1, keepdims=True)
    found = np.exp(logs)
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def adjusted(probabilities: NDArray[np.float64], adjustment: NDArray[np.float32]) -> NDArray[np.float64]:
    """Add each tag's adjustment, (k,), to log p, (n, k), and renormalize."""
    found = probabilities * np.exp(adjustment.astype(np.float64))
    return np.asarray(found / found.sum(axis=1, keepdims=True))
