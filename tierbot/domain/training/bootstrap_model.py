"""Builds the bootstrap model that ships, from a labeled archive, the tags' descriptions and sample texts for each tag."""

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.articles.rows import ArchiveRow
from tierbot.domain.nouns import TierbotError
from tierbot.domain.predict.classifier import Classifier
from tierbot.domain.predict.features import Features
from tierbot.domain.toml_text import parse_toml
from tierbot.domain.training.calibrate import Calibration, calibrate
from tierbot.domain.training.fit import fit
from tierbot.domain.training.rows import TrainingRows, joined_rows, labeled_rows

LATER_SHARE = 0.2
MOST_REPLAYED = 6000
# The weight of a replayed row relative to a verdict. The model itself is the prior of retraining; the rows only keep it
# in place. On two streams of verdicts, more weight (0.5, 1) learned less, and none forgot more.
REPLAY_WEIGHT = 0.1
_CALIBRATED_ON = 3000
_SEED = 0
# The weight of the descriptions' scores next to the archive's: the archive reflects one publisher's habits, the
# descriptions the meaning. More weight loses accuracy on that publisher and gains it elsewhere.
DESCRIPTIONS_SHARE = 0.7
_WITHOUT_DATA = 0.15  # of an even share of the stories: the most for which a tag without data becomes the likeliest
_EXAMPLE_WEIGHT = 10.0  # of a sample text next to a story: there are ten of them for a tag, and thousands of stories
_CLEAR = 0.4  # the probability share at which a story gets the likeliest of its category's several tags


class MappingError(TierbotError):
    """An invalid mapping from categories to tags; the text names the file and the fix."""


def shipped_mapping() -> str:
    """Return the text of the mapping that ships, from HuffPost's categories to the default tags."""
    return resources.files("tierbot.domain.training").joinpath("huffpost.toml").read_text(encoding="utf-8")


def shipped_examples(tag_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the sample texts that ship, for each of these tags that has some."""
    text = resources.files("tierbot.domain.training").joinpath("examples.toml").read_text(encoding="utf-8")
    table = parse_toml(text, "examples.toml", MappingError)["examples"]
    return {tag: tuple(table[tag]) for tag in tag_ids if tag in table}


def parse_mapping(text: str, name: str, tag_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Read the tags of each category from TOML text; MappingError, which calls the file `name`, if it is invalid."""
    table = parse_toml(text, name, MappingError).get("categories")
    if not isinstance(table, dict) or not table:
        raise MappingError(f'{name} has no table [categories]. Add it, with lines like "CRIME" = ["crime"].')
    known = set(tag_ids)
    for category, tags in table.items():
        if not isinstance(tags, list) or not tags:
            raise MappingError(f'{name}: the category "{category}" has no list of tags. Add some, or leave it out.')
        unknown = [tag for tag in tags if tag not in known]
        if unknown:
            raise MappingError(f'{name}: "{category}" has {unknown[0]!r}, which isn\'t a tag. Correct it.')
    return {str(category): tuple(tags) for category, tags in table.items()}


def earlier_and_later(
    stories: Sequence[ArchiveRow], mapping: Mapping[str, tuple[str, ...]]
) -> tuple[list[ArchiveRow], list[ArchiveRow]]:
    """Split the mapped stories into earlier ones for training and the latest fifth of the dated ones for measuring.

    Of stories with the same letters and digits in the title, one is kept, preferably a dated one, so that no story is
    on both sides.
    """
    kept: dict[str, ArchiveRow] = {}
    for story in stories:
        title = "".join(filter(str.isalnum, unicodedata.normalize("NFKD", story.title.casefold())))
        if title not in kept or (kept[title].published_at is None and story.published_at is not None):
            kept[title] = story
    mapped = [story for story in kept.values() if _asked(story, mapping)]
    dates = sorted(story.published_at for story in mapped if story.published_at is not None)
    if not dates:
        raise TierbotError("The archive has no dated stories to measure the model on. Use one with dates.")
    first_later = dates[min(len(dates) - 1, int((1 - LATER_SHARE) * len(dates)))]
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
    examples: TrainingRows,
    card: Mapping[str, Any],
) -> tuple[Classifier, TrainingRows]:
    """Return the model fitted to the earlier stories and measured on the later ones, and the rows to replay.

    features: of the earlier and of the later stories. prior: the model from all tags' descriptions and sample texts.
    examples: the sample texts as rows.
    """
    rows = _rows(earlier, features[0], mapping, prior)
    covered = sorted({tag for tags in mapping.values() for tag in tags})
    order = np.random.default_rng(_SEED).permutation(len(rows))
    aside = min(_CALIBRATED_ON, len(rows) // 5)
    held, taught = rows.take(order[:aside]), rows.take(order[aside:])
    fitted = fit(joined_rows([taught, examples.times(_EXAMPLE_WEIGHT)]), prior, seed=_SEED)
    fitted = replace(
        fitted,
        dense=fitted.dense + DESCRIPTIONS_SHARE * prior.dense,
        bias=fitted.bias + DESCRIPTIONS_SHARE * prior.bias,
        words=fitted.words + DESCRIPTIONS_SHARE * fitted.tfidf.translated(prior.words, prior.tfidf),
    )
    fitted = _capped(fitted, taught.features.take(_evenly(taught)), set(fitted.tag_ids) - set(covered))
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
        "seed": _SEED,
        "tags": len(classifier.tag_ids),
        "tags_with_data": covered,
        "data": {"stories": len(earlier), "sha256": _sha256(earlier), "examples": len(examples)},
        "measured": measured,
    }
    return replace(classifier, card=about), rows.take(_evenly(rows)).times(REPLAY_WEIGHT)


