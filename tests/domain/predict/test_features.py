"""What is read of a text: its embedding, its words, its site."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from tests.support.worlds import features
from tierbot.domain.predict.features import COLUMNS, WORD_COLUMNS, Features, hashed, joined, site_tokens, word_tokens


def same(left: sparse.csr_array, right: sparse.csr_array) -> bool:
    return left.shape == right.shape and not abs(left - right).sum()


def test_words_are_lower_case_and_pairs_are_of_neighbours() -> None:
    assert list(word_tokens("C++ IS fun, is C#?")) == ["c++", "is", "fun", "is", "c#", "c++ is", "is fun", "fun is", "is c#"]  # fmt: skip


def test_a_site_is_the_host_and_its_section() -> None:
    assert list(site_tokens("https://www.example.org/sports/x?y=1")) == ["example.org", "example.org/sports"]
    assert list(site_tokens("https://example.org")) == ["example.org"]


@pytest.mark.parametrize("url", ["", "no address", "http://[broken", "mailto:a@b.example"])
def test_what_is_no_address_names_no_site(url: str) -> None:
    assert list(site_tokens(url)) == []


def test_words_and_sites_have_columns_of_their_own() -> None:
    with_site, without = hashed(["a story"], ["https://example.org"]), hashed(["a story"])
    assert with_site.shape == (1, COLUMNS)
    assert set(without.indices) < set(with_site.indices)
    assert all(column >= WORD_COLUMNS for column in set(with_site.indices) - set(without.indices))


def test_a_word_said_twice_counts_as_said() -> None:
    assert set(hashed(["pizza pizza pizza"]).data) == {1.0}


@given(st.lists(st.text(max_size=60), max_size=6))
def test_any_text_has_features_one_row_each_and_the_same_twice(some: list[str]) -> None:
    first, again = hashed(some), hashed(some)
    assert first.shape == (len(some), COLUMNS)
    assert same(first, again)


def test_a_text_of_twenty_thousand_words_is_known_by_its_beginning() -> None:
    long = "pizza " * 20_000
    assert same(hashed([long]), hashed([long + "rocket"]))


def test_rows_are_taken_and_joined_in_order() -> None:
    whole = features(["pizza oven", "rocket moon", "court judge"])
    back = joined([whole.take([2]), whole.take([0, 1])]).take([1, 2, 0])
    assert np.array_equal(back.embeddings, whole.embeddings)
    assert same(back.words, whole.words)


def test_embeddings_of_another_number_of_texts_are_refused() -> None:
    whole = features(["pizza oven", "rocket moon"])
    with pytest.raises(ValueError, match="don't match"):
        Features(whole.embeddings[:1], whole.words)
    with pytest.raises(ValueError, match="addresses"):
        hashed(["one"], ["https://a.example", "https://b.example"])
    with pytest.raises(ValueError, match="No features"):
        joined([])
