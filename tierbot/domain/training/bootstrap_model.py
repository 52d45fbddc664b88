"""Makes the bootstrap model that ships: from a labeled archive, and from descriptions where there is no data.

An archive has categories of its own; a mapping says which tags each speaks of. The later-dated stories are kept
apart and measure the model. Rows of the training side are kept as features, without text, for retraining to replay.
"""

import hashlib
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.articles.rows import ArchiveRow
from tierbot.domain.nouns import TierbotError
from tierbot.domain.predict.classifier import Classifier
from tierbot.domain.predict.features import Features
from tierbot.domain.training.calibrate import Calibration, calibrate
from tierbot.domain.training.fit import FitSettings, fit
from tierbot.domain.training.rows import TrainingRows, labeled_rows

LATER_SHARE = 0.2
MOST_REPLAYED = 6000
# What a replayed row counts beside a verdict. The model itself is the prior of retraining; the rows only hold it where
# it was. On two streams of verdicts more of it (0.5, 1) learned less, and none of it forgot more.
REPLAY_WEIGHT = 0.1
_CALIBRATED_ON = 3000
# How much of the descriptions' own scores is added to what the archive taught: the archive knows one publisher's ways
# only, the descriptions know what is meant. More of it costs accuracy on that publisher and gains it elsewhere.
DESCRIPTIONS_SHARE = 0.7
# A tag without data is set to be the likeliest of so much of its even share of the archive.
_WITHOUT_DATA = 0.15
_CLEAR = 0.4  # of a category's several tags, what the likeliest must have for a story to be taken for it


class MappingError(TierbotError):
    """A mapping from categories to tags that cannot be used; the text names file and remedy."""


@dataclass(frozen=True, slots=True)
class BootstrapModel:
    """The classifier with its card, and the rows for retraining to replay."""

    classifier: Classifier
    rows: TrainingRows


def shipped_mapping() -> str:
    """Return the text of the mapping that ships, from HuffPost's categories to the shipped tags."""
    return resources.files("tierbot.domain.training").joinpath("huffpost.toml").read_text(encoding="utf-8")


