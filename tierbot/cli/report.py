"""`tierbot report`: how the game and the model are doing, as one page to read or share."""

from pathlib import Path
from typing import Annotated

import typer

from tierbot.cli.output import counted, err, out, print_json
from tierbot.cli.wiring import offline


def report(
    to: Annotated[Path, typer.Option("--out", "-o", help="File to write; - for standard output.")] = Path(
        "report.html"
    ),
    rounds: Annotated[int, typer.Option(min=1, max=500, help="Number of past rounds to include.")] = 12,
    identities: Annotated[bool, typer.Option("--identities", help="Names and user ids instead of pseudonyms.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON instead of the page.")] = False,
) -> None:
    """Write one HTML page with plots: accuracy, votes, rewards, mistakes, calibration, agreement, models, policies.

    Only you may read the file, because it is about people. The page is self-contained and loads nothing from other
    servers. `tierbot web` serves it at /report to anyone who has TIERBOT_WEB_TOKEN.

    Example: `tierbot report --out report.html --rounds 8`
    """
    from tierbot.adapters.atomic import drafted
    from tierbot.app.slack_access import names_in
    from tierbot.reports.page.gather import report_of
    from tierbot.reports.page.render import report_page

    bot, workspace = offline()
    bot.loop.settle(workspace)
    found = report_of(
        bot.store,
        workspace,
        now=bot.clock.now(),
        zone=bot.settings.zone,
        rounds=rounds,
        name=names_in(bot.settings, bot.installations, bot.clock, workspace) if identities else None,
    )
    if as_json:
        print_json(found.as_dict())
        return
    with drafted(to, private=True) as draft:
        draft.write_text(report_page(found), encoding="utf-8")
    said = f"{to}: {counted(found.verdicts, 'verdict')} in {counted(len(found.rounds), 'round')}."
    (err if str(to) == "-" else out).print(said)
