"""The head: one calibrated linear score per tag over a text's embedding and its hashed words.

One binary problem per tag takes all three things that colleagues say: true tags, "this tag is wrong" alone,
and silence. Scores are calibrated per tag (Platt, 1999) and then normalised over the tags asked about, so
that p sums to 1 and retired tags simply drop out. Weights are kept as safetensors with a JSON card; nothing
is ever unpickled.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tierbot.domain import TierbotError
from tierbot.predict.features import HASHING, WORD_COLUMNS, Features, features_of
from tierbot.predict.tensors import ModelFileError, read_tensors, write_tensors

FORMAT = "tierbot-classifier/1"
_ARRAYS = ("dense", "bias", "columns", "idf", "words", "slope", "offset", "seen")


class UnknownTagError(TierbotError):
    """A tag that the model was never given; extend the model first."""


@dataclass(frozen=True, slots=True)
class Classifier:
    """T tags' weights over d embedding dimensions and A hashed words.

    dense (d, T), bias (T,), columns (A,) ascending hashed columns, idf (A,), words (A, T), word_scale: how
    long the word vector is beside the unit-length embedding. slope and offset (T,), sharpness: the
    calibration. seen: 64-bit keys of the posts it learned from (see training.rows), so that a judge can tell
    what is new to it. card: what was measured, for people; JSON.
    """

    tag_ids: tuple[str, ...]
    dense: NDArray[np.float32]
    bias: NDArray[np.float32]
    columns: NDArray[np.int32]
    idf: NDArray[np.float32]
    words: NDArray[np.float32]
    slope: NDArray[np.float32]
    offset: NDArray[np.float32]
    word_scale: float = 1.0
    sharpness: float = 1.0
    seen: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    card: Mapping[str, Any] = field(default_factory=dict)

    @property
    def dimension(self) -> int:
        """The embeddings' width d."""
        return int(self.dense.shape[0])

    def scores(self, features: Features) -> NDArray[np.float32]:
        """Return raw scores (log odds before calibration), (n, T), in the order of `tag_ids`."""
        if features.dimension != self.dimension:
            raise ModelFileError(
                f"The model reads embeddings of {self.dimension} numbers, the encoder gives {features.dimension}. "
                "Set the encoder that the model was made with, or retrain."
            )
        found = features.embeddings @ self.dense + self.bias
        if len(self.columns):
            found += self.word_scale * (weigh_words(features.words, self.columns, self.idf) @ self.words)
        return np.asarray(found, dtype=np.float32)

    @staticmethod
    def features_of(
        texts: Sequence[str], embeddings: NDArray[np.float32], urls: Sequence[str] | None = None
    ) -> Features:
        """Return what the model reads of n texts: their embeddings (n, d) and hashed words, sites included."""
        return features_of(texts, embeddings, urls)

    def probabilities(self, features: Features, tag_ids: Sequence[str]) -> NDArray[np.float64]:
        """Return calibrated probabilities over `tag_ids`, (n, len(tag_ids)); each row sums to 1.

        Raises UnknownTagError for a tag that the model lacks (see `extended`).
        """
        places = self.places(tag_ids)
        scores = self.scores(features)[:, places].astype(np.float64)
        return normalised(self.slope[places] * scores + self.offset[places], self.sharpness)

    def places(self, tag_ids: Sequence[str]) -> NDArray[np.intp]:
        """Return where the given tags stand among the model's. Raises UnknownTagError."""
        order = {tag: place for place, tag in enumerate(self.tag_ids)}
        missing = [tag for tag in tag_ids if tag not in order]
        if missing:
            raise UnknownTagError(
                f"The model does not know the tag {missing[0]!r}. Extend it with the tag's description, or retrain."
            )
        return np.array([order[tag] for tag in tag_ids], dtype=np.intp)

    def extended(self, other: "Classifier") -> "Classifier":
        """Return this model with the tags that only `other` has, taken from there (say, from descriptions)."""
        new = [place for place, tag in enumerate(other.tag_ids) if tag not in set(self.tag_ids)]
        if not new:
            return self
        if other.dimension != self.dimension:
            raise ModelFileError("The added tags were described with another encoder. Use the model's own.")
        columns = np.union1d(self.columns, other.columns).astype(np.int32)
        mine, theirs = np.searchsorted(columns, self.columns), np.searchsorted(columns, other.columns)
        words = np.zeros((len(columns), len(self.tag_ids) + len(new)), np.float32)
        words[mine, : len(self.tag_ids)] = self.words
        words[theirs, len(self.tag_ids) :] = other.words[:, new] * (other.word_scale / self.word_scale)
        idf = np.empty(len(columns), np.float32)
        idf[theirs] = other.idf
        idf[mine] = self.idf
        return replace(
            self,
            tag_ids=(*self.tag_ids, *(other.tag_ids[place] for place in new)),
            dense=np.concatenate([self.dense, other.dense[:, new]], axis=1),
            bias=np.concatenate([self.bias, other.bias[new]]),
            columns=columns,
            idf=idf,
            words=words,
            slope=np.concatenate([self.slope, other.slope[new]]),
            offset=np.concatenate([self.offset, other.offset[new]]),
        )

    def over(self, tag_ids: Sequence[str]) -> "Classifier":
        """Return this model with the given ones of its tags, in that order. Raises UnknownTagError."""
        places = self.places(tag_ids)
        return replace(
            self,
            tag_ids=tuple(tag_ids),
            dense=self.dense[:, places],
            bias=self.bias[places],
            words=self.words[:, places],
            slope=self.slope[places],
            offset=self.offset[places],
        )

    def with_card(self, card: Mapping[str, Any]) -> "Classifier":
        """Return the same model with another card."""
        return replace(self, card=dict(card))

    def to_bytes(self) -> bytes:
        """Return the model as safetensors, its card and a checksum in the header.

        Word weights are kept at half precision; they are read back as they were written.
        """
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        arrays["words"] = arrays["words"].astype(np.float16)
        about = {
            "format": FORMAT,
            "hashing": HASHING,
            "tag_ids": list(self.tag_ids),
            "word_scale": self.word_scale,
            "sharpness": self.sharpness,
            "card": dict(self.card),
        }
        return write_tensors(arrays, about)

    @classmethod
    def from_bytes(cls, data: bytes, name: str = "the model") -> "Classifier":
        """Read a model back. Raises ModelFileError, calling the file `name`, if it is damaged or foreign."""
        arrays, about = read_tensors(data, name, FORMAT)
        if set(arrays) != set(_ARRAYS) or about.get("hashing") != HASHING:
            raise ModelFileError(f"{name} was written by another version of tierbot. Retrain, or restore its file.")
        arrays["words"] = arrays["words"].astype(np.float32)
        try:
            return cls(
                tag_ids=tuple(about["tag_ids"]),
                word_scale=float(about["word_scale"]),
                sharpness=float(about["sharpness"]),
                card=about["card"],
                **arrays,
            )
        except (KeyError, TypeError, ValueError) as fault:
            raise ModelFileError(f"{name} lacks {fault}. Restore the file, or retrain.") from fault


