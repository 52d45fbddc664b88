"""Prepare the demo: its stories, their tag space, and a first model."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path

import numpy as np

from tierbot.adapters.files.archives import read_archive
from tierbot.domain.articles.rows import ArchiveFormat, ArchiveRow, Line, parse_rows
from tierbot.domain.nouns import ModelState, ModelVersion, TierbotError
from tierbot.domain.predict.classifier import Classifier
from tierbot.domain.predict.coldstart import coldstart
from tierbot.domain.predict.features import features_of
from tierbot.domain.tags import TagSpace, default_tag_space
from tierbot.domain.tags.assign import assigned_tag_space, label_id
from tierbot.domain.training.fit import fit
from tierbot.domain.training.rows import TrainingRows, labeled_rows, rows_to_bytes
from tierbot.use_cases.ports import Encoder

_MOST_ROWS = 300_000  # of an archive, all in memory
_WEEK = 200  # stories per week of the corpus
_FRESHEST, _OLDEST = timedelta(minutes=5), timedelta(hours=8)


@dataclass(frozen=True, slots=True)
class Stories:
    """Stories in order of arrival with their true tags, and their tag space.

    start: labeled rows for training a first model; empty for a cold model.
    """

    tags: TagSpace
    start: tuple[ArchiveRow, ...]
    stream: tuple[ArchiveRow, ...]


@dataclass(frozen=True, slots=True)
class StartModels:
    """ports.ModelFiles with the demo's own first model, which publishes nothing."""

    version: ModelVersion
    weights: bytes
    rows: bytes | None

    def bootstrap(self) -> tuple[ModelVersion, bytes]:
        """Return the first model."""
        return self.version, self.weights

    def bootstrap_rows(self) -> bytes | None:
        """Return its training rows, None for a cold model."""
        return self.rows

    def publish(self, version: ModelVersion, weights: bytes, workspace: str) -> None:
        """Do nothing: a demo's champion isn't published."""


def corpus(now: datetime, rng: np.random.Generator) -> Stories:
    """Return the built-in corpus, dated as if it had arrived within the last hours.

    As in real news, some stories run for weeks: parts 1 to 4 of a story arrive in four successive weeks, shuffled among
    single stories within each week.
    """
    text = resources.files("tierbot.simulate").joinpath("corpus.jsonl").read_bytes()
    lines = (Line(number, line) for number, line in enumerate(text.splitlines(), 1))
    rows = [row for row in parse_rows(lines, ArchiveFormat.JSONL, "corpus.jsonl", now) if isinstance(row, ArchiveRow)]
    ages = rng.uniform(_FRESHEST.total_seconds(), _OLDEST.total_seconds(), len(rows))
    ordered = _by_week([rows[i] for i in rng.permutation(len(rows))], rng)
    dated = (
        replace(row, published_at=now - timedelta(seconds=float(age))) for row, age in zip(ordered, ages, strict=True)
    )
    return Stories(default_tag_space(), (), tuple(dated))


def _by_week(rows: Sequence[ArchiveRow], rng: np.random.Generator) -> list[ArchiveRow]:
    """Order shuffled rows by week; "a-017-3" is part 3 of the story "a-017"."""
    later: dict[str, list[ArchiveRow]] = {}
    for row in rows:
        part = row.id.partition("-")[2].partition("-")[2]
        if part:
            later.setdefault(part, []).append(row)
    running = {row.id.rpartition("-")[0] for parts in later.values() for row in parts}
    single = [row for row in rows if row.id.count("-") == 1 and row.id not in running]
    weeks = [[row for row in rows if row.id in running], *(later[part] for part in sorted(later))]
    ordered: list[ArchiveRow] = []
    for week in weeks:
        fill = max(0, _WEEK - len(week))
        mixed, single = [*week, *single[:fill]], single[fill:]
        ordered += [mixed[i] for i in rng.permutation(len(mixed))]
    return ordered + single


def archive(path: Path, start: int, now: datetime, rng: np.random.Generator) -> Stories:
    """Return an archive's labeled rows, by date or else shuffled, with emoji assigned to its tags.

    The first `start` rows train the first model. Raises TierbotError if too few rows have tags.
    """
    rows = [row for row in read_archive(path, now=now, strict=False, most=_MOST_ROWS) if row.tags]
    if len(rows) <= start:
        raise TierbotError(
            f"{path} has {len(rows)} labeled rows, but --start {start} reserves that many for the first model. Lower --start."
        )
    if all(row.published_at for row in rows):
        rows.sort(key=lambda row: row.published_at or now)
    else:
        rows = [rows[i] for i in rng.permutation(len(rows))]
    tags = assigned_tag_space(label for row in rows for label in row.tags)
    relabeled = [replace(row, tags=tuple(dict.fromkeys(label_id(tag) for tag in row.tags))) for row in rows]
    return Stories(tags, tuple(relabeled[:start]), tuple(relabeled[start:]))


def first_model(stories: Stories, encoder: Encoder, now: datetime, seed: int) -> StartModels:
    """Return the demo's first model, made from the tags' descriptions and the start rows, if any."""
    model = coldstart(stories.tags.active, encoder.encode)
    rows: TrainingRows | None = None
    if stories.start:
        rows = _training_rows(stories.start, stories.tags, encoder)
        model = fit(rows, model, seed=seed)
    kind = "cold" if rows is None else "start"
    model = replace(model, card={"kind": kind, "data": {"verdicts": len(stories.start)}})
    return StartModels(*_version(model, encoder, now), None if rows is None else rows_to_bytes(rows, encoder.digest))


def _training_rows(rows: Sequence[ArchiveRow], tags: TagSpace, encoder: Encoder) -> TrainingRows:
    texts = [f"{row.title}. {row.text}" if row.text else row.title for row in rows]
    features = features_of(texts, encoder.encode(texts), [row.url for row in rows])
    return labeled_rows([dict.fromkeys(row.tags, 1.0) for row in rows], features, tags.ids)


def _version(model: Classifier, encoder: Encoder, now: datetime) -> tuple[ModelVersion, bytes]:
    weights = model.to_bytes()
    digest = hashlib.sha256(weights).hexdigest()
    version = ModelVersion("m0000", 0, None, ModelState.CHAMPION, encoder.digest, digest, now, dict(model.card))
    return version, weights
