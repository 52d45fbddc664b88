"""`tierbot trainers` and `tierbot doubts`: how reliable each trainer is, and who may not be judging honestly."""

import getpass
from dataclasses import asdict
from typing import Annotated, Any

import typer

from tierbot.cli.output import AsJson, JsonLines, out, percent, print_json, print_table
from tierbot.cli.wiring import offline


def trainers(
    identities: Annotated[bool, typer.Option("--identities", help="Names and user ids instead of pseudonyms.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show how well trainers agree (Krippendorff's α) and how reliable each is, over the last five rounds.

    Example: `tierbot trainers --identities`
    """
    from tierbot.app.slack_access import names_in
    from tierbot.reports.crowd import crowd_of
    from tierbot.reports.dataset import pseudonyms_of

    bot, workspace = offline()
    name = (
        names_in(bot.settings, bot.installations, bot.clock, workspace)
        if identities
        else pseudonyms_of(bot.store, workspace)
    )
    with bot.store.read(workspace) as tx:
        found = crowd_of(tx, name)
    if as_json:
        print_json(found)
        return
    alpha = {which: "–" if value is None else f"{value:.2f}" for which, value in found["alpha"].items()}
    out.print(f"{found['posts']} posts with votes; Krippendorff's α {alpha['all']}, on blank posts {alpha['blank']}")
    rows = [
        (
            one["user"],
            one["judged"],
            _interval(one["reliability"]),
            _interval(one["anchoring"]),
            "yes" if one["doubted"] else "",
        )
        for one in found["trainers"]
    ]
    print_table(("trainer", "judged", "reliable", "clicks unread", "doubted"), rows)


def _interval(share: dict[str, Any]) -> str:
    return percent({**share, "n": round(share["n"]) or 1}).split(", n")[0] + ")"


def doubts(
    overrule: Annotated[str | None, typer.Option(metavar="ID", help="Dismiss a doubt; this is audited.")] = None,
    identities: Annotated[bool, typer.Option("--identities", help="Show names next to the user ids.")] = False,
    as_json: JsonLines = False,
) -> None:
    """List the trainers who may not be judging honestly, with the evidence, or overrule a doubt.

    Example: `tierbot doubts --overrule 3f9a1c0d22b47e15`
    """
    from tierbot.app.slack_access import names_in
    from tierbot.use_cases.people.doubts import overrule as end

    bot, workspace = offline()
    if overrule:
        with bot.store.begin(workspace) as tx:
            ended = end(tx, overrule, f"cli:{getpass.getuser()}", bot.clock.now())
        out.print(f"Overruled doubt {ended.id} about {' and '.join(ended.users)}; their votes count in full.")
        return
    with bot.store.read(workspace) as tx:
        found = tx.doubts.all()
    name = names_in(bot.settings, bot.installations, bot.clock, workspace) if identities else str
    for one in found:
        users = [name(user) for user in one.users]
        if as_json:
            print_json({**asdict(one), "users": users, "in_force": one.in_force})
        else:
            state = f" (overruled by {one.overruled_by})" if one.overruled_by else ""
            out.print(f"{one.id}  {' and '.join(users)} {one.evidence}{state}")
    if not found and not as_json:
        out.print("No doubts.")
