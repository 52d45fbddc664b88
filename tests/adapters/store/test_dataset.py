"""Pages of settled posts: all of them once, in the order in which they settled, and what changed since a cursor."""

from tests.support.rows import MINUTE, NOON, TEAM, prediction, put_post, verdict
from tierbot.adapters.store import SqlStore
from tierbot.domain.nouns import Arm
from tierbot.use_cases.ports import LabelledPost, Transaction


def settled(tx: Transaction, count: int) -> None:
    for number in range(count):
        arm = Arm.BLANK if number % 2 else Arm.TIER
        put_post(tx, f"p{number}", ts=f"{number}.0", round_number=1 + number // 3, arm=arm)
        tx.verdicts.add(verdict(f"p{number}"))


def walked(tx: Transaction, after: int, limit: int, **only: object) -> list[str]:
    found = []
    while page := tx.dataset.page(after, limit, **only):
        assert len(page) <= limit
        found += [item.post.id for _, item in page]
        after = page[-1][0]
    return found


def test_pages_of_any_size_hold_every_settled_post_once_in_order(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        settled(tx, 7)
        put_post(tx, "unsettled", ts="99.0")
        for limit in (1, 2, 3, 7, 100):
            assert walked(tx, 0, limit) == [f"p{number}" for number in range(7)]


def test_a_page_has_post_prediction_and_newest_verdict_together(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        made = put_post(tx)
        tx.verdicts.add(verdict())
        newer = verdict(ledger_cursor=2, settled_at=NOON + MINUTE)
        tx.verdicts.add(newer)
        ((number, item),) = tx.dataset.page(0, 9)
        assert item == LabelledPost(made, prediction("d-p1", article_id="a-p1"), newer)
        assert number == tx.dataset.cursor()


def test_after_a_cursor_comes_what_settled_since_and_what_settled_anew(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        assert tx.dataset.cursor() == 0
        settled(tx, 3)
        cursor = tx.dataset.cursor()
        assert walked(tx, cursor, 2) == []
        tx.verdicts.add(verdict("p0", ledger_cursor=2))
        put_post(tx, "new", ts="99.0")
        tx.verdicts.add(verdict("new"))
        assert walked(tx, cursor, 1) == ["p0", "new"]
        assert walked(tx, 0, 2) == ["p1", "p2", "p0", "new"]


def test_a_filter_that_empties_whole_pages_does_not_end_the_walk(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        settled(tx, 9)
        assert walked(tx, 0, 1, rounds=[3]) == ["p6", "p7", "p8"]
        assert walked(tx, 0, 2, rounds=[1, 3], arms=[Arm.BLANK]) == ["p1", "p7"]
        assert walked(tx, 0, 2, rounds=[]) == []


def test_another_workspaces_verdicts_are_neither_paged_nor_counted(store: SqlStore) -> None:
    with store.begin("other") as tx:
        settled(tx, 2)
    with store.begin(TEAM) as tx:
        assert tx.dataset.cursor() == 0
        assert tx.dataset.page(0, 9) == []
