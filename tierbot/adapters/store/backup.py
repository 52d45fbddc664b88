"""Backups of a SQLite database: create one while the bot runs, verify it, restore it without losing the old database.

SQLite's online backup takes one snapshot with everything committed before it started; writers needn't wait. The file
gets its name only after verification, and a sha256 file for `sha256sum -c` next to it.
"""

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, count
from pathlib import Path

from tierbot.adapters.store.engine import BUSY_SECONDS, file_of, parse
from tierbot.adapters.store.errors import NoDatabaseError, StoreBusyError, StoreError, no_database
from tierbot.adapters.store.schema import VERSION_TABLE, refuse_unknown
from tierbot.adapters.temporary import temporary_folder
from tierbot.use_cases.ports import SEARCHABLE


@dataclass(frozen=True, slots=True)
class Backup:
    """A verified database file. size: bytes; revision: the schema's."""

    path: Path
    size: int
    revision: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Restored:
    """A restored database, and the path of the old one, None if there wasn't any."""

    path: Path
    former: Path | None
    revision: str


def database_file(url: str) -> Path:
    """Return the file of a SQLite database. Raises StoreError for one on PostgreSQL or in memory."""
    parsed = parse(url)
    if parsed.get_backend_name() != "sqlite":
        raise StoreError(
            "Use PostgreSQL's own tools: `pg_dump --format=custom --file=FILE URL` to back up and `pg_restore "
            "--clean --if-exists --no-owner --single-transaction --dbname=URL FILE` to restore; URL is DATABASE_URL "
            "without +psycopg. See docs/operations.md."
        )
    file = file_of(parsed)
    if file is None:
        raise StoreError(f"{url}: isn't a plain file. Name one in DATABASE_URL, such as sqlite:///tierbot.db.")
    return file


def back_up(url: str, target: Path, *, force: bool = False) -> Backup:
    """Write the database at `url` to `target` while others read and write it; `force` replaces an existing backup.

    A missing folder is created, accessible to its owner only. Raises StoreError if the database doesn't exist, `target`
    exists, the copy is damaged, or the disk is full.
    """
    source = database_file(url)
    if not source.exists():
        raise no_database(str(source))
    if target.exists() and (not force or target.samefile(source)):
        raise StoreError(f"{target}: already exists. Choose another name, or replace a backup with --force.")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as fault:
        raise StoreError(f"{target}: cannot be written ({fault.strerror}). Check the folder.") from fault
    with _temporary_file(target) as part:
        with _faults_of(source), closing(_open(source, "rw")) as live, closing(_open(part, "rw")) as copy:
            live.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # a single file, without a write-ahead log
        revision = examine(part)
        digest = _digest(part)
        _sync(part)
        _sidecar(target).unlink(missing_ok=True)  # the old backup's
        part.replace(target)
    with _temporary_file(_sidecar(target)) as part:
        part.write_text(f"{digest}  {target.name}\n", encoding="utf-8")
        _sync(part)
        part.replace(_sidecar(target))
    _sync(target.parent)
    return Backup(target, target.stat().st_size, revision, digest)


def examine(path: Path) -> str:
    """Verify a database file; return its schema's revision. Raises StoreError unless it is sound and tierbot's."""
    if not path.exists():
        raise NoDatabaseError(f"{path}: there is no such file. Check the path.")
    with _faults_of(path), closing(_open(path, "ro")) as database:
        wrong = [row[0] for row in database.execute("PRAGMA integrity_check(3)") if row[0] != "ok"]
        orphans = database.execute("PRAGMA foreign_key_check")
        wrong += [f"a row of {row[0]} refers to a missing {row[2]}" for row in orphans][:3]
        if wrong:
            raise StoreError(f"{path}: is damaged ({'; '.join(wrong)[:300]}). Use another backup.")
        tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        version = f"SELECT version_num FROM {VERSION_TABLE}"  # noqa: S608 - a constant
        found = database.execute(version).fetchone() if VERSION_TABLE in tables else None
    if found is None:
        raise StoreError(f"{path}: isn't a tierbot database.")
    refuse_unknown(found[0], str(path))
    return str(found[0])


def check(path: Path) -> Backup:
    """Verify a database file, and its digest if it has a sha256 file. Raises StoreError as `examine` does."""
    revision = examine(path)
    if _sidecar(path).exists():
        _compare(path)
    return Backup(path, path.stat().st_size, revision, _digest(path))