def normalised(logits: NDArray[np.float64], sharpness: float) -> NDArray[np.float64]:
    """Turn calibrated log odds (n, k) into probabilities that sum to 1: σ(z)^sharpness over its row's sum."""
    logs = -np.logaddexp(0.0, -np.asarray(logits, dtype=np.float64)) * sharpness
    logs -= logs.max(axis=1, keepdims=True)
    found = np.exp(logs)
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def weigh_words(words: sparse.csr_array, columns: NDArray[np.int32], idf: NDArray[np.float32]) -> sparse.csr_array:
    """Return the known words of each text weighted by idf, unit length, (n, A); unknown words are left out."""
    place = np.full(WORD_COLUMNS, -1, dtype=np.int32)
    place[columns] = np.arange(len(columns), dtype=np.int32)
    found = place[words.indices]
    known = found >= 0
    starts = np.concatenate([[0], np.cumsum(known)])[words.indptr]
    data = idf[found[known]] * words.data[known]
    rows = np.repeat(np.arange(words.shape[0]), np.diff(starts))
    lengths = np.sqrt(np.bincount(rows, weights=data.astype(np.float64) ** 2, minlength=words.shape[0]))
    data = (data / lengths[rows]).astype(np.float32)
    return sparse.csr_array((data, found[known], starts), shape=(words.shape[0], len(columns)))