def parse_mapping(text: str, name: str, tag_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Read which tags each category speaks of, from TOML text; `name` is what errors call the file.

    Raises MappingError for a file that is no such mapping, or a tag that is not among `tag_ids`.
    """
    try:
        table = tomllib.loads(text).get("categories")
    except tomllib.TOMLDecodeError as fault:
        raise MappingError(f"{name}: {fault}. Mend the TOML there.") from fault
    if not isinstance(table, dict) or not table:
        raise MappingError(f'{name} has no table [categories]. Write lines like "CRIME" = ["crime"] under it.')
    known = set(tag_ids)
    for category, tags in table.items():
        if not isinstance(tags, list) or not tags:
            raise MappingError(f'{name}: the category "{category}" names no list of tags. Name some, or leave it out.')
        unknown = [tag for tag in tags if tag not in known]
        if unknown:
            raise MappingError(f'{name}: "{category}" names {unknown[0]!r}, which is no tag. Correct it.')
    return {str(category): tuple(tags) for category, tags in table.items()}


def earlier_and_later(
    stories: Sequence[ArchiveRow], mapping: Mapping[str, tuple[str, ...]], share: float = LATER_SHARE
) -> tuple[list[ArchiveRow], list[ArchiveRow]]:
    """Divide mapped stories into training ones and the later-dated `share` of the dated ones, which measure.

    Of stories with the same title (letters and digits compared) one is kept, a dated one if there is any, so that no
    story stands on both sides.
    """
    kept: dict[str, ArchiveRow] = {}
    for story in stories:
        title = _plain(story.title)
        if title not in kept or (kept[title].published_at is None and story.published_at is not None):
            kept[title] = story
    mapped = [story for story in kept.values() if _asked(story, mapping)]
    dates = sorted(story.published_at for story in mapped if story.published_at is not None)
    if not dates:
        raise TierbotError("The archive has no dated stories to measure the model on. Give one that has dates.")
    first_later = dates[min(len(dates) - 1, int((1 - share) * len(dates)))]
    later = [story for story in mapped if story.published_at is not None and story.published_at >= first_later]
    earlier = [story for story in mapped if story.published_at is None or story.published_at < first_later]
    return earlier, later


def build(
    earlier: Sequence[ArchiveRow],
    later: Sequence[ArchiveRow],
    features: tuple[Features, Features],
    mapping: Mapping[str, tuple[str, ...]],
    prior: Classifier,
    *,
    card: Mapping[str, Any],
    settings: FitSettings | None = None,
    seed: int = 0,
) -> BootstrapModel:
    """Fit the bootstrap model to the earlier stories and measure it on the later ones; features go with each.

    `prior` knows all tags by their descriptions.
    """
    rows = _rows(earlier, features[0], mapping, prior)
    covered = sorted({tag for tags in mapping.values() for tag in tags})
    order = np.random.default_rng(seed).permutation(len(rows))
    aside = min(_CALIBRATED_ON, len(rows) // 5)
    held, taught = rows.take(order[:aside]), rows.take(order[aside:])
    fitted = _with_descriptions(fit(taught, prior, settings, seed=seed), prior)
    fitted = _levelled(fitted, taught.features.take(_evenly(taught, seed)), set(fitted.tag_ids) - set(covered))
    curve = calibrate(
        fitted.scores(held.features).astype(np.float64),
        held.targets,
        held.weights,
        Calibration(prior.slope, prior.offset, prior.sharpness),
    )
    classifier = replace(fitted, slope=curve.slope, offset=curve.offset, sharpness=curve.sharpness)
    dates = [story.published_at for story in later if story.published_at is not None]
    measured = {
        "later_stories": len(later),
        "later_from": min(dates).date().isoformat() if dates else None,
        **measure(classifier, later, features[1], mapping),
    }
    about = {
        **card,
        "kind": "bootstrap",
        "seed": seed,
        "tags": len(classifier.tag_ids),
        "tags_with_data": covered,
        "data": {"stories": len(earlier), "sha256": stories_sha256(earlier)},
        "measured": measured,
    }
    return BootstrapModel(replace(classifier, card=about), rows.take(_evenly(rows, seed)).times(REPLAY_WEIGHT))


def _with_descriptions(model: Classifier, prior: Classifier) -> Classifier:
    """Add the descriptions' own scores to a fitted model's."""
    return replace(
        model,
        dense=model.dense + DESCRIPTIONS_SHARE * prior.dense,
        bias=model.bias + DESCRIPTIONS_SHARE * prior.bias,
        words=model.words + DESCRIPTIONS_SHARE * model.tfidf.translated(prior.words, prior.tfidf),
    )


def _levelled(model: Classifier, features: Features, tags: set[str]) -> Classifier:
    """Set the given tags' levels so that each is the likeliest of a small share of the stories."""
    scores, bias = model.scores(features), model.bias.copy()
    share = _WITHOUT_DATA / len(model.tag_ids)
    for column in (model.tag_ids.index(tag) for tag in sorted(tags)):
        others = np.delete(scores, column, axis=1).max(axis=1)
        bias[column] -= np.quantile(scores[:, column] - others, 1 - share)
    return replace(model, bias=bias)


def measure(
    classifier: Classifier, stories: Sequence[ArchiveRow], features: Features, mapping: Mapping[str, tuple[str, ...]]
) -> dict[str, float]:
    """Return accuracy@1 and @3 over all the classifier's tags, and the expected calibration error of the former.

    A category that speaks of several tags holds for any of them.
    """
    tag_ids = classifier.tag_ids
    probabilities = classifier.probabilities(features, tag_ids)
    order = np.argsort(-probabilities, axis=1)
    right = np.array([[tag in _asked(story, mapping) for tag in tag_ids] for story in stories], dtype=bool)[
        np.arange(len(stories))[:, None], order
    ]
    confidence = probabilities.max(axis=1)
    return {
        "accuracy_at_1": round(float(right[:, 0].mean()), 4),
        "accuracy_at_3": round(float(right[:, :3].any(axis=1).mean()), 4),
        "calibration_error": round(calibration_error(confidence, right[:, 0]), 4),
    }


def calibration_error(confidence: NDArray[np.float64], hits: NDArray[np.bool_], bins: int = 15) -> float:
    """Return the expected calibration error over bins of equal mass (Naeini et al., AAAI 2015)."""
    parts = np.array_split(np.argsort(confidence, kind="stable"), bins)
    gaps = [len(part) * abs(confidence[part].mean() - hits[part].mean()) for part in parts if len(part)]
    return float(sum(gaps) / len(confidence))


def _rows(
    stories: Sequence[ArchiveRow], features: Features, mapping: Mapping[str, tuple[str, ...]], prior: Classifier
) -> TrainingRows:
    """Turn stories into rows.

    Of a category's several tags a story is given the one that descriptions hold likeliest, if it stands out among them
    and no tag without a category is likelier; the category's other tags are left open.
    """
    tag_ids = prior.tag_ids
    place = {tag: column for column, tag in enumerate(tag_ids)}
    unlabeled = set(tag_ids) - {tag for tags in mapping.values() for tag in tags}
    others = [place[tag] for tag in sorted(unlabeled)]
    chances = prior.probabilities(features, tag_ids)
    chosen: list[dict[str, float]] = []
    left_open: list[tuple[int, int]] = []
    for row, story in enumerate(stories):
        columns = [place[tag] for tag in _asked(story, mapping)]
        best = int(np.argmax(chances[row, columns]))
        chance = chances[row, columns[best]]
        share = float(chance / chances[row, columns].sum())
        clear = len(columns) == 1 or (share >= _CLEAR and chances[row, others].max(initial=0.0) < chance)
        chosen.append({tag_ids[columns[best]]: share} if clear else {})
        left_open += [(row, column) for i, column in enumerate(columns) if not clear or i != best]
    rows = labeled_rows(chosen, features, tag_ids, unlabeled=unlabeled)
    for row, column in left_open:
        rows.weights[row, column] = 0.0
    return rows


def _evenly(rows: TrainingRows, seed: int) -> NDArray[np.intp]:
    """Return up to 6,000 rows, tags as evenly as the data allows."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(rows))
    tag = rows.targets.argmax(axis=1)
    rank = np.empty(len(rows), dtype=np.intp)
    seen: dict[int, int] = {}
    for row in order:
        rank[row] = seen.get(int(tag[row]), 0)
        seen[int(tag[row])] = int(rank[row]) + 1
    return np.sort(order[np.argsort(rank[order], kind="stable")][:MOST_REPLAYED])


def _asked(story: ArchiveRow, mapping: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag for category in story.tags for tag in mapping.get(category, ())))


def _plain(title: str) -> str:
    folded = unicodedata.normalize("NFKD", title.casefold())
    return "".join(character for character in folded if character.isalnum())


def stories_sha256(stories: Sequence[ArchiveRow]) -> str:
    """Return a digest of the stories that a model was made from, in their order."""
    digest = hashlib.sha256()
    for story in stories:
        digest.update("\x1f".join([story.title, story.text, story.url, *story.tags]).encode() + b"\x1e")
    return digest.hexdigest()
