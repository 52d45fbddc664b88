"""`tierbot outbox`: what isn't sent and why, and what an admin makes of it; `tierbot status` says that something waits."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.invoke import run, said
from tests.support.rows import TEAM, delivery, put_post
from tierbot.adapters.store import SqlStore, open_store
from tierbot.app.bot import SystemClock
from tierbot.use_cases.ports import ClosedChannel, DeliveryKind, Search, Workspace

NOW = SystemClock().now()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqlStore]:
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path}/cli.db"
    monkeypatch.setenv("TIERBOT_ENCODER", "hashing")
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("TIERBOT_CHANNEL", "C1")
    made = open_store(url)
    with made.begin(TEAM) as tx:
        tx.workspaces.put(Workspace(TEAM, "Test", NOW))
    yield made
    made.close()


@pytest.fixture
def stuck(store: SqlStore) -> SqlStore:
    """Three deliveries: refused for good, perhaps sent, and waiting for an archived channel."""
    with store.begin(TEAM) as tx:
        put_post(tx, ts=None)
        prefill = delivery("p-emoji", kind=DeliveryKind.PREFILL, payload={"post_id": "p1", "emoji": "pizza"})
        post = delivery("p-post", kind=DeliveryKind.POST, payload={"post_id": "p1"})
        tx.outbox.add([post, prefill, delivery("maybe"), delivery("waits")])
        first, second = tx.outbox.claim(NOW, NOW, 2)
        tx.outbox.park(first, "msg_too_long: too long")
        tx.outbox.park(second, "maybe_sent: rate limited", Search(NOW, NOW))
        tx.channels.close(ClosedChannel("C1", "is_archived", NOW - timedelta(hours=3), NOW + timedelta(hours=1)))
    return store


def states(store: SqlStore) -> dict[str, str]:
    with store.read(TEAM) as tx:
        return {one.id: str(one.state) for one in tx.outbox.unsent()}


@pytest.mark.usefixtures("stuck")
def test_the_list_says_what_is_not_sent_and_why() -> None:
    shown = said("outbox", "list")
    assert "p-post  parked post for C1" in shown
    assert "msg_too_long: too long" in shown
    assert "It may have been sent" in shown
    assert "The channel is archived. Unarchive it, or choose another channel with /tier channel." in shown
    assert "1 delivery waiting, 3 parked." in shown
    rows = {row["id"]: row for row in map(json.loads, said("outbox", "list", "--json").splitlines())}
    assert {name: (row["state"], row["maybe_sent"]) for name, row in rows.items()} == {
        "p-post": ("parked", False),
        "p-emoji": ("parked", False),
        "maybe": ("parked", True),
        "waits": ("pending", False),
    }


@pytest.mark.usefixtures("store")
def test_nothing_to_list_is_said() -> None:
    assert said("outbox", "list") == "Nothing is waiting: everything has been sent.\n"
    assert said("outbox", "list", "--json") == ""


def test_retry_releases_everything_or_what_is_named(stuck: SqlStore) -> None:
    assert "Released: 2." in said("outbox", "retry", "p-post")
    assert states(stuck) == {"p-post": "pending", "p-emoji": "pending", "maybe": "parked", "waits": "pending"}
    assert said("outbox", "retry", "--json") == '{"released": 1}\n'
    assert set(states(stuck).values()) == {"pending"}
    with stuck.begin(TEAM) as tx:
        found = {one.id: one.search for one in tx.outbox.claim(SystemClock().now(), SystemClock().now(), 9)}
    assert found["maybe"] is not None, "it is looked for before it is sent"
    assert found["p-post"] is None, "the archived channel is tried now, too"


def test_drop_takes_ids_or_all_that_is_parked_but_not_nothing(stuck: SqlStore) -> None:
    assert "Give the ids" in str(run("outbox", "drop").exception)
    assert "No waiting or parked delivery has the id nobody." in str(run("outbox", "drop", "nobody").exception)
    assert "Dropped: 1." in said("outbox", "drop", "waits")
    assert said("outbox", "drop", "--parked", "--json") == '{"dropped": 3}\n'
    assert states(stuck) == {}


@pytest.mark.usefixtures("stuck")
def test_status_says_what_waits_and_why() -> None:
    assert "may have been sent" not in said("status").replace("parked", "")
    said("outbox", "retry", "maybe")
    shown = said("status")
    assert "waiting    2 for C1 since 3 h ago: the channel is archived. Unarchive it" in shown
    assert "looked for 1 message that may have been sent" in shown
    assert "`tierbot outbox` lists, retries or drops them" in shown
    found = json.loads(said("status", "--json"))
    ((closed,),) = (found["closed_channels"],)
    assert (closed["channel"], closed["code"], closed["waiting"]) == ("C1", "is_archived", 2)
    assert found["outbox"]["maybe_sent"] == 1
