"""`tierbot models build`: train the bootstrap model and write its files."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from tierbot.adapters.atomic import write_whole
from tierbot.adapters.files.archives import read_archive
from tierbot.adapters.files.model_files import BOOTSTRAP, ROWS, write_model
from tierbot.domain.articles.rows import ArchiveRow
from tierbot.domain.nouns import ModelState, ModelVersion
from tierbot.domain.predict.coldstart import coldstart
from tierbot.domain.predict.features import Features, features_of
from tierbot.domain.tags import default_tag_space
from tierbot.domain.training.bootstrap_model import (
    build,
    earlier_and_later,
    parse_mapping,
    shipped_examples,
    shipped_mapping,
)
from tierbot.domain.training.rows import TrainingRows, labeled_rows, rows_to_bytes
from tierbot.use_cases.ports import Encoder

_BATCH = 512
_MOST_ROWS = 300_000  # of one archive; they stay in memory with their embeddings


def build_bootstrap(
    archives: Sequence[Path],
    mapping: Path | None,
    folder: Path,
    encoder: Encoder,
    now: datetime,
    report: Callable[[str], None],
) -> dict[str, Any]:
    """Train the bootstrap model on archives, write its three files to `folder` and return its card.

    Raises TierbotError if an archive or the mapping is invalid or the folder can't be written.
    """
    tags = default_tag_space()
    text, name = (
        (mapping.read_text(encoding="utf-8"), str(mapping)) if mapping else (shipped_mapping(), "huffpost.toml")
    )
    categories = parse_mapping(text, name, tags.ids)
    stories = [row for path in archives for row in read_archive(path, now=now, strict=False, most=_MOST_ROWS)]
    earlier, later = earlier_and_later(stories, categories)
    report(f"{len(stories)} stories read: {len(earlier)} for training, the {len(later)} latest for measuring.")
    features = _features(earlier, encoder, report), _features(later, encoder, report)
    report("Fitting …")
    samples = shipped_examples(tags.ids)
    command = " ".join(["tierbot models build", *(path.name for path in archives)])
    classifier, replayed = build(
        earlier,
        later,
        features,
        categories,
        coldstart(tags.active, encoder.encode, samples),
        examples=_example_rows(samples, encoder, tags.ids),
        card={"command": command},
    )
    rows, weights = rows_to_bytes(replayed, encoder.digest), classifier.to_bytes()
    card = {**classifier.card, "rows": len(replayed), "rows_sha256": hashlib.sha256(rows).hexdigest()}
    sha256 = hashlib.sha256(weights).hexdigest()
    version = ModelVersion(BOOTSTRAP, 0, None, ModelState.CHAMPION, encoder.digest, sha256, now, card)
    write_whole(folder / f"{ROWS}.safetensors", rows)
    write_model(folder, BOOTSTRAP, version, weights, by_digest=False)
    return card


def _example_rows(samples: Mapping[str, Sequence[str]], encoder: Encoder, tag_ids: Sequence[str]) -> TrainingRows:
    named = [(tag, text) for tag, texts in samples.items() for text in texts]
    texts = [text for _, text in named]
    return labeled_rows([{tag: 1.0} for tag, _ in named], features_of(texts, encoder.encode(texts)), tag_ids)


def _features(stories: Sequence[ArchiveRow], encoder: Encoder, report: Callable[[str], None]) -> Features:
    """Encode in batches and report progress: tens of thousands of stories take minutes."""
    texts = [f"{story.title}. {story.text}" if story.text else story.title for story in stories]
    parts = [np.zeros((0, encoder.dimension), np.float32)]
    for start in range(0, len(texts), _BATCH):
        parts.append(encoder.encode(texts[start : start + _BATCH]))
        report(f"{min(start + _BATCH, len(texts))} of {len(texts)} texts encoded")
    return features_of(texts, np.concatenate(parts), [story.url for story in stories])
