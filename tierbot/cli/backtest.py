"""`tierbot backtest`: the bot's own deciders on your labeled archive, before it bothers one colleague."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tierbot.cli.bulk import EngineName, Workers, done_beside, done_to, identity, place_for
from tierbot.cli.output import err, out, percent, print_json
from tierbot.domain.nouns import TierbotError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tierbot.domain.articles.rows import ArchiveRow
    from tierbot.simulate.backtest import RoundResult
    from tierbot.simulate.choices import BacktestSettings

MOST_ROWS = 300_000


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("backtest")(backtest)


def backtest(
    archive: Annotated[
        Path, typer.Argument(help="Labelled archive: JSONL or CSV with title and tags, gzipped or not.")
    ],
    start: Annotated[
        int | None, typer.Option(min=0, help="Rows the start model learns from; 0: descriptions only.")
    ] = None,
    start_accuracy: Annotated[
        float | None, typer.Option(min=0, max=1, help="As many rows as it takes to reach this accuracy, e.g. 0.73.")
    ] = None,
    window: Annotated[
        int, typer.Option(min=0, help="The last rows, never shown, that each round is measured on.")
    ] = 3000,
    posts_per_round: Annotated[int, typer.Option(min=1, help="Posts a round.")] = 500,
    rounds: Annotated[int | None, typer.Option(min=1, help="Rounds; without it, until the archive ends.")] = None,
    trainers: Annotated[str, typer.Option(help="A TOML file, `default` or `perfect`.")] = "default",
    policy: Annotated[str, typer.Option(help="What to show; an unknown one lists those there are.")] = "explore",
    selection: Annotated[str, typer.Option(help="What to ask about.")] = "mix",
    aggregator: Annotated[str, typer.Option(help="How votes settle.")] = "plain",
    learner: Annotated[str, typer.Option(help="How challengers are made.")] = "default",
    plot: Annotated[Path | None, typer.Option(help="Draw the learning curve into this PNG.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    seeds: Annotated[
        str | None, typer.Option(help="Several seeds at once, such as 0..9 or 0,1,5: the rounds' means over them.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--out", "-o", help="With --seeds: each round's record, resumably.")
    ] = None,
    engine: EngineName = "local",
    workers: Workers = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per round and line.")] = False,
) -> None:
    """Replay a labeled archive with simulated trainers and say how accurate the bot would have been, by round.

    With --seeds it is done by several processes, or a Ray cluster's; the result is the same whatever does the work.

    Example: `tierbot backtest stories.jsonl.gz --rounds 8 --posts-per-round 200 --plot curve.png`
    """
    import numpy as np

    from tierbot.adapters.encoders import encoder_of
    from tierbot.adapters.files.archives import read_archive
    from tierbot.app.bootstrap import SystemClock
    from tierbot.settings import load_settings
    from tierbot.simulate.backtest import backtest as replay
    from tierbot.simulate.choices import BacktestSettings

    settings = BacktestSettings(
        start=start,
        start_accuracy=start_accuracy,
        window=window,
        posts_per_round=posts_per_round,
        rounds=rounds,
        trainers=trainers,
        policy=policy,
        selection=selection,
        aggregator=aggregator,
        learner=learner,
        seed=seed,
    )
    rows = read_archive(
        archive, now=SystemClock().now(), strict=False, most=MOST_ROWS
    )  # kept, with embeddings: 5 kB each
    if seeds is not None:
        _many(list(rows), settings, seeds, to, engine, workers, archive, as_json=as_json)
        return
    if to is not None or engine != "local" or workers is not None:
        raise TierbotError("--out, --engine and --workers are for several seeds: give --seeds, such as 0..9.")
    played = []
    encoder = encoder_of(load_settings().encoder)
    for result in replay(
        rows, settings, encoder, np.random.default_rng(seed), progress=lambda what: err.print(what, style="dim")
    ):
        played.append(result)
        if as_json:
            print_json(result.as_json())
        else:
            _show(result)
    if plot is not None:
        _draw(played, plot)


def _many(
    rows: "list[ArchiveRow]", settings: "BacktestSettings", seeds: str, to: Path | None, engine: str,
    workers: int | None, archive: Path, *, as_json: bool,
) -> None:  # fmt: skip
    import json

    from tierbot.adapters.encoders import encoder_of
    from tierbot.app.bulk import lines_in
    from tierbot.app.bulk.replays import replaying, seed_shards, seeds_of, summary, texts_of
    from tierbot.app.bulk.texts import embedding, shards_of, vectors_of
    from tierbot.settings import load_settings

    encoder, chosen = load_settings().encoder, seeds_of(seeds)
    about = {**identity(archive), "seeds": chosen}
    texts = shards_of(map(json.dumps, texts_of(rows)), lambda first, last: f"{archive}: texts {first} to {last}")
    with place_for(to) as place:
        # Kept as parts until the seeds are done, too: begun again, nothing is embedded twice.
        beside = place.with_name(f"{place.name}.embedded")
        embedder = embedding(encoder, encoder_of(encoder).digest)
        embedded, count = done_beside(beside, embedder, texts, about, engine, workers, "texts embedded")
        vectors = vectors_of([line for number in range(count) for line in embedded.lines(number)])
        work = replaying(rows, vectors, settings, encoder)
        done_to(place, work, seed_shards(chosen), about, engine, workers, "seeds replayed")
        embedded.remove()
        records = [json.loads(line) for line in lines_in(place)]
    for line in summary(records, len(chosen)):
        if as_json:
            print_json(line)
        else:
            out.print(
                f"Round {line['round']:3}: accuracy {_spread(line['accuracy'])}   window {_spread(line['window'])}"
            )


def _spread(found: "Mapping[str, float | None]") -> str:
    mean, error = found["mean"], found["standard_error"]
    return "–" if mean is None else f"{mean:.1%}" + ("" if error is None else f" ± {error:.1%}")


def _show(result: "RoundResult") -> None:
    record = result.as_json()
    window = "" if result.window_accuracy is None else f"   window {result.window_accuracy:.1%}"
    right = "–" if result.verdict_accuracy is None else f"{100 * result.verdict_accuracy:.0f} %"
    out.print(
        f"Round {result.round:3}: {result.posts} posts, {result.clicks} clicks   verdicts right {right}   "
        f"accuracy {percent(record['accuracy']['all'])}, blank {percent(record['accuracy']['blank'])}{window}   "
        f"{result.model} {'promoted' if result.promoted else 'refused'}, {result.seconds:.1f} s"
    )


def _draw(played: "list[RoundResult]", path: Path) -> None:
    from tierbot.reports.curves import learning_curve

    path.write_bytes(learning_curve(played))
    err.print(f"Drawn: {path}")
