"""The bootstrap model: what divides its stories, what its mapping says, what is measured."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.worlds import ENCODER, TAG_IDS, TAGS, features, texts
from tierbot.domain.articles.rows import ArchiveRow
from tierbot.domain.nouns import TierbotError
from tierbot.domain.predict.coldstart import coldstart
from tierbot.domain.tags import default_tag_space
from tierbot.domain.training.bootstrap_model import (
    MappingError,
    build,
    earlier_and_later,
    parse_mapping,
    shipped_examples,
    shipped_mapping,
)
from tierbot.domain.training.rows import labeled_rows

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
DAWN = datetime(2020, 1, 1, tzinfo=UTC)
SAMPLES = [
    ("law", "verdict for the tenants"),
    ("space", "comet at dawn"),
    ("space", "dawn again"),
    ("food", "dinner for two"),
]
EXAMPLES = labeled_rows([{tag: 1.0} for tag, _ in SAMPLES], features([text for _, text in SAMPLES]), TAG_IDS)
MAPPING = {"KITCHEN": ("food",), "STARS": ("space",), "SHOW": ("music", "law")}


def labeled(title: str, tags: tuple[str, ...], published_at: datetime | None = None) -> ArchiveRow:
    return ArchiveRow(1, "", title, "", "", "", published_at, None, tags)


def test_the_shipped_mapping_names_shipped_tags_and_leaves_out_what_is_no_topic() -> None:
    mapping = parse_mapping(shipped_mapping(), "huffpost.toml", default_tag_space().ids)
    assert mapping["WORLDPOST"] == mapping["THE WORLDPOST"] == mapping["WORLD NEWS"] == ("world",)
    assert "U.S. NEWS" not in mapping


def test_every_default_tag_has_sample_texts_none_of_which_is_measured_on() -> None:
    samples = shipped_examples(default_tag_space().ids)
    assert set(samples) == set(default_tag_space().ids)
    assert min(len(texts) for texts in samples.values()) >= 6
    every = [text for texts in samples.values() for text in texts]
    assert len(every) == len(set(every))
    lines = [line for file in BENCHMARKS.glob("first_day_*.jsonl") for line in file.read_text().splitlines()]
    assert len(lines) == 200
    assert not set(every) & {json.loads(line)["text"] for line in lines}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[categories", r"m\.toml: .*Fix the TOML"),
        ("", r"m\.toml has no table \[categories\]"),
        ('[categories]\nA = "food"', r'"A" has no list'),
        ('[categories]\nA = ["chess"]', r'"A" has \'chess\', which isn\'t a tag'),
    ],
)
def test_a_mapping_that_cannot_be_used_is_named_with_the_remedy(text: str, told: str) -> None:
    with pytest.raises(MappingError, match=told):
        parse_mapping(text, "m.toml", TAG_IDS)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["Pizza!", "pizza", "P i z z a", "Rocket", "rocket .", "Court", "Song", "Café", "cafe\u0301"]
            ),
            st.sampled_from(["KITCHEN", "STARS", "OTHER"]),
            st.none() | st.integers(0, 9),
        ),
        max_size=30,
    )
)
def test_no_story_stands_on_both_sides(drawn: list[tuple[str, str, int | None]]) -> None:
    rows = [labeled(title, (tag,), None if day is None else DAWN + timedelta(days=day)) for title, tag, day in drawn]
    try:
        earlier, later = earlier_and_later(rows, MAPPING)
    except TierbotError as fault:
        assert "no dated stories" in str(fault)  # noqa: PT017 - both ends are right
        return

    def plain(title: str) -> str:
        return "".join(c for c in title.casefold().replace("e\u0301", "é") if c.isalnum())

    both = [plain(row.title) for row in (*earlier, *later)]
    assert len(both) == len(set(both))
    assert all(row.published_at is not None for row in later)
    dates = [row.published_at for row in earlier if row.published_at is not None]
    assert all(date < min(row.published_at for row in later if row.published_at) for date in dates)
    assert all(row.tags != ("OTHER",) for row in (*earlier, *later))


def test_of_two_copies_the_dated_one_is_kept() -> None:
    rows = [labeled("Pizza", ("KITCHEN",)), labeled("PIZZA", ("STARS",), DAWN), labeled("Moon", ("STARS",), DAWN)]
    earlier, later = earlier_and_later(rows, MAPPING)
    assert not earlier
    assert {row.tags for row in later} == {("STARS",)}


def test_a_model_is_built_measured_and_can_predict_every_tag() -> None:
    some, topics = texts(600, np.random.default_rng(1), words=3)
    category = {"food": "KITCHEN", "space": "STARS", "music": "SHOW", "law": "SHOW"}
    rows = [
        labeled(f"{text} {i}", (category[topic],), DAWN + timedelta(hours=i))
        for i, (text, topic) in enumerate(zip(some, topics, strict=True))
    ]
    mapping = {name: tags for name, tags in MAPPING.items() if name != "SHOW"} | {"SHOW": ("music",)}
    earlier, later = earlier_and_later(rows, mapping)
    sides = features([row.title for row in earlier]), features([row.title for row in later])
    prior = coldstart(TAGS, ENCODER.encode)
    classifier, replayed = build(earlier, later, sides, mapping, prior, examples=EXAMPLES, card={"command": "x"})
    card = classifier.card
    assert card["measured"]["later_stories"] == len(later) == 120
    assert card["measured"]["accuracy_at_3"] >= card["measured"]["accuracy_at_1"] > 0.6
    assert card["tags_with_data"] == ["food", "music", "space"]
    without_data = classifier.probabilities(features(["court judge ruling"]), TAG_IDS)[0]
    assert TAG_IDS[int(without_data.argmax())] == "law"
    assert 0 < len(replayed) <= len(earlier)
    assert card["data"]["examples"] == len(SAMPLES)
    without, _ = build(earlier, later, sides, mapping, prior, examples=EXAMPLES.times(0), card={})
    space, sample = TAG_IDS.index("space"), features(["dawn"])  # a word of sample texts only
    assert classifier.probabilities(sample, TAG_IDS)[0, space] > without.probabilities(sample, TAG_IDS)[0, space] + 0.1


def test_a_category_of_several_tags_gives_the_one_its_description_stands_out_for() -> None:
    titles = ["song band guitar", "court judge ruling", "today people say"] * 30
    rows = [labeled(f"{title} {i}", ("SHOW",), DAWN + timedelta(hours=i)) for i, title in enumerate(titles)]
    sides, prior = (features(titles), features(titles[-9:])), coldstart(TAGS, ENCODER.encode)
    _, replayed = build(rows, rows[-9:], sides, MAPPING, prior, examples=EXAMPLES, card={})
    named = replayed.targets.any(axis=1)
    tags = [TAG_IDS[place] for place in replayed.targets[named].argmax(axis=1)]
    assert set(tags) == {"music", "law"}
    other = {"music": "law", "law": "music"}
    for row, tag in zip(np.flatnonzero(named), tags, strict=True):
        assert replayed.weights[row, TAG_IDS.index(other[tag])] == 0  # left open
        assert replayed.weights[row, TAG_IDS.index("food")] > 0  # but surely not food