def restore(url: str, source: Path, *, now: datetime, digest: bool = True, force: bool = False) -> Restored:
    """Replace the database at `url` with a backup, atomically, and keep the old database next to it.

    Without `digest`, the backup needs no sha256 file (Litestream writes none). `force` replaces a damaged database, for
    which tierbot can't check whether a bot uses it. The next start upgrades an older schema. Raises StoreError if the
    backup is damaged or the database is in use.
    """
    path = database_file(url)
    if digest:
        _compare(source)
    revision = examine(source)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _temporary_file(path) as part:
        with _faults_of(source):
            shutil.copyfile(source, part)
        with _faults_of(part), closing(_open(part, "rw")) as copy:
            _doubt_pending(copy, now)
            copy.execute("DELETE FROM lease")
        _sync(part)
        former = None
        with _alone(path, force=force):
            if path.exists():
                former = _free_name(path.with_name(f"{path.name}.before-{now:%Y%m%dT%H%M%SZ}"))
                _keep(path, former)
            part.replace(path)
    _sync(path.parent)
    return Restored(path, former, revision)


def _doubt_pending(copy: sqlite3.Connection, now: datetime) -> None:
    """Mark pending messages as perhaps sent since the backup: the bot looks for them in Slack first.

    With an older schema, the upgrade marks them, because this counts them as tried.
    """
    pending = "state IN ('pending', 'sending')"
    copy.execute(f"UPDATE outbox SET attempts = 1 WHERE attempts = 0 AND {pending}")  # noqa: S608 - constants
    if any(column[1] == "search" for column in copy.execute("PRAGMA table_info(outbox)")):
        kinds = ", ".join(f"'{kind}'" for kind in sorted(SEARCHABLE))
        since = "replace(created_at, ' ', 'T') || '+00:00'"
        search = f"json_object('since', {since}, 'until', ?)"
        copy.execute(
            f"UPDATE outbox SET search = {search} WHERE {pending} AND kind IN ({kinds})",  # noqa: S608 - constants
            (now.isoformat(),),
        )


@contextmanager
def _alone(path: Path, *, force: bool) -> Iterator[None]:
    """Lock a database for the duration of the block, with its log written back and no other connection open.

    Leaving write-ahead mode takes a lock that any other open connection, even an idle one, prevents.
    """
    if not path.exists():
        yield
        return
    with closing(_open(path, "rw", timeout=1.0)) as database:
        try:
            database.execute("PRAGMA journal_mode=DELETE").close()
            database.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as fault:
            raise StoreBusyError(
                f"{path}: is in use ({fault}). Stop `tierbot run`, `web` and `worker`, then try again."
            ) from fault
        except sqlite3.DatabaseError as fault:
            if not force:
                raise StoreError(
                    f"{path}: is damaged ({fault}), so tierbot can't check whether a bot uses it. Stop "
                    "`tierbot run`, `web` and `worker`, then use --force."
                ) from fault
        yield


def _keep(path: Path, former: Path) -> None:
    """Give the old database a second name, and move what is left of its log there."""
    try:
        former.hardlink_to(path)  # a rename would leave a moment without a database, and a bot would create a blank one
    except OSError:  # a file system without hard links
        _make_private(former)
        shutil.copyfile(path, former)
    for log in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + log).replace(former.with_name(former.name + log))


def _make_private(path: Path) -> None:
    """Create an empty file that only its owner may read: what is copied into it keeps that mode."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))


def _free_name(path: Path) -> Path:
    numbered = (path.with_name(f"{path.name}-{number}") for number in count(2))
    return next(one for one in chain([path], numbered) if not one.exists())


def _compare(path: Path) -> None:
    """Raise StoreError unless a file matches its sha256 file."""
    if not path.exists():
        raise NoDatabaseError(f"{path}: there is no such file. Check the path.")
    try:
        expected = _sidecar(path).read_text(encoding="utf-8").split()[0]
    except (OSError, UnicodeDecodeError, IndexError) as fault:
        raise StoreError(
            f"{_sidecar(path)}: the backup's digest cannot be read. Add that file, or use --no-digest for a backup from "
            "another tool."
        ) from fault
    if _digest(path) != expected:
        raise StoreError(f"{path}: has changed since the backup: its sha256 differs from {_sidecar(path).name}.")


def _sidecar(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _digest(path: Path) -> str:
    with _faults_of(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _open(path: Path, mode: str, timeout: float = BUSY_SECONDS) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=timeout, isolation_level=None)


@contextmanager
def _temporary_file(target: Path) -> Iterator[Path]:
    """Yield a new temporary file in the target's folder, accessible to its owner only."""
    try:
        with temporary_folder(target.parent, target.name) as folder:
            part = folder / target.name
            _make_private(part)
            yield part
    except OSError as fault:
        raise StoreError(
            f"{target}: cannot be written ({fault.strerror}). Check the folder, and the space on it."
        ) from fault


@contextmanager
def _faults_of(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as fault:
        raise StoreError(
            f"{path}: cannot be used ({fault}). Check the disk, and that the file is an undamaged database."
        ) from fault
    except OSError as fault:
        raise StoreError(f"{path}: cannot be read ({fault.strerror}).") from fault


def _sync(path: Path) -> None:
    """Flush a file, or a folder's entries, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