def _capped(model: Classifier, features: Features, tags: set[str]) -> Classifier:
    """Lower the biases of the given tags, which have no stories, so that each is the likeliest for a small share at most."""
    scores, bias = model.scores(features), model.bias.copy()
    share = _WITHOUT_DATA / len(model.tag_ids)
    for column in (model.tag_ids.index(tag) for tag in sorted(tags)):
        others = np.delete(scores, column, axis=1).max(axis=1)
        bias[column] -= max(0.0, float(np.quantile(scores[:, column] - others, 1 - share)))
    return replace(model, bias=bias)


def measure(
    classifier: Classifier, stories: Sequence[ArchiveRow], features: Features, mapping: Mapping[str, tuple[str, ...]]
) -> dict[str, float]:
    """Return accuracy@1 and @3 (any of a category's tags is right), and the expected calibration error of the former."""
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


def calibration_error(confidence: NDArray[np.float64], hits: NDArray[np.bool_]) -> float:
    """Return the expected calibration error over 15 bins of equal mass (Naeini et al., AAAI 2015)."""
    parts = np.array_split(np.argsort(confidence, kind="stable"), 15)
    gaps = [len(part) * abs(confidence[part].mean() - hits[part].mean()) for part in parts if len(part)]
    return float(sum(gaps) / len(confidence))


def _rows(
    stories: Sequence[ArchiveRow], features: Features, mapping: Mapping[str, tuple[str, ...]], prior: Classifier
) -> TrainingRows:
    """Turn stories into rows.

    If a category has several tags, a story gets the one that is likeliest according to the descriptions, provided that
    it stands out and no tag without a category is likelier. The category's other tags get weight 0.
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


def _evenly(rows: TrainingRows) -> NDArray[np.intp]:
    """Return up to 6,000 rows, balanced over the tags as far as possible."""
    order = np.random.default_rng(_SEED).permutation(len(rows))
    tag = rows.targets.argmax(axis=1)
    rank = np.empty(len(rows), dtype=np.intp)
    seen: Counter[int] = Counter()
    for row in order:
        rank[row] = seen[tag[row]]
        seen[tag[row]] += 1
    return np.sort(order[np.argsort(rank[order], kind="stable")][:MOST_REPLAYED])


def _asked(story: ArchiveRow, mapping: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag for category in story.tags for tag in mapping.get(category, ())))


def _sha256(stories: Sequence[ArchiveRow]) -> str:
    digest = hashlib.sha256()
    for story in stories:
        digest.update("\x1f".join([story.title, story.text, story.url, *story.tags]).encode() + b"\x1e")
    return digest.hexdigest()
