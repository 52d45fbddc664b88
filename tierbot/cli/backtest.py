"""`tierbot backtest`: run the bot's own decisions on your labeled archive before you involve colleagues."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tierbot.cli.bulk import EngineName, Workers, do_into_parts, do_to_file, identity, place_for
from tierbot.cli.output import JsonLines, err, out, percent, print_json
from tierbot.domain.nouns import TierbotError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tierbot.domain.articles.rows import ArchiveRow
    from tierbot.simulate.backtest import RoundResult
    from tierbot.simulate.choices import BacktestSettings

MOST_ROWS = 300_000


def backtest(
    archive: Annotated[Path, typer.Argument(help="Labeled archive: JSONL or CSV with title and tags; may be gzipped.")],
    start: Annotated[
        int | None, typer.Option(min=0, help="Number of rows to train the first model on; 0: descriptions only.")
    ] = None,
    start_accuracy: Annotated[
        float | None, typer.Option(min=0, max=1, help="Train the first model until it is this accurate, e.g. 0.73.")
    ] = None,
    window: Annotated[
        int, typer.Option(min=0, help="Number of rows at the end to hold out, to measure each round on.")
    ] = 3000,
    posts_per_round: Annotated[int, typer.Option(min=1, help="Posts per round.")] = 500,
    rounds: Annotated[int | None, typer.Option(min=1, help="Number of rounds. [default: to the archive's end]")] = None,
    trainers: Annotated[str, typer.Option(help="A TOML file, `default` or `perfect`.")] = "default",
    policy: Annotated[str, typer.Option(help="What to show; an unknown name lists the choices.")] = "explore",
    selection: Annotated[str, typer.Option(help="What to ask about.")] = "mix",
    aggregator: Annotated[str, typer.Option(help="How votes settle.")] = "plain",
    learner: Annotated[str, typer.Option(help="How to train challengers.")] = "default",
    plot: Annotated[Path | None, typer.Option(help="Plot the learning curve to this PNG.")] = None,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    seeds: Annotated[
        str | None, typer.Option(help="Several seeds, such as 0..9 or 0,1,5; prints each round's mean.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--out", "-o", help="With --seeds: write each round's record here; a rerun resumes.")
    ] = None,
    engine: EngineName = "local",
    workers: Workers = None,
    as_json: JsonLines = False,
) -> None:
    """Replay a labeled archive with simulated trainers, and show the bot's accuracy by round.

    With --seeds, several processes or a Ray cluster share the work; the result doesn't depend on the engine.

    Example: `tierbot backtest stories.jsonl.gz --rounds 8 --posts-per-round 200 --plot curve.png`
    """
    import numpy as np

    from tierbot.adapters.encoders import encoder_of
    from tierbot.adapters.files.archives import read_archive
    from tierbot.app.bot import SystemClock
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
    # All rows stay in memory with their embeddings, 5 kB each.
    rows = read_archive(archive, now=SystemClock().now(), strict=False, most=MOST_ROWS)
    if seeds is not None:
        _many(list(rows), settings, seeds, to, engine, workers, archive, as_json=as_json)
        return
    if to is not None or engine != "local" or workers is not None:
        raise TierbotError("--out, --engine and --workers only work with several seeds. Give --seeds, such as 0..9.")
    played = []
    encoder = encoder_of(load_settings().encoder)
    for result in replay(
        rows, settings, encoder, np.random.default_rng(seed), progress=lambda what: err.print(what, style="dim")
    ):
        played.append(result)
        if as_json:
            print_json(asdict(result))
        else:
            _show(result)
    if plot is not None:
        from tierbot.reports.charts import learning_curve

        plot.write_bytes(learning_curve([(one.posts, one.accuracy, one.window_accuracy) for one in played]))
        err.print(f"Wrote {plot}.")


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
        # The embeddings stay until the seeds are done, so a second start doesn't repeat them.
        parts_place = place.with_name(f"{place.name}.embedded")
        embedder = embedding(encoder, encoder_of(encoder).digest)
        embedded, count = do_into_parts(parts_place, embedder, texts, about, engine, workers, "texts embedded")
        vectors = vectors_of([line for number in range(count) for line in embedded.lines(number)])
        work = replaying(rows, vectors, settings, encoder)
        do_to_file(place, work, seed_shards(chosen), about, engine, workers, "seeds replayed")
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
    record = asdict(result)
    window = "" if result.window_accuracy is None else f"   window {result.window_accuracy:.1%}"
    right = "–" if result.verdict_accuracy is None else f"{100 * result.verdict_accuracy:.0f}%"
    out.print(
        f"Round {result.round:3}: {result.posts} posts, {result.clicks} clicks   verdicts right {right}   "
        f"accuracy {percent(record['accuracy']['all'])}, blank {percent(record['accuracy']['blank'])}{window}   "
        f"{result.model} {'promoted' if result.promoted else 'stays'}, {result.seconds:.1f} s"
    )
