"""How hashed words are weighed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierbot.domain.predict.features import COLUMNS, WORD_COLUMNS, hashed
from tierbot.domain.predict.tfidf import TfIdfWeights


def tfidf_of(texts: list[str], urls: list[str] | None = None, **numbers: float) -> TfIdfWeights:
    found = hashed(texts, urls)
    columns = np.flatnonzero(np.bincount(found.indices, minlength=COLUMNS)).astype(np.int32)
    return TfIdfWeights(columns, np.ones(len(columns), np.float32), **numbers)


@given(st.lists(st.text("abc ", max_size=20), min_size=1, max_size=5))
def test_a_text_of_known_words_has_the_word_vectors_length(texts: list[str]) -> None:
    weighed = tfidf_of(texts, word_scale=1.5).transform(hashed(texts))
    lengths = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1)).ravel())
    spoken = np.diff(hashed(texts).indptr) > 0
    assert np.allclose(lengths, np.where(spoken, 1.5, 0), atol=1e-5)


def test_unknown_words_make_the_known_ones_count_less() -> None:
    reading = tfidf_of(["pizza"])
    alone, among = (reading.transform(hashed([text])).sum() for text in ("pizza", "pizza zzz yyy"))
    assert alone == pytest.approx(1)
    assert among == pytest.approx(1 / np.sqrt(5))  # pizza, two unknown words, two unknown pairs


def test_a_known_site_counts_apart_from_the_words() -> None:
    reading = tfidf_of(["pizza"], ["https://a.example"], site_scale=0.5)
    weighed = reading.transform(hashed(["pizza"], ["https://a.example"]))
    assert sorted(weighed.data.tolist()) == [0.5, 1.0]
    assert reading.transform(hashed(["pizza"], ["https://b.example"])).nnz == 1


@pytest.mark.parametrize(("elsewhere", "counts"), [(0.0, 0.0), (0.5, 0.25), (1.0, 0.5), (3.2, 0.5)])
def test_a_site_counts_by_the_share_of_texts_that_come_from_elsewhere(elsewhere: float, counts: float) -> None:
    column = hashed([""], ["https://a.example"]).indices.astype(np.int32)
    reading = TfIdfWeights(column, np.array([elsewhere], np.float32), site_scale=0.5)
    assert reading.transform(hashed([""], ["https://a.example"])).sum() == pytest.approx(counts)


def test_weights_keep_their_effect_in_a_wider_reading() -> None:
    narrow = tfidf_of(["pizza oven"], ["https://a.example"], word_scale=2.0, site_scale=1.0)
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((len(narrow.columns), 3)).astype(np.float32)
    wide = tfidf_of(["pizza oven rocket"], ["https://a.example/b"]).widened(narrow.columns)
    moved = wide.translated(weights, narrow)
    text = hashed(["pizza oven"], ["https://a.example"])
    assert np.allclose(wide.transform(text) @ moved, narrow.transform(text) @ weights, atol=1e-5)


def test_columns_that_a_reading_lacks_are_dropped_in_translation() -> None:
    other = TfIdfWeights(np.array([3, 9, WORD_COLUMNS + 1], np.int32), np.ones(3, np.float32))
    mine = TfIdfWeights(np.array([9], np.int32), np.ones(1, np.float32))
    assert mine.translated(np.array([[1.0], [2.0], [3.0]], np.float32), other).tolist() == [[2.0]]
    empty = TfIdfWeights(np.zeros(0, np.int32), np.zeros(0, np.float32))
    assert empty.translated(np.ones((3, 2), np.float32), other).shape == (0, 2)
    assert mine.translated(np.ones((0, 2), np.float32), empty).tolist() == [[0.0, 0.0]]
