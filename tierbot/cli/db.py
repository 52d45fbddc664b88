"""`tierbot db`: the database backed up while the bot works, looked through, put back, and moved."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from tierbot.cli.output import out

_MEGABYTE = 1e6


def register(app: typer.Typer) -> None:
    """Add the commands."""
    db = typer.Typer(no_args_is_help=True, help="The database: backup, restore, check, copy. For PostgreSQL: pg_dump.")
    db.command("backup")(backup)
    db.command("restore")(restore)
    db.command("check")(check)
    db.command("copy")(copy)
    app.add_typer(db, name="db")


def backup(
    file: Annotated[Path, typer.Argument(help="Where to; its sha256 goes to FILE.sha256.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a backup of this name.")] = False,
) -> None:
    """Back the SQLite database up while the bot works: one checked file, with all that was committed before.

    Example: `tierbot db backup backups/tierbot-$(date +%F).db`
    """
    from tierbot.adapters.store.backup import back_up
    from tierbot.settings import load_settings

    made = back_up(load_settings().database_url, file, force=force)
    out.print(f"{made.path}: {made.size / _MEGABYTE:.1f} MB, schema {made.revision}, sound, sha256 {made.sha256}")


def restore(
    file: Annotated[Path, typer.Argument(help="A backup.")],
    no_digest: Annotated[bool, typer.Option("--no-digest", help="Take a file without FILE.sha256.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a damaged database; stop every bot before.")] = False,
) -> None:
    """Put a backup in the place of the SQLite database, which is kept beside it; no bot may run.

    Example: `tierbot db restore backups/tierbot-2026-03-02.db`
    """
    from tierbot.adapters.store.backup import restore as put_back
    from tierbot.settings import load_settings

    done = put_back(load_settings().database_url, file, now=datetime.now(UTC), digest=not no_digest, force=force)
    kept = f" The former one is {done.former}." if done.former else ""
    out.print(f"{done.path} is the backup now, schema {done.revision}.{kept}")
    out.print(
        "Who was forgotten after the backup is known again: `tierbot audit` of the former one tells whom to forget."
    )


def check(
    file: Annotated[Path | None, typer.Argument(help="A backup; without it, the database that is set.")] = None,
) -> None:
    """Look through a SQLite database or a backup of one: sound, whole, of which schema.

    Example: `tierbot db check backups/tierbot-2026-03-02.db`
    """
    from tierbot.adapters.store.backup import check as look_through
    from tierbot.adapters.store.backup import database_file
    from tierbot.settings import load_settings

    found = look_through(file or database_file(load_settings().database_url))
    out.print(f"{found.path}: {found.size / _MEGABYTE:.1f} MB, schema {found.revision}, sound")


def copy(
    url: Annotated[str, typer.Argument(help="Where to: an empty database, such as postgresql://…/tierbot.")],
) -> None:
    """Copy the database that is set into an empty one, of either kind; no bot may run.

    Example: `tierbot db copy postgresql://tierbot:secret@db.example/tierbot`
    """
    from tierbot.adapters.store.copying import copy_database
    from tierbot.settings import load_settings

    copied = copy_database(load_settings().database_url, url, datetime.now(UTC))
    out.print(f"{copied} rows copied. Set DATABASE_URL to it and start the bot.")
