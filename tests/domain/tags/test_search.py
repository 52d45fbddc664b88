"""People find a tag by the word that they have in mind."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierbot.domain.tags import default_tag_space
from tierbot.domain.tags.search import search_tags

TAGS = default_tag_space().active


def ids(text: str) -> list[str]:
    return [tag.id for tag in search_tags(TAGS, text)]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("film", "movies"), ("job", "work"), ("ai", "ai"), ("AI", "ai"), ("pizza", "food"), ("NBA", "basketball"),
        ("artificial intelligence", "ai"), ("cinema", "movies"), ("théatre", "theatre"), ("Mental Health", "mental-health"),
        ("tv", "television"), ("real estate", "housing"), ("socer", "soccer"), ("cooking", "food"), ("dog", "pets"),
    ],
)  # fmt: skip
def test_the_tag_that_is_meant_comes_first(typed: str, first: str) -> None:
    assert ids(typed)[0] == first


def test_sport_finds_every_sport_and_no_passport() -> None:
    found = ids("sport")
    assert {"soccer", "basketball", "football", "baseball", "tennis", "olympics"} <= set(found[:8])
    assert "immigration" not in found


def test_a_tag_must_fit_every_word() -> None:
    assert ids("world cup")[0] == "soccer"
    assert ids("qwertyuiop") == []


def test_without_words_all_tags_are_there_in_their_order() -> None:
    assert ids("") == ids("  :-) ") == [tag.id for tag in TAGS]


@given(st.text(max_size=40))
def test_whatever_is_typed_each_tag_is_found_at_most_once(text: str) -> None:
    found = ids(text)
    assert len(found) == len(set(found))


@given(st.sampled_from(TAGS))
def test_every_tag_is_found_by_its_name(tag) -> None:  # type: ignore[no-untyped-def]
    assert tag in search_tags(TAGS, tag.name)[:3]
