"""`tierbot simulate fit`: simulated trainers that behave like your own team."""

from pathlib import Path
from typing import Annotated

import typer

from tierbot.cli.output import counted, err, out

group = typer.Typer(help="Simulated trainers, for backtests.", no_args_is_help=True)


@group.callback()
def _root() -> None:
    """Keep `fit` a subcommand while it is the only one."""


@group.command("fit")
def fit(
    out_file: Annotated[
        Path | None, typer.Option("--out", help="TOML file to write. [default: standard output]")
    ] = None,
    fewest: Annotated[int, typer.Option(min=1, help="Skip trainers with fewer judged posts.")] = 10,
) -> None:
    """Fit simulated trainers to the ledger: expertise, anchoring, activity and delay, without names.

    Example: `tierbot simulate fit --out team.toml && tierbot backtest stories.jsonl.gz --trainers team.toml`
    """
    from tierbot.cli.wiring import offline
    from tierbot.domain.feedback import PlainRule
    from tierbot.simulate.fit import fit_trainers, trainers_toml

    bot, workspace = offline()
    with bot.store.read(workspace) as tx:
        posts = [post for round_ in tx.rounds.all() for post in tx.posts.in_round(round_.number)]
        events = {post.id: tx.ledger.events_by_voters(post.channel, post.ts) for post in posts if post.ts}
        tags, known = tx.workspaces.tags(), tx.workspaces.get()
    bots = [known.bot_user] if known and known.bot_user else []
    rule = PlainRule(minimum=bot.settings.minimum_voters)
    fitted = fit_trainers(posts, events, tags, rule, zone=bot.settings.zone, ignore=bots, fewest=fewest)
    judged = sum(one.judged for one in fitted)
    text = trainers_toml(
        [one.trainer for one in fitted],
        f"Fitted to {counted(len(fitted), 'trainer')} who judged {counted(judged, 'post')} in total.",
    )
    if out_file is None:
        out.print(text)
    else:
        out_file.write_text(text, encoding="utf-8")
        err.print(f"{counted(len(fitted), 'trainer')} written to {out_file}.")
