"""An archive as the backtest replays it: its order, its tags, each story once; texts encoded once."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.support.archives import row
from tierbot.adapters.encoders.hashing import HashingEncoder
from tierbot.domain.nouns import TierbotError
from tierbot.domain.tags import default_tag_space
from tierbot.simulate.archive import EncodedArchive, labeled_archive


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


class CountingEncoder(HashingEncoder):
    """Remembers which texts it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.texts += texts
        return super().encode(texts)


def test_rows_come_in_order_of_date() -> None:
    rows = [row(1, "late", "food", day=9), row(2, "early", "law", day=1), row(3, "middle", "law", day=5)]
    assert [article.title for article in labeled_archive(rows, rng()).articles] == ["early", "middle", "late"]


@given(st.lists(st.none() | st.integers(0, 50), min_size=2, max_size=30), st.integers(0, 99))
def test_dated_rows_stay_in_order_and_undated_ones_are_spread_by_seed(days: list[int | None], seed: int) -> None:
    rows = [row(i, f"story {i}", "food" if i % 2 else "law", day=day) for i, day in enumerate(days)]
    archive = labeled_archive(rows, rng(seed))
    assert archive.articles == labeled_archive(rows, rng(seed)).articles
    assert sorted(article.title for article in archive.articles) == sorted(one.title for one in rows)
    dates = [article.published_at for article in archive.articles if article.published_at]
    assert dates == sorted(dates)


def test_rows_without_dates_are_shuffled() -> None:
    rows = [row(i, f"story {i}", "food" if i % 2 else "law") for i in range(50)]
    first, second = (labeled_archive(rows, rng(seed)).articles for seed in (0, 1))
    assert first != second


def test_a_story_told_twice_counts_once_and_a_repeated_id_does_not_hide_another() -> None:
    again = replace(row(1, "one", "law", day=2), line=7)
    other = replace(row(2, "two", "law", day=3), id="r1")
    archive = labeled_archive([row(1, "one", "food", day=1), again, other], rng())
    assert (len(archive), archive.folded) == (2, 1)
    assert archive.true_tags == (("food",), ("law",))


def test_tags_are_made_of_the_archives_labels_or_belong_to_a_given_space() -> None:
    rows = [row(1, "one", "FOOD & DRINK", "Law"), row(2, "two", "Law")]
    assert labeled_archive(rows, rng()).tags.ids == ("food-drink", "law")
    given_space = labeled_archive(rows, rng(), default_tag_space())
    assert given_space.tags.ids == default_tag_space().ids
    assert set(given_space.true_tags) == {("law",)}  # the other label is none of its tags


def test_rows_without_a_known_tag_are_left_out_and_counted() -> None:
    rows = [row(1, "one", "food"), row(2, "two", "law"), row(3, "three"), row(4, "four", "law", text="")]
    archive = labeled_archive([*rows, replace(rows[1], title="", text="", url="")], rng())
    assert (len(archive), archive.unlabeled) == (3, 2)


def test_an_archive_with_one_tag_is_refused_with_the_reason() -> None:
    with pytest.raises(TierbotError, match="at least two distinct tags, but the archive has 1"):
        labeled_archive([row(1, "one", "food"), row(2, "two", "food")], rng())


def test_each_article_is_embedded_once_and_only_when_asked_for() -> None:
    encoder = CountingEncoder()
    archive = labeled_archive([row(i, f"story {i}", "food" if i % 2 else "law", day=i) for i in range(6)], rng())
    encoded = EncodedArchive(archive, encoder, lambda _: None)
    first = encoded.features([3, 1])
    again = encoded.features([1, 3, 5])
    assert sorted(encoder.texts) == ["story 1", "story 3", "story 5"]
    np.testing.assert_array_equal(first.embeddings[0], again.embeddings[1])
    assert encoded.embeddings([]).shape == (0, 64)
