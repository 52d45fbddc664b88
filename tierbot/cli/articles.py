"""`tierbot add`, `tierbot classify` and `tierbot embed`: articles in, tags out."""

import json
from collections import deque
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tierbot.cli.bulk import EngineName, Workers, batches, do_to_file, identity, progress
from tierbot.cli.output import AsJson, JsonLines, counted, err, out, print_json, tell
from tierbot.cli.streams import argument_text
from tierbot.cli.wiring import logging_of, offline
from tierbot.domain.nouns import Article, TierbotError

if TYPE_CHECKING:
    from tierbot.adapters.files.archives import ReadReport
    from tierbot.app.bot import Tierbot
    from tierbot.domain.predict.unclear import Unclear

_SHOWN = 5


def add(
    file: Annotated[Path, typer.Argument(help="JSONL or CSV, may be gzipped; - for standard input.")],
    strict: Annotated[bool, typer.Option(help="Add nothing if any row is bad.")] = False,
    check: Annotated[
        str | None, typer.Option("--check", help="Only ask whether this tag (given by its id) is right: 👍 or 👎.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add articles to the queue: clean them and merge duplicates. Messages, captions and transcripts work, too.

    An article with an image URL but no URL of its own is posted as that image with its caption.

    Example: `tierbot add stories.jsonl.gz`
    """
    from tierbot.adapters.files.archives import ReadReport, check_exists, read_archive
    from tierbot.domain.articles.duplicates import to_article

    check_exists(file)
    bot, workspace = offline()
    now = datetime.now(UTC)
    _check_tag(bot, workspace, check)
    if strict:
        if str(file) == "-":
            raise TierbotError("--strict reads the input twice. Give a file, not standard input.")
        deque(read_archive(file, now=now), maxlen=0)
    report = ReadReport()
    new = copies = 0
    rows, show = read_archive(file, now=now, strict=strict, report=report), progress("articles added")
    for articles in batches(replace(to_article(row, now), check_tag=check) for row in rows):
        added, folded = bot.loop.take_in(workspace, articles)
        new, copies = new + added, copies + folded
        show(report.rows, 0)
    print_problems(file, report)
    known = report.rows - new - copies
    tell(
        f"{counted(report.rows + report.bad, 'row')} read: {new} new, {counted(copies, 'duplicate')}, "
        f"{known} already there, {report.bad} refused.",
        {"rows": report.rows + report.bad, "new": new, "duplicates": copies, "known": known, "refused": report.bad},
        as_json=as_json,
    )
    refuse_if_all_bad(file, report)


def refuse_if_all_bad(file: Path, report: "ReadReport") -> None:
    """Raise TierbotError if a file had rows and none was usable."""
    if report.bad and not report.rows:
        raise TierbotError(f"{file}: every row was refused, so nothing was added. Fix the rows as described above.")


def print_problems(file: Path, report: "ReadReport") -> None:
    """Print a file's bad rows and the notes on it."""
    for bad in report.examples:
        err.print(f"{file}:{bad.line}: refused: the row {bad.why}.")
    for note in report.notes:
        err.print(note)


def _check_tag(bot: "Tierbot", workspace: str, tag: str | None) -> None:
    from tierbot.app.slack_access import tags_in

    if tag is not None and tag not in tags_in(bot.store, workspace).ids:
        raise TierbotError(f"No tag {tag!r} is in use. `tierbot tags list` shows the tags.")


def classify(
    texts: Annotated[list[str] | None, typer.Argument(help="Texts to classify.")] = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="JSONL or CSV with articles; - for standard input.")
    ] = None,
    as_json: JsonLines = False,
    top: Annotated[int, typer.Option(min=1, help="With --json or --out: number of tags, most probable first.")] = 1000,
    to: Annotated[Path | None, typer.Option("--out", "-o", help="Write JSON lines here; a rerun resumes.")] = None,
    engine: EngineName = "local",
    workers: Workers = None,
) -> None:
    """Predict the topic of texts with the model in service (before the first start: the bootstrap model).

    With --out, several processes or a Ray cluster share a long file. After an interruption, the same command resumes. The
    result doesn't depend on the engine. A text that says too little gets no topic; with --json or --out, "unclear" says why,
    next to the probabilities.

    Example: `tierbot classify --file backlog.jsonl.gz --out topics.jsonl --top 3`
    """
    now = datetime.now(UTC)
    if not texts and file is None:
        raise TierbotError("Nothing to classify. Give a text in quotes, or --file FILE.")
    if any(not argument_text(text).strip() for text in texts or ()):
        raise TierbotError("A text is empty, so there is nothing to classify. Give a text in quotes, or --file FILE.")
    if to is not None or workers is not None or engine != "local":
        if texts or file is None or str(file) == "-":
            raise TierbotError("--out, --engine and --workers only work with a file. Give --file FILE and no texts.")
        _in_bulk(file, to, top, engine, workers)
        return
    from tierbot.adapters.files.archives import read_archive
    from tierbot.app.api import article_of, load
    from tierbot.domain.articles.duplicates import to_article
    from tierbot.domain.predict.ranking import ranked_tags
    from tierbot.domain.predict.unclear import why_unclear
    from tierbot.settings import load_settings

    logging_of(load_settings())
    champion = load()
    rows = read_archive(file, now=now) if file is not None else ()
    for batch in batches(
        chain((article_of(argument_text(text)) for text in texts or ()), (to_article(row, now) for row in rows))
    ):
        ranked = ranked_tags(champion.probabilities(batch), champion.topics)
        why = why_unclear([article.content for article in batch], champion.model)
        for article, tags, reason in zip(batch, ranked, why, strict=True):
            _print(article, tags[:top], reason, as_json=as_json)


def _in_bulk(file: Path, to: Path | None, top: int, engine: str, workers: int | None) -> None:
    from tierbot.adapters.files.archives import read_archive
    from tierbot.app.api import load
    from tierbot.app.bulk.texts import classifying, shards_of
    from tierbot.domain.articles.duplicates import to_article
    from tierbot.settings import load_settings

    settings = load_settings()
    logging_of(settings)
    work = classifying(load(), settings.encoder, top, settings.predictor_timeout_seconds)
    articles = (to_article(row, datetime.now(UTC)) for row in read_archive(file, now=datetime.now(UTC)))
    lines = (json.dumps({"title": one.title, "text": one.text, "url": one.url}) for one in articles)
    shards = shards_of(lines, lambda first, last: f"{file}: rows {first} to {last}")
    for line in do_to_file(to, work, shards, identity(file), engine, workers, "articles"):
        print_json(json.loads(line))
    if to is not None:
        err.print(f"Wrote {to}.")


def embed(engine: EngineName = "local", workers: Workers = None, as_json: AsJson = False) -> None:
    """Embed the articles that the current encoder hasn't embedded yet, for example after changing TIERBOT_ENCODER.

    After an interruption, the same command resumes. The bot may keep running.

    Example: `tierbot embed --workers 4`
    """
    from tierbot.app.bulk import engine_of
    from tierbot.app.bulk.articles import embed_missing

    bot, workspace = offline()
    done = embed_missing(
        bot.store, workspace, bot.settings.encoder, bot.encoder.digest, engine_of(engine, workers), progress("articles")
    )
    tell(f"{counted(done, 'article')} embedded.", {"embedded": done}, as_json=as_json)


def _print(article: Article, tags: list[dict[str, Any]], why: "Unclear | None", *, as_json: bool) -> None:
    if as_json:
        print_json({"title": article.title, "url": article.url, "tags": tags, "unclear": why})
        return
    if why is not None:
        out.print(f"{article.title[:100]}\n  {why.in_words}")
        return
    best = "   ".join(f"{tag['emoji']} {tag['name']} {tag['probability']:.0%}" for tag in tags[:_SHOWN])
    out.print(f"{article.title[:100]}\n  {best}")
