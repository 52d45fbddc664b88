"""Two stages: what the first settles costs no encoding, what it leaves is answered as if there were no first."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from tests.support.pupils import WordEncoder, champion, pieces, stories
from tests.support.worlds import TAG_IDS
from tierbot.domain.predict.cascade import FirstStage, answers
from tierbot.domain.predict.classifier import UnknownTagError
from tierbot.domain.predict.tensors import ModelFileError
from tierbot.domain.training.distil import teach

MODEL = champion()
ARTICLES, _, EMBEDDINGS = stories(200, seed=5, words=1)


@cache
def student() -> FirstStage:
    articles, _, embeddings = stories(600, seed=1, words=1)
    first = teach(articles, embeddings, MODEL, TAG_IDS, pieces(), new=np.ones(600, dtype=bool))
    expected = first.deferral.expected_loss(first.probabilities(ARTICLES, TAG_IDS))
    return replace(first, deferral=replace(first.deferral, threshold=float(np.median(expected))))


def test_each_stage_speaks_of_its_own_articles_only() -> None:
    encoder, first = WordEncoder(), student()
    found = answers(ARTICLES, TAG_IDS, model=MODEL, encode=encoder.encode, first=first)  # type: ignore[arg-type]
    alone, full = first.probabilities(ARTICLES, TAG_IDS), MODEL.predict(ARTICLES, EMBEDDINGS, TAG_IDS)
    assert 0 < found.first.sum() < len(ARTICLES)
    assert encoder.encoded == (~found.first).sum()
    assert np.allclose(found.probabilities[found.first], alone[found.first])
    assert np.allclose(found.probabilities[~found.first], full[~found.first], atol=1e-5)
    assert np.array_equal(found.first, first.deferral.settled(alone))
    assert [harness == "first" for harness in found.stages] == found.first.tolist()


def test_without_a_first_stage_the_model_answers_for_all() -> None:
    found = answers(ARTICLES, TAG_IDS, model=MODEL, encode=WordEncoder().encode, first=None)  # type: ignore[arg-type]
    assert np.allclose(found.probabilities, MODEL.predict(ARTICLES, EMBEDDINGS, TAG_IDS))
    assert set(found.stages) == {"full"}


def test_no_articles_are_no_answers() -> None:
    found = answers([], TAG_IDS, model=MODEL, encode=WordEncoder().encode, first=student())  # type: ignore[arg-type]
    assert found.probabilities.shape == (0, len(TAG_IDS))
    assert found.stages == []


def test_a_tag_that_it_never_learned_is_an_error() -> None:
    with pytest.raises(UnknownTagError, match="gardens"):
        student().probabilities(ARTICLES, (*TAG_IDS, "gardens"))


def test_in_which_order_the_tags_are_given_does_not_matter() -> None:
    turned = TAG_IDS[::-1]
    straight, reverse = (student().probabilities(ARTICLES, tags) for tags in (TAG_IDS, turned))
    assert np.array_equal(student().settled(straight, TAG_IDS), student().settled(reverse, turned))


def test_read_back_it_says_the_same_and_is_the_same_bytes() -> None:
    data = student().to_bytes()
    again = FirstStage.from_bytes(data)
    assert np.allclose(again.probabilities(ARTICLES, TAG_IDS), student().probabilities(ARTICLES, TAG_IDS), atol=1e-6)
    assert again.to_bytes() == data
    assert again.deferral.threshold == student().deferral.threshold
    assert np.array_equal(again.deferral.weights, student().deferral.weights)
    assert (again.taught, again.settles) == (600, student().settles)


def test_damaged_bytes_are_named() -> None:
    with pytest.raises(ModelFileError, match="the student is damaged"):
        FirstStage.from_bytes(student().to_bytes()[:-9], "the student")
