"""`tierbot db`: back up the database while the bot runs, check it, restore it, copy it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tierbot.cli.output import AsJson, err, out, tell

if TYPE_CHECKING:
    from tierbot.adapters.store.backup import Backup

_MEGABYTE = 1e6

group = typer.Typer(no_args_is_help=True, help="The database: backup, restore, check, copy. For PostgreSQL: pg_dump.")


@group.command("backup")
def backup(
    file: Annotated[Path, typer.Argument(help="File to write; its sha256 goes to FILE.sha256.")],
    force: Annotated[bool, typer.Option("--force", help="Replace an existing backup of this name.")] = False,
    as_json: AsJson = False,
) -> None:
    """Back up the SQLite database while the bot runs: one verified file with everything committed so far.

    Example: `tierbot db backup backups/tierbot-$(date +%F).db`
    """
    from tierbot.adapters.store.backup import back_up
    from tierbot.settings import load_settings

    made = back_up(load_settings().database_url, file, force=force)
    tell(f"{_described(made)}, sha256 {made.sha256}", _as_dict(made), as_json=as_json)


@group.command("restore")
def restore(
    file: Annotated[Path, typer.Argument(help="A backup.")],
    no_digest: Annotated[bool, typer.Option("--no-digest", help="Accept a backup without FILE.sha256.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a damaged database; stop every bot first.")] = False,
    as_json: AsJson = False,
) -> None:
    """Replace the SQLite database with a backup, and keep the old database next to it. Stop every bot first.

    Example: `tierbot db restore backups/tierbot-2026-03-02.db`
    """
    from tierbot.adapters.store.backup import restore as restore_file
    from tierbot.settings import load_settings

    done = restore_file(load_settings().database_url, file, now=datetime.now(UTC), digest=not no_digest, force=force)
    kept = f" The old database is {done.former}." if done.former else ""
    tell(
        f"Restored {done.path}, schema {done.revision}.{kept}",
        {"file": str(done.path), "schema": done.revision, "former": done.former and str(done.former)},
        as_json=as_json,
    )
    (err if as_json else out).print(
        "People forgotten since the backup are back. Find them with `tierbot audit` on the old database, and forget them again."
    )


@group.command("check")
def check(
    file: Annotated[Path | None, typer.Argument(help="A backup. [default: the configured database]")] = None,
    as_json: AsJson = False,
) -> None:
    """Check a SQLite database or backup for damage, and print its schema version.

    Example: `tierbot db check backups/tierbot-2026-03-02.db`
    """
    from tierbot.adapters.store.backup import check as check_file
    from tierbot.adapters.store.backup import database_file
    from tierbot.adapters.store.errors import no_database
    from tierbot.settings import load_settings

    path = file or database_file(load_settings().database_url)
    if file is None and not path.exists():
        raise no_database(str(path))
    found = check_file(path)
    tell(_described(found), _as_dict(found), as_json=as_json)


@group.command("copy")
def copy(
    url: Annotated[str, typer.Argument(help="An empty database, such as postgresql://…/tierbot.")],
    as_json: AsJson = False,
) -> None:
    """Copy the configured database into an empty one, SQLite or PostgreSQL. Stop every bot first.

    Example: `tierbot db copy postgresql://tierbot:secret@db.example/tierbot`
    """
    from tierbot.adapters.store.copying import copy_database
    from tierbot.settings import load_settings

    copied = copy_database(load_settings().database_url, url, datetime.now(UTC))
    tell(
        f"Copied {copied} rows. Set DATABASE_URL to the new database and start the bot.",
        {"rows": copied},
        as_json=as_json,
    )


def _described(found: "Backup") -> str:
    return f"{found.path}: {found.size / _MEGABYTE:.1f} MB, schema {found.revision}, sound"


def _as_dict(found: "Backup") -> dict[str, Any]:
    return {"file": str(found.path), "bytes": found.size, "schema": found.revision, "sha256": found.sha256}
