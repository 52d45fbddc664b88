"""`tierbot report`: how the game and the model do, as one page to look at or to send on."""

from pathlib import Path
from typing import Annotated

import typer

from tierbot.cli.output import counted, err, out, print_json
from tierbot.cli.wiring import offline


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report")(report)


def report(
    to: Annotated[Path, typer.Option("--out", "-o", help="File; - is standard output.")] = Path("report.html"),
    rounds: Annotated[int, typer.Option(min=1, max=500, help="How many rounds to look back on.")] = 12,
    identities: Annotated[bool, typer.Option("--identities", help="Slack user ids in place of pseudonyms.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The figures as one JSON object; no page.")] = False,
) -> None:
    """Write one HTML page with plots: accuracy, votes, rewards, mistakes, calibration, agreement, models, policies.

    The page holds everything it needs and asks nothing of any server. `tierbot web` serves it at /report to those who
    know TIERBOT_WEB_TOKEN.

    Example: `tierbot report --out report.html --rounds 8`
    """
    from tierbot.adapters.atomic import drafted
    from tierbot.reports.page import report_of, report_page

    bot, workspace = offline()
    bot.loop.settle(workspace)
    found = report_of(
        bot.store, workspace, now=bot.clock.now(), zone=bot.settings.zone, rounds=rounds, identities=identities
    )
    if as_json:
        print_json(found.as_dict())
        return
    with drafted(to) as draft:
        draft.write_text(report_page(found), encoding="utf-8")
    said = f"{to}: {counted(found.verdicts, 'verdict')} in {counted(len(found.rounds), 'round')}."
    (err if str(to) == "-" else out).print(said)
