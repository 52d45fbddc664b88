"""Databases of every older schema, with rows as they were written then, are read by this code."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import inspect, text

from tests.support.rows import NOON, TEAM, VERSIONS, event
from tierbot.adapters.store import SqlStore, open_store
from tierbot.adapters.store.columns import Row
from tierbot.adapters.store.engine import connect
from tierbot.adapters.store.schema import HEAD, MIGRATIONS, VERSION_TABLE, revision
from tierbot.domain.nouns import Outcome, ReactionEvent, Says, Standing, Vote
from tierbot.use_cases.ports import Doubt, Job, PushDraw, SmokeTestResult, Workspace

SCHEMAS = Path(__file__).parent / "schemas"
OLDER = [name[:4] for name in VERSIONS]


def make_old(url: str, schema: str) -> None:
    """Make a database of a schema with the rows that are kept for it and those before, each written under its own."""
    database = connect(url, create=True)
    with database.write("schema") as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL TIME ZONE 'UTC'"))
        for path in sorted(SCHEMAS.glob("*.sql")):
            if path.stem <= schema:
                command.upgrade(config, path.stem)
                for line in path.read_text(encoding="utf-8").splitlines():
                    connection.exec_driver_sql(line)
        command.upgrade(config, schema)
    database.engine.dispose()


@pytest.fixture(params=OLDER)
def old_url(request: pytest.FixtureRequest, blank_url: str) -> str:
    """Return the address of a database of each older schema in turn."""
    make_old(blank_url, request.param)
    return blank_url


def test_an_older_database_is_upgraded_with_all_its_rows(old_url: str) -> None:
    tables = set(Row.metadata.tables) | {VERSION_TABLE}
    before = _counts(old_url)
    _as_requests_are_rows(before)
    assert sum(before.values()) > 20
    store = open_store(old_url)
    with store._database.read() as connection:
        assert revision(connection) == HEAD
        assert set(inspect(connection).get_table_names()) - {"sqlite_sequence"} == tables
    after = _counts(old_url)
    assert {name: after.get(name, 0) for name in before} == before
    _read_all(store)
    if "due" not in before and before["job"] > 1:
        _read_jobs(store)
    store.close()


def _as_requests_are_rows(counts: dict[str, int]) -> None:
    """Since 0008 a request stands beside its recurring job; schemas/0007.sql has one of them."""
    if (due := counts.pop("due", None)) is not None:
        counts["job"] = due + (1 if due > 1 else 0)


def _read_jobs(store: SqlStore) -> None:
    """Find what schemas/0007.sql has, as it was: a push that was asked for, a sweep under way, somebody who joins."""
    with store.read("T2") as tx:
        jobs = {job.id: job for job in tx.agenda.all()}
    assert set(jobs) == {"push", "push of before", "reconcile", "join of before"}
    assert (jobs["push of before"].kind, jobs["push of before"].asked_by) == ("push", "U1")
    assert (jobs["push of before"].payload, jobs["push of before"].due_at) == ({"count": 40}, NOON)
    assert (jobs["push"].payload, jobs["push"].due_at) == ({}, NOON + timedelta(days=1))
    assert jobs["push"].ran_at == NOON - timedelta(hours=4)
    assert jobs["reconcile"].payload == {"ts": "100.000001", "channel": "C1", "again": []}
    assert jobs["join of before"].kind == "join"
    assert jobs["join of before"].payload["installer"] == "U1"


def _counts(url: str) -> dict[str, int]:
    database = connect(url, create=False)
    with database.read() as connection:
        names = set(inspect(connection).get_table_names()) - {"sqlite_sequence"}
        found = {name: connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one() for name in names}  # noqa: S608
    database.engine.dispose()
    return found


def _read_all(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        workspace = tx.workspaces.get()
        assert workspace is not None
        assert (workspace.paused, workspace.channel, workspace.bot_user) == (True, "", None)
        assert tx.workspaces.tags().ids == ("food",)
        assert len(tx.workspaces.tags()) == 2
        assert tx.workspaces.audit_trail(9)[0]["after"] is True
        assert tx.articles.sources(["a-p1"]) == {"a-p1": 2}
        assert tx.ledger.events("C1", "100.000001") == [
            ReactionEvent("e1", "C1", "100.000001", "U1", "pizza", True, NOON, NOON)
        ]
        assert tx.ledger.votes(["p1"]) == {"p1": [Vote("U1", Says.NAMES, NOON, "food")]}
        (labeled,) = tx.verdicts.labeled()
        assert labeled.verdict.outcome is Outcome.NAMED
        assert labeled.prediction.probabilities == {"food": 0.5, "drink": 0.5}
        assert tx.rounds.standings(1) == [Standing(1, "U1", 1, 1, 1, 1)]
        assert tx.rounds.all_time() == [("U1", 1, 1, 1)]
        champion = tx.models.champion()
        assert champion is not None
        assert champion.card == {"accuracy": 0.73}
        assert [one.id for one in tx.outbox.claim(NOON, NOON + timedelta(hours=1), 9)] == ["o1"]
        assert tx.agenda.all() == [Job.recurring("push", NOON)]
        assert tx.leases.take("scheduler", "heir", NOON + timedelta(hours=1), NOON)
        assert tx.ledger.append(event("e2"))
        assert tx.ledger.untallied(9) == [("C1", "100.000001")]


def test_what_the_workspace_kept_in_one_column_is_in_columns_and_tables_of_its_own(blank_url: str) -> None:
    make_old(blank_url, "0007")
    store = open_store(blank_url)
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    with store.read("T7") as tx:
        assert tx.workspaces.get() == Workspace("T7", "Seven", NOON, bot_user="UBOT", channel="C7", paused=True)
        assert tx.workspaces.pseudonym_key() == "ab" * 32
        assert tx.workspaces.forgotten() == {"d1", "d2"}
        assert tx.workspaces.draws() == [PushDraw(noon, 2.5, 0.4), PushDraw(noon.replace(hour=15), 3.0, 0.25)]
        assert tx.workspaces.smoke_test() == SmokeTestResult(NOON, "react", "Slack said no.", 1.5)
        brigade = Doubt("b1", "brigade", ("U1", "U2"), None, 6, 1.25, 8, 0.004, "named the same tag", ("p7",), noon)
        pushing = Doubt("b2", "pushes_tag", ("U3",), "food", 6, 1.25, 8, 0.004, "named food", (), noon)
        overruled = replace(pushing, overruled_by="UADMIN", overruled_at=noon.replace(hour=13))
        assert tx.doubts.all() == [brigade, overruled]
    with store.begin("T7") as tx:
        assert [tx.workspaces.emoji_missing(name) for name in ("wombat", "yak", "yeti")] == [False, False, True]
    with store.read("T8") as tx:
        assert tx.workspaces.get() == Workspace("T8", "Eight", NOON)
        assert tx.doubts.all() == []
        assert tx.workspaces.smoke_test() is None
    store.close()


def test_what_was_tried_before_is_looked_for_from_its_creation_on(blank_url: str) -> None:
    make_old(blank_url, "0013")
    database = connect(blank_url, create=False)
    with database.write("schema") as connection:
        tried = text("UPDATE outbox SET attempts = 2, lease_until = created_at WHERE id = 'o1'")
        connection.execute(tried)
    database.engine.dispose()
    store = open_store(blank_url)
    with store.read(TEAM) as tx:
        (found,) = [one for one in tx.outbox.unsent() if one.id == "o1"]
    assert found.search is not None
    assert (found.search.since, found.failures) == (found.created_at, 0)
    assert found.search.until > found.created_at + timedelta(days=1)
    store.close()


def test_standings_of_older_rounds_begin_with_their_champion(blank_url: str) -> None:
    make_old(blank_url, "0007")
    store = open_store(blank_url)
    with store.read("T7") as tx:
        assert [line.user for line in tx.rounds.standings(1)] == ["U9", "U3", "U1", "U0"]
    store.close()


def test_every_schema_but_the_newest_has_rows_to_be_tested_with() -> None:
    """A migration that adds or changes tables brings rows for the schema it leaves behind, if those lack any."""
    assert (SCHEMAS / f"{OLDER[0]}.sql").exists()
    assert {path.stem for path in SCHEMAS.glob("*.sql")} <= set(OLDER)
