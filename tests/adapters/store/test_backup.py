"""Backups: all that was committed before is in them, and nothing takes their place that is not one."""

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from tests.support.rows import NOON, TEAM, delivery, event
from tierbot.adapters.store import SqlStore, StoreBusyError, StoreError, open_store
from tierbot.adapters.store.backup import back_up, check, restore
from tierbot.adapters.store.schema import HEAD
from tierbot.use_cases.ports import DeliveryState, Search


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/bot.db"


@pytest.fixture
def store(url: str) -> SqlStore:
    return open_store(url)


def write(store: SqlStore, number: int) -> None:
    with store.begin(TEAM) as tx:
        assert tx.ledger.append(event(f"Ev{number}"))


def events(store: SqlStore) -> set[str]:
    with store.read(TEAM) as tx:
        return {one.event_id for one in tx.ledger.events("C1", "100.000001")}


def put_back(url: str, file: Path, **options: bool) -> SqlStore:
    restore(url, file, now=NOON, **options)
    return open_store(url)


def test_what_is_written_after_the_backup_is_gone_after_restoring_and_what_was_written_before_is_there(
    url: str, store: SqlStore, tmp_path: Path
) -> None:
    write(store, 1)
    made = back_up(url, tmp_path / "one.db")
    write(store, 2)
    store.close()
    assert made.revision == HEAD
    restored = put_back(url, tmp_path / "one.db")
    assert events(restored) == {"Ev1"}
    write(restored, 3)  # it is a database like any other


def test_a_restored_database_has_all_that_was_committed_before_the_backup_began_while_others_go_on_writing(
    url: str, store: SqlStore, tmp_path: Path
) -> None:
    committed: list[int] = []
    enough, stop = threading.Event(), threading.Event()

    def keep_writing() -> None:
        mine = open_store(url)
        for number in range(100_000):
            write(mine, number)
            committed.append(number)
            if number > 50:
                enough.set()
            if stop.is_set():
                break
        mine.close()

    writer = threading.Thread(target=keep_writing)
    writer.start()
    assert enough.wait(60)
    kept = []
    for turn in range(3):
        before = len(committed)
        back_up(url, tmp_path / f"{turn}.db")
        kept.append((before, len(committed)))
    stop.set()
    writer.join()
    store.close()
    assert kept[-1][1] > kept[0][0], "the writer was held up for as long as backups were made"
    for turn, (before, after) in enumerate(kept):
        there = events(restored := put_back(url, tmp_path / f"{turn}.db"))
        restored.close()
        numbers = sorted(int(one.removeprefix("Ev")) for one in there)
        assert numbers == list(range(len(numbers))), "a snapshot has no gaps"
        assert before <= len(numbers) <= after + 1


def test_a_backup_is_one_file_for_its_owner_with_its_digest_beside_it(
    url: str, store: SqlStore, tmp_path: Path
) -> None:
    write(store, 1)
    folder = tmp_path / "backups"  # made, for its owner only
    made = back_up(url, folder / "one.db")
    assert sorted(path.name for path in folder.iterdir()) == ["one.db", "one.db.sha256"]
    assert made.sha256 == hashlib.sha256((folder / "one.db").read_bytes()).hexdigest()
    assert (folder / "one.db").stat().st_mode & 0o077 == folder.stat().st_mode & 0o077 == 0
    tool = shutil.which("sha256sum")
    if tool:
        subprocess.run([tool, "--check", "--quiet", "one.db.sha256"], cwd=folder, check=True)
    assert check(folder / "one.db") == made


def test_a_backup_replaces_another_only_by_force(url: str, store: SqlStore, tmp_path: Path) -> None:
    first = back_up(url, tmp_path / "one.db")
    write(store, 1)
    with pytest.raises(StoreError, match=r"already exists.*--force"):
        back_up(url, tmp_path / "one.db")
    assert check(tmp_path / "one.db") == first
    assert back_up(url, tmp_path / "one.db", force=True).sha256 != first.sha256
    with pytest.raises(StoreError, match="already exists"):
        back_up(url, tmp_path / "bot.db", force=True)  # the database itself


