"""Where the app is installed: kept sealed, ended without losing the workspace, states that work once."""

from dataclasses import replace

from tests.support.rows import INSTALLED, MINUTE, NOON, TEAM, delivery
from tierbot.adapters.store import SqlStore
from tierbot.use_cases.ports import Workspace


def test_an_installation_is_read_as_it_was_written_and_a_new_one_takes_its_place(store: SqlStore) -> None:
    again = replace(INSTALLED, sealed_token="newer", installed_at=NOON + MINUTE)
    for written in (INSTALLED, again):
        with store.begin(TEAM) as tx:
            tx.installations.put(written)
        with store.read(TEAM) as tx:
            assert tx.installations.get() == written
    with store.read("T2") as tx:
        assert tx.installations.get() is None


def test_an_installation_ends_once_and_its_token_goes(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.installations.put(INSTALLED)
        assert tx.installations.end("app_uninstalled", NOON + MINUTE)
        assert not tx.installations.end("tokens_revoked", NOON + 2 * MINUTE)
        ended = tx.installations.get()
    assert ended == replace(INSTALLED, sealed_token="", ended_at=NOON + MINUTE, ended_by="app_uninstalled")


def test_a_state_works_once_and_in_its_time_and_for_its_own_app(store: SqlStore) -> None:
    with store.begin("client-1") as tx:
        tx.installations.give_state("s1", NOON + MINUTE, NOON)
        tx.installations.give_state("s2", NOON + MINUTE, NOON)
    with store.begin("client-2") as tx:
        assert not tx.installations.take_state("s1", NOON)
    with store.begin("client-1") as tx:
        assert [tx.installations.take_state("s1", NOON) for _ in range(2)] == [True, False]
        assert not tx.installations.take_state("s2", NOON + MINUTE), "it ran out"
        assert not tx.installations.take_state("never given", NOON)


def test_a_stopped_workspace_is_known_and_not_among_those_that_run(store: SqlStore) -> None:
    for team in ("T1", "T2"):
        with store.begin(team) as tx:
            stopped = NOON if team == "T2" else None
            tx.workspaces.put(Workspace(team, team, NOON, "E1", stopped, paused=True))
            tx.outbox.add([delivery()])
    assert store.workspace_ids() == ["T1", "T2"]
    assert store.running_ids() == store.due_ids(NOON) == ["T1"]
    assert store.workspaces()[1] == Workspace("T2", "T2", NOON, "E1", NOON, paused=True)


def test_only_what_is_due_makes_a_workspace_due(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.workspaces.put(Workspace(TEAM, TEAM, NOON))
        tx.outbox.add([delivery()])
    assert store.due_ids(NOON - MINUTE) == []
    with store.begin(TEAM) as tx:
        (claimed,) = tx.outbox.claim(NOON, NOON + MINUTE, 1)
    assert store.due_ids(NOON) == [], "it is in hand"
    assert store.due_ids(NOON + MINUTE) == [TEAM], "its lease ran out"
    with store.begin(TEAM) as tx:
        tx.outbox.claim(NOON + MINUTE, NOON + 2 * MINUTE, 1)
        tx.outbox.done(replace(claimed, attempts=1), None, NOON)
    assert store.due_ids(NOON + 9 * MINUTE) == []
