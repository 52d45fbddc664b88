"""`tierbot add` and `tierbot classify`: articles in, tags out."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from tierbot.articles.duplicates import to_article
from tierbot.cli.output import err, out, print_json
from tierbot.cli.wiring import offline
from tierbot.domain import Article, TierbotError, key
from tierbot.edges.archives import ReadReport, read_archive
from tierbot.settings import load_settings

_BATCH = 500
_SHOWN = 5


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("add")(add)
    app.command("classify")(classify)


def add(
    file: Annotated[Path, typer.Argument(help="JSONL or CSV, gzipped or not; - is standard input.")],
    strict: Annotated[bool, typer.Option(help="Refuse the whole file at its first bad row.")] = False,
) -> None:
    """Take articles in: cleaned, duplicates folded, waiting to be posted.

    Example: `tierbot add stories.jsonl.gz`
    """
    bot, workspace = offline()
    report = ReadReport()
    now = datetime.now(UTC)
    articles = [to_article(row, now) for row in read_archive(file, now=now, strict=strict, report=report)]
    new = copies = 0
    for start in range(0, len(articles), _BATCH):
        added, folded = bot.loop.take_in(workspace, articles[start : start + _BATCH])
        new, copies = new + added, copies + folded
    for bad in report.examples:
        err.print(f"{file}:{bad.line}: left out: it {bad.why}.")
    for note in report.notes:
        err.print(note)
    out.print(f"{report.rows} articles read, {new} new, {copies} folded into others, {report.bad} left out.")


def classify(
    texts: Annotated[list[str] | None, typer.Argument(help="Texts to classify.")] = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="JSONL or CSV with articles; - is standard input.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per text, all tags in it.")] = False,
) -> None:
    """Predict the topic of texts with the model in service (before the first start: the one that ships).

    Example: `tierbot classify "Quarterback throws four touchdowns"`
    """
    now = datetime.now(UTC)
    articles = [_article(text, now) for text in texts or ()]
    if file is not None:
        articles += [to_article(row, now) for row in read_archive(file, now=now)]
    if not articles:
        raise TierbotError("Nothing to classify. Give a text in quotes, or --file FILE.")
    from tierbot.bootstrap import classification

    rank = classification(load_settings())
    for start in range(0, len(articles), _BATCH):
        batch = articles[start : start + _BATCH]
        for article, tags in zip(batch, rank(batch), strict=True):
            _print(article, tags, as_json=as_json)


def _article(text: str, now: datetime) -> Article:
    return Article(key("text", text), text, "", "", "", now)


def _print(article: Article, tags: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json({"title": article.title, "url": article.url, "tags": tags})
        return
    best = "   ".join(f"{tag['emoji']} {tag['name']} {tag['probability']:.0%}" for tag in tags[:_SHOWN])
    out.print(f"{article.title[:100]}\n  {best}", markup=False)