def test_a_backup_that_cannot_be_written_leaves_nothing_behind(url: str, store: SqlStore, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written"):
        back_up(url, tmp_path / "bot.db" / "one.db")
    page = tmp_path / "bot.db"
    store.close()
    damaged = bytearray(page.read_bytes())
    damaged[8192:12288] = b"\xff" * 4096
    page.write_bytes(damaged)
    with pytest.raises(StoreError, match=r"is damaged|cannot be used"):
        back_up(url, tmp_path / "one.db")
    assert [path.name for path in tmp_path.iterdir() if "one.db" in path.name] == []


@pytest.mark.parametrize("harm", ["cut short", "a byte changed", "no digest", "an empty digest"])
def test_a_harmed_backup_is_refused_and_the_database_stays(
    url: str, store: SqlStore, tmp_path: Path, harm: str
) -> None:
    write(store, 1)
    file = tmp_path / "one.db"
    back_up(url, file)
    write(store, 2)
    store.close()
    data = file.read_bytes()
    if harm == "cut short":
        file.write_bytes(data[:-4096])
    elif harm == "a byte changed":
        file.write_bytes(data[:-100] + b"\xff" + data[-99:])
    elif harm == "no digest":
        (tmp_path / "one.db.sha256").unlink()
    else:
        (tmp_path / "one.db.sha256").write_text("")
    with pytest.raises(StoreError, match="sha256"):
        put_back(url, file)
    assert events(open_store(url)) == {"Ev1", "Ev2"}


def test_a_sound_file_without_a_digest_is_taken_if_one_says_so(url: str, store: SqlStore, tmp_path: Path) -> None:
    write(store, 1)
    store.close()
    shutil.copyfile(tmp_path / "bot.db", tmp_path / "litestream.db")
    assert events(put_back(url, tmp_path / "litestream.db", digest=False)) == {"Ev1"}


@pytest.mark.parametrize(
    ("schema", "says"), [("9999", "newer than this tierbot.*Upgrade tierbot"), (None, "isn't a tierbot database")]
)
def test_a_newer_or_foreign_schema_is_refused(tmp_path: Path, url: str, schema: str | None, says: str) -> None:
    file = tmp_path / "other.db"
    with closing(sqlite3.connect(file)) as other, other:
        other.execute("CREATE TABLE tierbot_schema (version_num TEXT)" if schema else "CREATE TABLE songs (name TEXT)")
        if schema:
            other.execute("INSERT INTO tierbot_schema VALUES (?)", (schema,))
    other.close()
    with pytest.raises(StoreError, match=says):
        put_back(url, file, digest=False)
    assert not (tmp_path / "bot.db").exists()


def test_a_database_that_a_process_has_open_is_not_replaced(url: str, store: SqlStore, tmp_path: Path) -> None:
    write(store, 1)
    back_up(url, tmp_path / "one.db")
    with pytest.raises(StoreBusyError, match=r"is in use.*Stop `tierbot run`"):
        put_back(url, tmp_path / "one.db")
    store.close()
    opened = (
        "import sys; from tierbot.adapters.store import open_store; s = open_store(sys.argv[1]); s.workspace_ids(); "
        "print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", opened, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as idle:
        assert idle.stdout is not None
        assert idle.stdout.readline() == "open\n"
        with pytest.raises(StoreBusyError, match="is in use"):
            put_back(url, tmp_path / "one.db")
        idle.communicate("")
    put_back(url, tmp_path / "one.db").close()


def test_the_former_database_is_kept_whole_beside_the_restored_one(url: str, store: SqlStore, tmp_path: Path) -> None:
    back_up(url, tmp_path / "one.db")
    write(store, 1)  # still in the write-ahead log
    store.close()
    kept = [restore(url, tmp_path / "one.db", now=NOON).former for _ in range(2)]
    assert [path and path.name for path in kept] == [
        "bot.db.before-20260302T120000Z",
        "bot.db.before-20260302T120000Z-2",
    ]
    assert events(open_store(f"sqlite:///{kept[0]}")) == {"Ev1"}


def test_a_damaged_database_is_replaced_only_by_force_and_kept(url: str, store: SqlStore, tmp_path: Path) -> None:
    write(store, 1)
    back_up(url, tmp_path / "one.db")
    store.close()
    (tmp_path / "bot.db").write_bytes(b"not a database at all" * 500)
    with pytest.raises(StoreError, match=r"is damaged.*--force"):
        put_back(url, tmp_path / "one.db")
    assert events(put_back(url, tmp_path / "one.db", force=True)) == {"Ev1"}
    assert (tmp_path / "bot.db.before-20260302T120000Z").read_bytes().startswith(b"not a database")


def test_what_was_on_its_way_at_the_backup_is_looked_for_in_slack_before_it_is_sent_again(
    url: str, store: SqlStore, tmp_path: Path
) -> None:
    with store.begin(TEAM) as tx:
        tx.outbox.add([delivery("sent"), delivery("waiting")])
        (first,) = tx.outbox.claim(NOON, NOON, limit=1)
        assert tx.outbox.done(first, "1700000000.000100", NOON)
        assert tx.leases.take("scheduler", "me", datetime(2100, 1, 1, tzinfo=UTC), NOON)
    back_up(url, tmp_path / "one.db")
    store.close()
    with put_back(url, tmp_path / "one.db").begin(TEAM) as tx:
        assert tx.leases.get("scheduler") is None
        assert tx.outbox.counts()[DeliveryState.DONE] == 1
        (waiting,) = tx.outbox.claim(NOON, NOON, limit=9)
    assert (waiting.id, waiting.attempts) == ("waiting", 1)
    assert waiting.search == Search(waiting.created_at, NOON), "it may have been sent since"


@pytest.mark.parametrize("do", [back_up, partial(restore, now=NOON)])
def test_for_postgresql_its_own_tools_are_named(tmp_path: Path, do: Callable[[str, Path], object]) -> None:
    with pytest.raises(StoreError, match=r"pg_dump.*pg_restore") as caught:
        do("postgresql+psycopg://bot:hunter2@db.example/tierbot", tmp_path / "one.db")
    assert "hunter2" not in str(caught.value)


def test_a_database_in_memory_has_no_backup(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="isn't a plain file"):
        back_up("sqlite://", tmp_path / "one.db")


def test_the_database_its_backup_and_all_their_parts_are_their_owners_from_the_start(
    url: str, store: SqlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, int] = {}

    def look() -> None:
        """Look at everything there is, in folders that others may enter."""
        for place in [one for one in tmp_path.rglob("*") if one.is_file()]:
            folders = [one for one in place.parents if one.is_relative_to(tmp_path)]
            if all(one.stat().st_mode & 0o011 for one in folders):
                seen[place.name] = place.stat().st_mode & 0o777

    def looking(descriptor: int) -> None:
        look()
        fsync(descriptor)

    tmp_path.chmod(0o755)
    fsync = os.fsync
    former = os.umask(0)
    monkeypatch.setattr(os, "fsync", looking)
    monkeypatch.setattr(Path, "hardlink_to", lambda *_: (_ for _ in ()).throw(OSError("no links here")))
    try:
        write(store, 1)
        look()
        back_up(url, tmp_path / "backup.db")
        store.close()
        restore(url, tmp_path / "backup.db", now=NOON)
        look()
    finally:
        os.umask(former)
    assert {"bot.db", "backup.db", "backup.db.sha256"} <= set(seen)
    assert any(".before-" in name for name in seen)
    assert {name: oct(mode) for name, mode in seen.items() if mode & 0o077} == {}
