"""A classifier from descriptions alone."""

import numpy as np

from tests.support.worlds import ENCODER, TAG_IDS, TAGS, features, texts
from tierbot.domain.nouns import Tag
from tierbot.domain.predict.coldstart import coldstart, phrases


def test_a_description_is_taken_apart_into_its_topics() -> None:
    tag = Tag("booze", "Booze", "beers", "🍻", "Beer, wine; whisky and bars")
    assert phrases(tag) == ["Booze", "Beer", "wine", "whisky", "bars"]


def test_texts_that_share_a_descriptions_words_get_its_tag() -> None:
    some, topics = texts(300, np.random.default_rng(1), words=4)
    p = coldstart(TAGS, ENCODER.encode).probabilities(features(some), TAG_IDS)
    hits = [TAG_IDS[top] == topic for top, topic in zip(p.argmax(axis=1), topics, strict=True)]
    assert np.mean(hits) > 0.6  # by chance 0.25; many texts have no word of their description


def test_a_word_of_two_descriptions_is_shared_between_them() -> None:
    pair = [Tag("a", "Aa", "a", "a", "shared, first"), Tag("b", "Bb", "b", "b", "shared, second")]
    model = coldstart(pair, ENCODER.encode)
    weights = {tuple(row) for row in np.round(model.words, 4).tolist()}
    both = [row for row in weights if row[0] and row[1]]
    alone = max(max(row) for row in weights)
    assert both
    assert all(row[0] == row[1] and abs(2 * row[0] - alone) < 0.01 for row in both)


def test_a_tag_whose_name_and_description_say_the_same_is_fine() -> None:
    model = coldstart([Tag("a", "Tea", "tea", "🍵", "Tea"), Tag("b", "Cars", "car", "🚗", "Cars")], ENCODER.encode)
    assert np.isfinite(model.probabilities(features(["", "tea"]), model.tag_ids)).all()
