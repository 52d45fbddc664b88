"""`tierbot forget`, `export-person` and `audit`: personal data, and the audit trail."""

import getpass
from typing import Annotated

import typer

from tierbot.cli.output import AsJson, JsonLines, print_json, print_table, shown, tell
from tierbot.cli.wiring import offline
from tierbot.domain.nouns import TierbotError

_USER = Annotated[str, typer.Argument(help="The person's member id, such as U0123ABCD.")]


def forget(
    user: _USER,
    anonymize: Annotated[bool, typer.Option("--anonymize", help="Keep their votes without their name.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Delete their votes.")] = False,
    as_json: AsJson = False,
) -> None:
    """Forget a person, as they choose: anonymize or remove. Existing verdicts don't change.

    Example: `tierbot forget U0123ABCD --anonymize`
    """
    from tierbot.use_cases.people.personal_data import PersonalData

    if anonymize == remove:
        raise TierbotError(
            "Choose what the person asked for: --anonymize keeps their votes without their name, --remove deletes them."
        )
    bot, workspace = offline()
    data, by = PersonalData(bot.store, bot.clock), f"cli:{getpass.getuser()}"
    changed = data.forget(workspace, user, by, anonymize=anonymize)
    how = "anonymized" if anonymize else "removed"
    tell(f"{user} is forgotten: {changed} rows {how}.", {"user": user, "how": how, "rows": changed}, as_json=as_json)


def export_person(user: _USER) -> None:
    """Print everything stored about a person, as JSON.

    Example: `tierbot export-person U0123ABCD > U0123ABCD.json`
    """
    from tierbot.use_cases.people.personal_data import PersonalData

    bot, workspace = offline()
    print_json(PersonalData(bot.store, bot.clock).export(workspace, user))


def audit(
    limit: Annotated[int, typer.Option(min=1, help="Number of entries, newest first.")] = 50,
    as_json: JsonLines = False,
) -> None:
    """Show what admins did: when, who, what, and the values before and after.

    Example: `tierbot audit --limit 20`
    """
    bot, workspace = offline()
    with bot.store.read(workspace) as tx:
        trail = tx.workspaces.audit_trail(limit)
    if as_json:
        for line in trail:
            print_json(dict(line))
        return
    rows = [
        [f"{line['at']:%Y-%m-%d %H:%M:%S}", line["who"], line["what"], shown(line["before"]), shown(line["after"])]
        for line in trail
    ]
    print_table(["when (UTC)", "who", "what", "from", "to"], rows)
