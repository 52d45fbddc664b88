"""Turns verdicts and labels into training rows: a target and a weight per (row, tag).

A true tag is a weighted positive. "Wrong, unnamed" is a negative for the shown tag alone. A tag that nobody named is
a weak negative if others were named, and left out otherwise.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tierbot.domain.nouns import Outcome, SettledPost, Verdict
from tierbot.domain.predict.features import COLUMNS, HASHING, Features, joined
from tierbot.domain.predict.tensors import ModelFileError, read_tensors, write_tensors

SILENCE = 0.8
"""Weight of a tag that nobody named, relative to the shown one: it is usually false, sometimes overlooked. Positives
weigh several times as much (see FitSettings.positive_exponent)."""

FORMAT = "tierbot-rows/1"


@dataclass(frozen=True, slots=True)
class TrainingRows:
    """n rows over T tags."""

    tag_ids: tuple[str, ...]
    features: Features
    targets: NDArray[np.float32]  # (n, T) in [0, 1]
    weights: NDArray[np.float32]  # (n, T) ≥ 0, 0 if unknown
    keys: NDArray[np.uint64]  # (n,), see `row_key`; 0 for rows without a post

    def __post_init__(self) -> None:
        shape = (len(self.features), len(self.tag_ids))
        if self.targets.shape != shape or self.weights.shape != shape or self.keys.shape != shape[:1]:
            raise ValueError(f"Targets {self.targets.shape}, weights {self.weights.shape}: expected {shape}.")

    def __len__(self) -> int:
        return len(self.features)

    def take(self, rows: NDArray[np.intp]) -> "TrainingRows":
        """Return the given rows, in that order."""
        return TrainingRows(
            self.tag_ids, self.features.take(rows), self.targets[rows], self.weights[rows], self.keys[rows]
        )

    def without(self, rows: NDArray[np.intp]) -> "TrainingRows":
        """Return the same rows, with weight 0 for the given ones."""
        weights = self.weights.copy()
        weights[rows] = 0
        return replace(self, weights=weights)

    def times(self, factor: float) -> "TrainingRows":
        """Return the same rows with all weights multiplied."""
        return replace(self, weights=np.asarray(self.weights * np.float32(factor)))

    def over(self, tag_ids: Sequence[str]) -> "TrainingRows":
        """Return the same rows over other tags: new tags get weight 0, missing ones are dropped."""
        if tuple(tag_ids) == self.tag_ids:
            return self
        place = {tag: i for i, tag in enumerate(self.tag_ids)}
        both = [(new, place[tag]) for new, tag in enumerate(tag_ids) if tag in place]
        targets = np.zeros((len(self), len(tag_ids)), np.float32)
        weights = np.zeros_like(targets)
        if both:
            to, from_ = (np.array(side) for side in zip(*both, strict=True))
            targets[:, to], weights[:, to] = self.targets[:, from_], self.weights[:, from_]
        return TrainingRows(tuple(tag_ids), self.features, targets, weights, self.keys)


def joined_rows(parts: Iterable[TrainingRows]) -> TrainingRows:
    """Concatenate the parts, which must be over the same tags."""
    found = list(parts)
    if len({part.tag_ids for part in found}) != 1:
        raise ValueError("Rows over different tags can't be joined. Align their tags with `over`.")
    if len(found) == 1:
        return found[0]
    return TrainingRows(
        found[0].tag_ids,
        joined(part.features for part in found),
        np.concatenate([part.targets for part in found]),
        np.concatenate([part.weights for part in found]),
        np.concatenate([part.keys for part in found]),
    )


def teaches(verdict: Verdict) -> bool:
    """Return whether a verdict labels any tag (an abstention doesn't)."""
    return verdict.outcome is not Outcome.ABSTAINED


def verdict_rows(
    settled: Sequence[SettledPost], features: Features, tag_ids: Sequence[str], *, silence: float = SILENCE
) -> TrainingRows:
    """Turn settled posts, with their articles' features in the same order, into training rows.

    Abstentions get weight 0. So do unnamed tags that no verdict ever named, because they may be new.
    """
    shape = (len(settled), len(tag_ids))
    targets, weights = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    explicit = np.zeros(shape, dtype=bool)
    place = {tag: column for column, tag in enumerate(tag_ids)}
    for row, item in enumerate(settled):
        verdict, shown = item.verdict, place.get(item.post.shown_tag)
        weight = verdict.weight
        if verdict.outcome is Outcome.NAMED:
            weights[row] = silence * weight
            if shown is not None:
                weights[row, shown], explicit[row, shown] = weight, True  # voters saw it, and named others
            for tag, certainty in verdict.tags.items():
                if tag in place:
                    targets[row, place[tag]], weights[row, place[tag]] = 1.0, weight * certainty
        elif verdict.outcome is Outcome.WRONG and shown is not None:
            weights[row, shown], explicit[row, shown] = weight, True
    unnamed = ~targets.any(axis=0)
    weights[:, unnamed] = np.where(explicit[:, unnamed], weights[:, unnamed], 0)
    keys = np.array([row_key(item.post.id) for item in settled], dtype=np.uint64)
    return TrainingRows(tuple(tag_ids), features, targets, weights, keys)


def labeled_rows(
    true_tags: Sequence[Mapping[str, float]],
    features: Features,
    tag_ids: Sequence[str],
    *,
    silence: float = 1.0,
    unlabeled: Iterable[str] = (),
) -> TrainingRows:
    """Turn an archive's rows, given as true tags with weights in (0, 1], into training rows.

    unlabeled: tags that weren't an option when the archive was labeled; they have weight 0 except where they are true.
    """
    shape = (len(true_tags), len(tag_ids))
    targets, weights = np.zeros(shape, np.float32), np.full(shape, silence, np.float32)
    place = {tag: column for column, tag in enumerate(tag_ids)}
    weights[:, [place[tag] for tag in unlabeled if tag in place]] = 0.0
    for row, tags in enumerate(true_tags):
        for tag, weight in tags.items():
            if tag in place:
                targets[row, place[tag]], weights[row, place[tag]] = 1.0, weight
    return TrainingRows(tuple(tag_ids), features, targets, weights, np.zeros(len(true_tags), np.uint64))


def row_key(post_id: str) -> int:
    """Return a post's 64-bit key, with which a model records that it learned from the post."""
    return int.from_bytes(hashlib.blake2b(post_id.encode(), digest_size=8).digest(), "little")


def rows_to_bytes(rows: TrainingRows, encoder_digest: str) -> bytes:
    """Return rows as safetensors: embeddings at half precision, hashed words, targets, weights; no text."""
    return write_tensors(rows_arrays(rows, half=True), {"format": FORMAT, **rows_about(rows, encoder_digest)})


def rows_from_bytes(data: bytes, encoder_digest: str, name: str = "the rows") -> TrainingRows:
    """Read rows. Raises ModelFileError if they are damaged or were embedded by another encoder."""
    arrays, about = read_tensors(data, name, FORMAT)
    if about.get("encoder_digest") != encoder_digest:
        raise ModelFileError(f"{name} were embedded by another encoder. Change TIERBOT_ENCODER back, or omit them.")
    return rows_of_arrays(arrays, about, name)


def rows_arrays(rows: TrainingRows, prefix: str = "", *, half: bool = False) -> dict[str, NDArray[Any]]:
    """Return the rows' arrays, with names that start with `prefix`."""
    words = rows.features.words
    embeddings = rows.features.embeddings
    said_rows, said_tags = np.nonzero(rows.targets)
    return {
        f"{prefix}embeddings": embeddings.astype(np.float16) if half else embeddings,
        f"{prefix}word_starts": words.indptr.astype(np.int64),
        f"{prefix}word_columns": words.indices.astype(np.int32),
        f"{prefix}target_rows": said_rows.astype(np.int32),
        f"{prefix}target_tags": said_tags.astype(np.int16),
        f"{prefix}target_values": rows.targets[said_rows, said_tags],
        f"{prefix}weights": rows.weights,
        f"{prefix}keys": rows.keys,
    }


def rows_about(rows: TrainingRows, encoder_digest: str) -> dict[str, object]:
    """Return the rows' description, which is needed to read the arrays."""
    return {"tag_ids": list(rows.tag_ids), "hashing": HASHING, "encoder_digest": encoder_digest}


def rows_of_arrays(
    arrays: Mapping[str, NDArray[Any]], about: Mapping[str, object], name: str, prefix: str = ""
) -> TrainingRows:
    """Rebuild rows from their arrays. Raises ModelFileError if these are inconsistent."""
    if about.get("hashing") != HASHING:
        raise ModelFileError(f"{name} were made with another hashing scheme. Recreate them, or omit them.")
    try:
        tag_ids = tuple(str(tag) for tag in about["tag_ids"])  # type: ignore[attr-defined]
        embeddings = np.asarray(arrays[f"{prefix}embeddings"], dtype=np.float32)
        columns = arrays[f"{prefix}word_columns"]
        words = sparse.csr_array(
            (np.ones(len(columns), np.float32), columns, arrays[f"{prefix}word_starts"]),
            shape=(len(embeddings), COLUMNS),
        )
        targets = np.zeros((len(embeddings), len(tag_ids)), np.float32)
        targets[arrays[f"{prefix}target_rows"], arrays[f"{prefix}target_tags"]] = arrays[f"{prefix}target_values"]
        weights = np.asarray(arrays[f"{prefix}weights"], dtype=np.float32)
        keys = np.asarray(arrays[f"{prefix}keys"], dtype=np.uint64)
        return TrainingRows(tag_ids, Features(embeddings, words), targets, weights, keys)
    except (KeyError, IndexError, TypeError, ValueError) as fault:
        raise ModelFileError(f"{name} are inconsistent ({fault}). Restore the file, or recreate it.") from fault
