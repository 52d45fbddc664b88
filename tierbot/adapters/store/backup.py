"""Backups of a SQLite database: taken while the bot works, checked before they count, put back without losing anything.

A backup is one snapshot, made by SQLite's own online backup in one step: what was committed before it began is in it,
and whoever writes meanwhile neither waits nor tears it. It appears under its name only when it is whole and checked,
with its sha256 beside it, as `sha256sum -c` reads it.
"""

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tierbot.adapters.store.engine import BUSY_SECONDS, parse
from tierbot.adapters.store.errors import NoDatabaseError, StoreBusyError, StoreError
from tierbot.adapters.store.schema import HEAD, MIGRATIONS, VERSION_TABLE

_POSTGRESQL = (
    "PostgreSQL brings its own tools for this: `pg_dump --format=custom --file=FILE URL`, and back with `pg_restore "
    "--clean --if-exists --no-owner --single-transaction --dbname=URL FILE`; URL is DATABASE_URL without +psycopg. "
    "See docs/operations.md."
)
# What was on its way may have been sent after the backup: sent at least once, it is looked for in Slack first.
_MAY_HAVE_BEEN_SENT = "UPDATE outbox SET attempts = 1 WHERE attempts = 0 AND state IN ('pending', 'sending')"
_NOBODY_RUNS = "DELETE FROM lease"


@dataclass(frozen=True, slots=True)
class Backup:
    """A database file that was looked at. size: bytes; revision: of its schema."""

    path: Path
    size: int
    revision: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restoring came to: the database, and where the former one lies, None if there was none."""

    path: Path
    former: Path | None
    revision: str


def database_file(url: str) -> Path:
    """Return the file of a SQLite database.

    Raises StoreError for PostgreSQL, saying what to use there, and for a database in memory.
    """
    parsed = parse(url)
    if parsed.get_backend_name() != "sqlite":
        raise StoreError(_POSTGRESQL)
    name = str(parsed.database or "")
    if name in {"", ":memory:"} or name.startswith("file:"):
        raise StoreError(f"{url}: is no plain file. Name one in DATABASE_URL, such as sqlite:///tierbot.db.")
    return Path(name)


def back_up(url: str, target: Path, *, force: bool = False) -> Backup:
    """Write the database at `url` to `target`, while others read and write it; `force` replaces a former backup.

    Its folder is made if there is none, for its owner only.

    Raises StoreError if there is no such database, `target` exists, the copy is not sound, or the disk is full.
    """
    source = database_file(url)
    if not source.exists():
        raise NoDatabaseError(f"{source}: there is no database. Check DATABASE_URL.")
    if target.exists() and (not force or target.samefile(source)):
        raise StoreError(f"{target}: is there already. Choose another name, or say --force to replace a backup.")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as fault:
        raise StoreError(f"{target}: cannot be written ({fault.strerror}). Check the folder.") from fault
    with _beside(target) as part:
        with _faults_of(source), closing(_open(source, "rw")) as live, closing(_open(part, "rw")) as copy:
            live.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a log of its own
        revision = examine(part)
        digest = _digest(part)
        _sync(part)
        _sidecar(target).unlink(missing_ok=True)  # the former backup's
        part.replace(target)
    with _beside(_sidecar(target)) as part:
        part.write_text(f"{digest}  {target.name}\n", encoding="utf-8")
        _sync(part)
        part.replace(_sidecar(target))
    _sync(target.parent)
    return Backup(target, target.stat().st_size, revision, digest)


def examine(path: Path) -> str:
    """Return the revision of a database file's schema, having looked through the whole of it.

    Raises StoreError if it is missing, damaged, not tierbot's, or written by a newer tierbot.
    """
    if not path.exists():
        raise NoDatabaseError(f"{path}: there is no such file.")
    with _faults_of(path), closing(_open(path, "ro")) as database:
        wrong = [row[0] for row in database.execute("PRAGMA integrity_check(3)") if row[0] != "ok"]
        wrong += [f"a row of {row[0]} lacks its {row[2]}" for row in database.execute("PRAGMA foreign_key_check")][:3]
        if wrong:
            raise StoreError(f"{path}: is damaged ({'; '.join(wrong)[:300]}). Use another backup.")
        tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        version = f"SELECT version_num FROM {VERSION_TABLE}"  # noqa: S608 - a constant
        found = database.execute(version).fetchone() if VERSION_TABLE in tables else None
    if found is None:
        raise StoreError(f"{path}: is no database of tierbot's.")
    if found[0] not in {migration.name[:4] for migration in (MIGRATIONS / "versions").glob("[0-9]*.py")}:
        raise StoreError(f"{path}: its schema ({found[0]}) is newer than this tierbot ({HEAD}). Install the newer one.")
    return str(found[0])


def check(path: Path) -> Backup:
    """Look through a database file; its digest is compared where one lies beside it. Raises StoreError as `examine`."""
    revision = examine(path)
    if _sidecar(path).exists():
        _compare(path)
    return Backup(path, path.stat().st_size, revision, _digest(path))


def restore(url: str, source: Path, *, now: datetime, digest: bool = True, force: bool = False) -> Restored:
    """Put a backup in the place of the database at `url`, atomically; the former one is kept beside it.

    Without `digest` a file that no digest lies beside is taken, such as Litestream's; with `force` a damaged database
    is replaced, of which nobody can tell whether a bot uses it. An older schema is brought up at the next start.
    Raises StoreError if the backup is not sound, or the database is in use.
    """
    path = database_file(url)
    if digest:
        _compare(source)
    revision = examine(source)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _beside(path) as part:
        with _faults_of(source):
            shutil.copyfile(source, part)
        with _faults_of(part), closing(_open(part, "rw")) as copy:
            copy.execute(_MAY_HAVE_BEEN_SENT)
            copy.execute(_NOBODY_RUNS)
        _sync(part)
        former = None
        with _alone(path, force=force):
            if path.exists():
                former = _free_name(path.with_name(f"{path.name}.before-{now:%Y%m%dT%H%M%SZ}"))
                _keep(path, former)
            part.replace(path)
    _sync(path.parent)
    return Restored(path, former, revision)


@contextmanager
def _alone(path: Path, *, force: bool) -> Iterator[None]:
    """Hold a database for as long as the block lasts, its log written back; nobody else has it open.

    Leaving the write-ahead log takes a lock that every open connection, idle ones too, keeps others from having.
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
                    f"{path}: is damaged ({fault}), so that nobody can tell whether a bot uses it. Stop "
                    "`tierbot run`, `web` and `worker`, and say --force."
                ) from fault
        yield


