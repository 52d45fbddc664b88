"""Due times and leases: a restart neither forgets nor repeats, and one process at a time holds a lease."""

from tests.support.rows import MINUTE, NOON, TEAM
from tierbot.adapters.store import SqlStore
from tierbot.use_cases.ports import Due


def test_a_due_time_is_kept_and_replaced(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        assert tx.agenda.get("push") is None
        tx.agenda.set(Due("push", NOON + MINUTE, NOON, {"by": "U1", "n": 3}))
        tx.agenda.set(Due("settle", NOON))
        assert tx.agenda.get("push") == Due("push", NOON + MINUTE, NOON, {"by": "U1", "n": 3})
        tx.agenda.set(Due("push", NOON + 2 * MINUTE))
        assert tx.agenda.all() == [Due("settle", NOON), Due("push", NOON + 2 * MINUTE)]


def test_a_lease_is_held_by_one_and_prolonged_by_its_holder_only(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        assert tx.leases.take("scheduler", "one", NOON + MINUTE, NOON)
        assert not tx.leases.take("scheduler", "two", NOON + 9 * MINUTE, NOON)
        assert tx.leases.take("scheduler", "one", NOON + 2 * MINUTE, NOON + MINUTE)
        assert not tx.leases.take("scheduler", "two", NOON + 9 * MINUTE, NOON + MINUTE)
        assert tx.leases.take("another", "two", NOON + MINUTE, NOON)


def test_a_lease_survives_its_holders_death(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.leases.take("scheduler", "dead", NOON + MINUTE, NOON)
        assert tx.leases.take("scheduler", "heir", NOON + 9 * MINUTE, NOON + MINUTE)
        assert not tx.leases.take("scheduler", "dead", NOON + 9 * MINUTE, NOON + MINUTE)


def test_a_lease_can_be_given_back_by_its_holder(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.leases.take("scheduler", "one", NOON + MINUTE, NOON)
        tx.leases.release("scheduler", "two")
        assert not tx.leases.take("scheduler", "two", NOON + MINUTE, NOON)
        tx.leases.release("scheduler", "one")
        assert tx.leases.take("scheduler", "two", NOON + MINUTE, NOON)


def test_who_took_a_lease_is_told_also_after_it_ran_out_and_not_after_it_was_given_back(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        assert tx.leases.get("scheduler") is None
        tx.leases.take("scheduler", "one", NOON + MINUTE, NOON)
        assert tx.leases.get("scheduler") == ("one", NOON + MINUTE)
        assert tx.leases.get("another") is None
        tx.leases.release("scheduler", "one")
        assert tx.leases.get("scheduler") is None
