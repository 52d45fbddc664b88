"""SQLite's query plans: no question walks through a whole history to answer about the present.

SQLite has no statistics here, as in a young database: a plan must be good without them.
"""

import re
from collections.abc import Callable

import pytest
from sqlalchemy import event as sql_event

from tests.support.rows import MINUTE, NOON, TEAM, delivery, event, put_post, round_, verdict
from tierbot.adapters.store import SqlStore, open_store
from tierbot.domain.nouns import Arm, Says, Vote
from tierbot.use_cases.ports import Transaction

READS: dict[str, Callable[[Transaction], object]] = {
    "articles.get": lambda tx: tx.articles.get(["a-p1", "a-p2"]),
    "articles.recent": lambda tx: tx.articles.recent(NOON, 9),
    "articles.waiting": lambda tx: tx.articles.waiting(9),
    "articles.without_embedding": lambda tx: tx.articles.without_embedding("digest", 9),
    "articles.sources": lambda tx: tx.articles.sources(["a-p1", "a-p2"]),
    "posts.get": lambda tx: tx.posts.get("p1"),
    "posts.at": lambda tx: tx.posts.at("C1", "1.0"),
    "posts.in_round": lambda tx: tx.posts.in_round(1),
    "posts.open": lambda tx: tx.posts.open(NOON),
    "posts.unsettled": lambda tx: tx.posts.unsettled(),
    "posts.predictions": lambda tx: tx.posts.predictions(["d-p1", "d-p2"]),
    "ledger.events": lambda tx: tx.ledger.events("C1", "1.0"),
    "ledger.cursor": lambda tx: tx.ledger.cursor("C1", "1.0"),
    "ledger.untallied": lambda tx: tx.ledger.untallied(9),
    "ledger.cursors": lambda tx: tx.ledger.cursors(["p1", "p2"]),
    "ledger.votes": lambda tx: tx.ledger.votes(["p1", "p2"]),
    "ledger.votes_in_round": lambda tx: tx.ledger.votes_in_round(1),
    "ledger.votes_by": lambda tx: tx.ledger.votes_by("U1", NOON),
    "verdicts.latest": lambda tx: tx.verdicts.latest(["p1", "p2"]),
    "verdicts.settled": lambda tx: tx.verdicts.settled(rounds=[1]),
    "verdicts.count_since": lambda tx: tx.verdicts.count_since(NOON),
    "verdicts.page": lambda tx: tx.verdicts.page(0, 9),
    "verdicts.page of a round and an arm": lambda tx: tx.verdicts.page(0, 9, rounds=[1], arms=[Arm.TIER]),
    "rounds.standings": lambda tx: tx.rounds.standings(1),
    "models.champion": lambda tx: tx.models.champion(),
    "outbox.claim": lambda tx: tx.outbox.claim(NOON, NOON + MINUTE, 9),
}
# Indexes that hold nothing but the present's rows may be walked through.
SMALL = ("ix_message_tally_untallied", "ix_outbox_open", "ix_post_unsettled", "ix_model_version_champion")


@pytest.fixture(scope="module")
def plans() -> dict[str, list[str]]:
    """Return each question's plan, step by step."""
    store = open_store("sqlite://")
    found: dict[str, list[str]] = {}
    with store.begin(TEAM) as tx:
        _fill(tx)
        for name, read in READS.items():
            found[name] = _plan(store, tx, read)
    store.close()
    return found


def _fill(tx: Transaction) -> None:
    for key in ("p1", "p2"):
        put_post(tx, key, ts=f"{key}.0")
        tx.ledger.append(event(f"e-{key}", ts=f"{key}.0"))
        tx.ledger.replace_votes(key, [Vote("U1", Says.NAMES, NOON, "food")], 1)
        tx.verdicts.add(verdict(key))
    tx.rounds.open(round_())
    tx.outbox.add([delivery()])


def _plan(store: SqlStore, tx: Transaction, read: Callable[[Transaction], object]) -> list[str]:
    steps: list[str] = []

    def explain(_: object, cursor: object, statement: str, parameters: object, *__: object) -> None:
        if statement.startswith("SELECT"):
            rows = (
                tx.ledger._connection.connection.cursor()
                .execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
                .fetchall()
            )
            steps.extend(row[3] for row in rows)

    sql_event.listen(store._database.engine, "before_cursor_execute", explain)
    read(tx)
    sql_event.remove(store._database.engine, "before_cursor_execute", explain)
    return steps


@pytest.mark.parametrize("name", READS)
def test_a_question_about_the_present_finds_its_rows_by_more_than_the_workspace(
    plans: dict[str, list[str]], name: str
) -> None:
    assert plans[name]
    broad = [
        step
        for step in plans[name]
        if re.match(r"SCAN (?!\(|both|anon|SUBQUERY|CONSTANT)", step)
        or (re.search(r"\(workspace_id=\?\)$", step) and not any(index in step for index in SMALL))
    ]
    assert [step for step in broad if not re.search(" hold | closed_channel ", step)] == []