def _keep(path: Path, former: Path) -> None:
    """Give the former database another name too, and move what is left of its log there."""
    try:
        former.hardlink_to(path)  # there is no moment without a database, in which a bot would start a blank one
    except OSError:  # a file system without links
        shutil.copyfile(path, former)
    for log in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + log).replace(former.with_name(former.name + log))


def _free_name(wanted: Path) -> Path:
    found, number = wanted, 2
    while found.exists():
        found, number = wanted.with_name(f"{wanted.name}-{number}"), number + 1
    return found


def _compare(path: Path) -> None:
    """Raise StoreError unless a file is what the digest beside it says."""
    if not path.exists():
        raise NoDatabaseError(f"{path}: there is no such file.")
    try:
        expected = _sidecar(path).read_text(encoding="utf-8").split()[0]
    except (OSError, UnicodeDecodeError, IndexError) as fault:
        raise StoreError(
            f"{_sidecar(path)}: the backup's digest cannot be read. Put it there, or say --no-digest if the file comes "
            "from elsewhere."
        ) from fault
    if _digest(path) != expected:
        raise StoreError(f"{path}: is not what was backed up: its sha256 is not the one in {_sidecar(path).name}.")


def _sidecar(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _digest(path: Path) -> str:
    with _faults_of(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _open(path: Path, mode: str, timeout: float = BUSY_SECONDS) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=timeout, isolation_level=None)


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """Give the path of a new file in the target's folder, for its owner only; what is left of it goes at the end."""
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        yield part
    except OSError as fault:
        raise StoreError(
            f"{target}: cannot be written ({fault.strerror}). Check the folder, and the space on it."
        ) from fault
    finally:
        for leftover in (part, part.with_name(part.name + "-journal")):
            leftover.unlink(missing_ok=True)


@contextmanager
def _faults_of(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as fault:
        raise StoreError(
            f"{path}: cannot be used ({fault}). Check that it is a sound database, and the disk."
        ) from fault
    except OSError as fault:
        raise StoreError(f"{path}: cannot be read ({fault.strerror}).") from fault


def _sync(path: Path) -> None:
    """Have a file, or a folder's names, outlast a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
