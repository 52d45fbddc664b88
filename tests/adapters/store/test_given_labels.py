"""Given labels: one an article, the last import's, and whoever has one waits no longer to be asked about."""

from tests.support.rows import MINUTE, NOON, TEAM, article
from tierbot.adapters.store import SqlStore
from tierbot.domain.nouns import GivenLabel


def test_the_last_label_given_for_an_article_counts(store: SqlStore) -> None:
    first = GivenLabel("a1", {"food": 1.0}, "old.jsonl", NOON)
    second = GivenLabel("a1", {"law": 0.5, "food": 1.0}, "new.jsonl", NOON + MINUTE)
    other = GivenLabel("a2", {"law": 1.0}, "new.jsonl", NOON)
    with store.begin(TEAM) as tx:
        tx.articles.add([article("a1"), article("a2")])
        assert tx.given_labels.put([first, other]) == 2
        assert tx.given_labels.put([second]) == 1
        assert tx.given_labels.sample(9) == [second, other]
        assert tx.given_labels.sample(1) == [second]


def test_an_article_with_a_label_is_not_asked_about(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.articles.add([article("a1"), article("a2")])
        tx.given_labels.put([GivenLabel("a1", {"food": 1.0}, "s", NOON)])
        assert [one.id for one in tx.articles.waiting(9)] == ["a2"]


def test_another_workspace_has_its_own_labels(store: SqlStore) -> None:
    with store.begin("other") as tx:
        tx.articles.add([article("a1")])
        tx.given_labels.put([GivenLabel("a1", {"food": 1.0}, "s", NOON)])
    with store.begin(TEAM) as tx:
        assert tx.given_labels.sample(9) == []
