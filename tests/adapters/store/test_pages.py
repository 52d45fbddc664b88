"""Tables page by page: each row once, in the order of the key, of this workspace only, with the cells that are said."""

from datetime import datetime
from typing import Any

import pytest

from tests.support.rows import NOON, TEAM, event, model, put_post, verdict
from tierbot.adapters.store import SqlStore
from tierbot.domain.nouns import Says, Vote
from tierbot.use_cases.ports import Cell, Transaction

PYTHON = {
    Cell.TEXT: str,
    Cell.TRAINER: str,
    Cell.INTEGER: int,
    Cell.NUMBER: float,
    Cell.FLAG: bool,
    Cell.TIME: datetime,
    Cell.NAMES: tuple,
    Cell.SHARES: dict,
    Cell.JSON: dict,
}


def filled(tx: Transaction) -> None:
    for number in range(5):
        put_post(tx, f"p{number}", ts=f"{number}.000001")
        tx.ledger.append(event(f"e{number}", ts=f"{number}.000001"))
        says = (
            Vote("U1", Says.NAMES, NOON, "food"),
            Vote("U1", Says.NAMES, NOON, "law"),
            Vote("U2", Says.UNSURE, NOON),
        )
        tx.ledger.replace_votes(f"p{number}", says, 1)
        tx.verdicts.add(verdict(f"p{number}"))
    tx.models.add(model(), b"weights")


def walked(tx: Transaction, name: str, limit: int) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    after = None
    while True:
        page = tx.table_pages.page(name, after, limit)
        assert len(page.rows) <= limit
        found += page.rows
        if page.next is None:
            return found
        after = page.next


def test_pages_of_any_size_hold_every_row_once_and_nothing_of_another_workspace(store: SqlStore) -> None:
    for team in (TEAM, "T-other"):
        with store.begin(team) as tx:
            filled(tx)
    with store.read(TEAM) as tx:
        assert {name: len(walked(tx, name, 1000)) for name in tx.table_pages.names()} == {
            "articles": 5,
            "predictions": 5,
            "posts": 5,
            "events": 5,
            "votes": 15,
            "verdicts": 5,
            "models": 1,
            "scores": 0,
        }
        for name in tx.table_pages.names():
            assert [walked(tx, name, limit) for limit in (1, 2, 5)] == [walked(tx, name, 1000)] * 3


@pytest.mark.parametrize("name", ["articles", "predictions", "posts", "events", "votes", "verdicts", "models"])
def test_every_cell_is_what_its_column_says(store: SqlStore, name: str) -> None:
    with store.begin(TEAM) as tx:
        filled(tx)
        columns = tx.table_pages.columns(name)
        for row in walked(tx, name, 1000):
            for column, value in zip(columns, row, strict=True):
                assert value is None or isinstance(value, PYTHON[column.cell]), (column, value)
