"""`tierbot add`, `tierbot classify` and `tierbot embed`: articles in, tags out."""

import json
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tierbot.cli.bulk import EngineName, Workers, done_to, identity, progress
from tierbot.cli.output import counted, err, out, print_json
from tierbot.cli.wiring import logging_of, offline
from tierbot.domain.nouns import Article, TierbotError

if TYPE_CHECKING:
    from tierbot.app.bootstrap import Tierbot

_BATCH = 500
_SHOWN = 5


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("add")(add)
    app.command("classify")(classify)
    app.command("embed")(embed)


def add(
    file: Annotated[Path, typer.Argument(help="JSONL or CSV, gzipped or not; - is standard input.")],
    strict: Annotated[bool, typer.Option(help="Refuse the whole file at its first bad row.")] = False,
    check: Annotated[
        str | None, typer.Option("--check", help="Ask of each only whether this tag (its id) is true: 👍 or 👎.")
    ] = None,
) -> None:
    """Take articles in: cleaned, duplicates folded, waiting to be posted. Messages, captions and transcripts, too.

    An article without an address, but with an image's, is shown as that image with its caption.

    Example: `tierbot add stories.jsonl.gz`
    """
    from tierbot.adapters.files.archives import ReadReport, read_archive
    from tierbot.domain.articles.duplicates import to_article

    bot, workspace = offline()
    now = datetime.now(UTC)
    _check_tag(bot, workspace, check)
    if strict:
        if str(file) == "-":
            raise TierbotError("--strict reads a file twice: give a file, not standard input.")
        deque(read_archive(file, now=now), maxlen=0)
    report = ReadReport()
    new = copies = 0
    rows, tell = read_archive(file, now=now, strict=strict, report=report), progress("articles taken in")
    for articles in _batches(replace(to_article(row, now), check_tag=check) for row in rows):
        added, folded = bot.loop.take_in(workspace, articles)
        new, copies = new + added, copies + folded
        tell(report.rows, 0)
    for bad in report.examples:
        err.print(f"{file}:{bad.line}: left out: it {bad.why}.")
    for note in report.notes:
        err.print(note)
    out.print(f"{counted(report.rows, 'article')} read, {new} new, {copies} folded into others, {report.bad} left out.")


def _check_tag(bot: "Tierbot", workspace: str, tag: str | None) -> None:
    from tierbot.app.slack_access import tags_in

    if tag is not None and tag not in tags_in(bot.store, workspace).ids:
        raise TierbotError(f"There is no tag {tag!r} in use. `tierbot tags list` shows those there are.")


def classify(
    texts: Annotated[list[str] | None, typer.Argument(help="Texts to classify.")] = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="JSONL or CSV with articles; - is standard input.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per text.")] = False,
    top: Annotated[int, typer.Option(min=1, help="With --json or --out: so many tags, most probable first.")] = 1000,
    to: Annotated[Path | None, typer.Option("--out", "-o", help="Write JSON lines here, resumably.")] = None,
    engine: EngineName = "local",
    workers: Workers = None,
) -> None:
    """Predict the topic of texts with the model in service (before the first start: the one that ships).

    With --out, a long file is divided among several processes, or a Ray cluster's. If it is interrupted, the same command
    goes on where it was; the result is the same whatever does the work.

    Example: `tierbot classify --file backlog.jsonl.gz --out topics.jsonl --top 3`
    """
    now = datetime.now(UTC)
    if not texts and file is None:
        raise TierbotError("Nothing to classify. Give a text in quotes, or --file FILE.")
    if to is not None or workers is not None or engine != "local":
        if texts or file is None or str(file) == "-":
            raise TierbotError("--out, --engine and --workers are for a file: give --file FILE, and no other text.")
        _in_bulk(file, to, top, engine, workers)
        return
    from tierbot.adapters.files.archives import read_archive
    from tierbot.app.api import article_of, load
    from tierbot.domain.articles.duplicates import to_article
    from tierbot.domain.predict.ranking import ranked_tags
    from tierbot.settings import load_settings

    logging_of(load_settings())
    champion = load()
    rows = read_archive(file, now=now) if file is not None else ()
    for batch in _batches(chain((article_of(text) for text in texts or ()), (to_article(row, now) for row in rows))):
        ranked = ranked_tags(champion.probabilities(batch), champion.topics)
        for article, tags in zip(batch, ranked, strict=True):
            _print(article, tags[:top], as_json=as_json)


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
    for line in done_to(to, work, shards, identity(file), engine, workers, "articles"):
        typer.echo(line)
    if to is not None:
        err.print(f"{to}: written.")


def embed(engine: EngineName = "local", workers: Workers = None) -> None:
    """Embed all articles that the encoder in use has not embedded yet: after TIERBOT_ENCODER was changed, say.

    If it is interrupted, the same command goes on where it was. The bot may run meanwhile.

    Example: `tierbot embed --workers 4`
    """
    from tierbot.app.bulk import engine_of
    from tierbot.app.bulk.articles import embed_missing

    bot, workspace = offline()
    done = embed_missing(
        bot.store, workspace, bot.settings.encoder, bot.encoder.digest, engine_of(engine, workers), progress("articles")
    )
    out.print(f"{counted(done, 'article')} embedded.")


def _batches(articles: Iterable[Article]) -> Iterator[list[Article]]:
    source = iter(articles)
    while batch := list(islice(source, _BATCH)):
        yield batch


def _print(article: Article, tags: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json({"title": article.title, "url": article.url, "tags": tags})
        return
    best = "   ".join(f"{tag['emoji']} {tag['name']} {tag['probability']:.0%}" for tag in tags[:_SHOWN])
    out.print(f"{article.title[:100]}\n  {best}")
