"""`tierbot forget`, `export-person` and `audit`: people's rights over their data, and who did what."""

import getpass
from typing import Annotated

import typer

from tierbot.cli.output import out, print_json, print_table, shown
from tierbot.cli.wiring import offline
from tierbot.domain.nouns import TierbotError


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("forget")(forget)
    app.command("export-person")(export_person)
    app.command("audit")(audit)


_USER = Annotated[str, typer.Argument(help="The person's member id, such as U0123ABCD.")]


def forget(
    user: _USER,
    anonymize: Annotated[bool, typer.Option("--anonymize", help="Keep what they did, under no name.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Delete what they did.")] = False,
) -> None:
    """Forget a person, as they choose: anonymize or remove. Verdicts that they took part in stand.

    Example: `tierbot forget U0123ABCD --anonymize`
    """
    from tierbot.use_cases.people.personal_data import PersonalData

    if anonymize == remove:
        raise TierbotError(
            "Say which the person chose: --anonymize keeps what they did under no name, --remove deletes it."
        )
    bot, workspace = offline()
    changed = PersonalData(bot.store, bot.clock).forget(
        workspace, user, f"cli:{getpass.getuser()}", anonymize=anonymize
    )
    bot.close()
    out.print(f"{user} is forgotten: {changed} rows {'anonymised' if anonymize else 'removed'}.")


def export_person(user: _USER) -> None:
    """Print everything that is kept of a person, as JSON.

    Example: `tierbot export-person U0123ABCD > U0123ABCD.json`
    """
    from tierbot.use_cases.people.personal_data import PersonalData

    bot, workspace = offline()
    print_json(PersonalData(bot.store, bot.clock).export(workspace, user))
    bot.close()


def audit(
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Show what admins did: when, who, what, from which value to which.

    Example: `tierbot audit --limit 20`
    """
    bot, workspace = offline()
    with bot.store.read(workspace) as tx:
        trail = tx.workspaces.audit_trail(limit)
    bot.close()
    if as_json:
        for line in trail:
            print_json(dict(line))
        return
    rows = [
        [f"{line['at']:%Y-%m-%d %H:%M:%S}", line["who"], line["what"], shown(line["before"]), shown(line["after"])]
        for line in trail
    ]
    print_table(["when (UTC)", "who", "what", "from", "to"], rows)
