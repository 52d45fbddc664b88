"""`tierbot trainers` and `tierbot doubts`: how reliable each trainer is, and who may be playing the game."""

import getpass
from typing import Annotated, Any

import typer

from tierbot.cli.output import out, percent, print_json, print_table
from tierbot.cli.wiring import offline


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("trainers")(trainers)
    app.command("doubts")(doubts)


def trainers(as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False) -> None:
    """Say how far trainers agree (Krippendorff's α) and how reliable each is, over the last five rounds.

    Example: `tierbot trainers --json`
    """
    from tierbot.reports.crowd import crowd_of

    bot, workspace = offline()
    try:
        with bot.store.read(workspace) as tx:
            found = crowd_of(tx)
    finally:
        bot.close()
    if as_json:
        print_json(found)
        return
    alpha = {which: "–" if value is None else f"{value:.2f}" for which, value in found["alpha"].items()}
    out.print(f"{found['posts']} posts with votes; Krippendorff's α {alpha['all']}, on blank posts {alpha['blank']}")
    rows = [
        (
            one["user"],
            one["judged"],
            _share(one["reliability"]),
            _share(one["anchoring"]),
            "yes" if one["doubted"] else "",
        )
        for one in found["trainers"]
    ]
    print_table(("trainer", "judged", "reliable", "clicks unread", "doubted"), rows)


def _share(interval: dict[str, Any]) -> str:
    return percent({**interval, "n": round(interval["n"]) or 1}).split(", n")[0] + ")"


def doubts(
    overrule: Annotated[
        str | None, typer.Option(metavar="ID", help="End a doubt: there is nothing to it. Audited.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List who may be playing the game instead of judging, with the evidence; overrule a doubt.

    Example: `tierbot doubts --overrule 3f9a1c0d22b47e15`
    """
    from dataclasses import asdict

    from tierbot.use_cases.people.doubts import overrule as end

    bot, workspace = offline()
    try:
        if overrule:
            with bot.store.begin(workspace) as tx:
                ended = end(tx, overrule, f"cli:{getpass.getuser()}", bot.clock.now())
            out.print(f"Doubt {ended.id} about {' and '.join(ended.users)} is overruled; their votes count in full.")
            return
        with bot.store.read(workspace) as tx:
            found = tx.doubts.all()
    finally:
        bot.close()
    for one in found:
        if as_json:
            print_json({**asdict(one), "in_force": one.in_force})
        else:
            state = f" (overruled by {one.overruled_by})" if one.overruled_by else ""
            out.print(f"{one.id}  {' and '.join(one.users)} {one.evidence}{state}")
    if not found and not as_json:
        out.print("There are none.")
