"""Articles and embeddings: each once, exactly as given, the newest first."""

from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from tests.support.rows import MINUTE, NOON, TEAM, article, put_post
from tierbot.adapters.store import SqlStore
from tierbot.domain.nouns import Copy


def test_an_article_comes_back_as_it_went_in(store: SqlStore) -> None:
    full = article(image_url="https://example.org/i.png", copies=3)
    bare = article("a2", text="", published_at=None)
    with store.begin(TEAM) as tx:
        assert tx.articles.add([full, bare]) == 2
    with store.read(TEAM) as tx:
        assert tx.articles.get(["a1", "a2", "nobody"]) == {"a1": full, "a2": bare}


def test_adding_again_changes_nothing_and_is_not_counted(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        assert tx.articles.add([article()]) == 1
        assert tx.articles.add([article(title="changed"), article("a2"), article("a2")]) == 1
        assert tx.articles.get(["a1"]) == {"a1": article()}
        assert tx.articles.add([]) == 0
        assert tx.articles.count() == 2


def test_moments_keep_their_microseconds_and_become_utc(store: SqlStore) -> None:
    delhi = timezone(timedelta(hours=5, minutes=30))
    local = datetime(2026, 3, 29, 2, 30, 0, 1, tzinfo=delhi)
    with store.begin(TEAM) as tx:
        tx.articles.add([article(received_at=local)])
        kept = tx.articles.get(["a1"])["a1"].received_at
    assert kept == local
    assert kept.utcoffset() == timedelta(0)


def test_a_moment_without_a_time_zone_is_refused(store: SqlStore) -> None:
    with pytest.raises(Exception, match="naive datetime 2026-03-02"), store.begin(TEAM) as tx:
        tx.articles.add([article(received_at=datetime(2026, 3, 2))])


def test_text_that_postgresql_cannot_hold_is_kept_with_replacement_characters(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.articles.add([article(title="nul\x00 and half a pair \ud83c end 🍕")])
        assert tx.articles.get(["a1"])["a1"].title == "nul\ufffd and half a pair \ufffd end 🍕"


def test_thousands_are_added_at_once(store: SqlStore) -> None:
    many = [article(f"a{number}") for number in range(1300)]
    with store.begin(TEAM) as tx:
        assert tx.articles.add(many) == 1300
        assert tx.articles.add([*many, article("new")]) == 1
        assert len(tx.articles.get(one.id for one in many)) == 1300


def test_recent_articles_come_newest_first_up_to_the_limit(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.articles.add([article(f"a{number}", received_at=NOON + number * MINUTE) for number in range(4)])
        assert [one.id for one in tx.articles.recent(NOON + MINUTE, 9)] == ["a3", "a2", "a1"]
        assert [one.id for one in tx.articles.recent(NOON, 2)] == ["a3", "a2"]


def test_an_article_waits_until_its_first_post(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.articles.add([article("late", received_at=NOON + MINUTE), article("early")])
        put_post(tx, "p1", ts=None)
        assert [one.id for one in tx.articles.waiting(9)] == ["late", "early"]
        assert [one.id for one in tx.articles.waiting(1)] == ["late"]


def test_a_copy_met_twice_counts_once(store: SqlStore) -> None:
    copies = [Copy("c1", "a1", "two.example"), Copy("c2", "a1", "two.example"), Copy("c3", "a2", "three.example")]
    with store.begin(TEAM) as tx:
        tx.articles.add([article("a1"), article("a2")])
        assert tx.articles.add_copies([*copies, copies[0]]) == 3
        assert tx.articles.add_copies([copies[1], Copy("c4", "a1", "four.example")]) == 1
        assert {key: one.copies for key, one in tx.articles.get(["a1", "a2"]).items()} == {"a1": 4, "a2": 2}


def test_sources_are_counted_once_each_the_articles_own_included(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.articles.add([article("a1"), article("a2")])
        tx.articles.add_copies(
            [Copy("c1", "a1", "example.org"), Copy("c2", "a1", "b.example"), Copy("c3", "a1", "b.example")]
        )
        assert tx.articles.sources(["a1", "a2", "nobody"]) == {"a1": 2, "a2": 1}


def test_an_embedding_comes_back_bit_for_bit(store: SqlStore) -> None:
    vector = np.random.default_rng(0).normal(size=384).astype(np.float32)
    with store.begin(TEAM) as tx:
        tx.articles.add([article("a1"), article("a2")])
        tx.articles.add_embeddings("digest", {"a1": vector, "a2": vector[::-1]})
        found = tx.articles.embeddings("digest", ["a1", "a2", "nobody"])
        assert tx.articles.embeddings("another", ["a1"]) == {}
        assert tx.articles.embedded("digest", ["a1", "nobody"]) == {"a1"}
        assert tx.articles.embedded("another", ["a1"]) == set()
    assert found.keys() == {"a1", "a2"}
    np.testing.assert_array_equal(found["a1"], vector)
    np.testing.assert_array_equal(found["a2"], vector[::-1])
    assert found["a1"].dtype == np.float32
    assert found["a1"].flags.writeable


def test_articles_without_an_embedding_are_found_for_each_encoder_apart(store: SqlStore) -> None:
    vector = np.ones(2, np.float32)
    with store.begin(TEAM) as tx:
        tx.articles.add([article("a1"), article("a2", received_at=NOON + MINUTE)])
        assert [one.id for one in tx.articles.without_embedding("old", 9)] == ["a2", "a1"]
        tx.articles.add_embeddings("old", {"a1": vector})
        assert [one.id for one in tx.articles.without_embedding("old", 9)] == ["a2"]
        tx.articles.add_embeddings("new", {"a1": vector, "a2": vector})
        assert tx.articles.without_embedding("new", 9) == []
        assert [one.id for one in tx.articles.without_embedding("old", 9)] == ["a2"]
        assert [one.id for one in tx.articles.without_embedding("third", 1)] == ["a2"]


def test_embedding_again_keeps_the_first(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.articles.add([article()])
        tx.articles.add_embeddings("digest", {"a1": np.ones(2, np.float32)})
        tx.articles.add_embeddings("digest", {"a1": np.zeros(2, np.float32)})
        assert tx.articles.embeddings("digest", ["a1"])["a1"].tolist() == [1, 1]
