"""`tierbot feeds`: the list of feeds, their state, and a dry run of one."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from tierbot.cli.output import AsJson, JsonLines, counted, err, out, print_json, tell
from tierbot.cli.wiring import offline
from tierbot.domain.nouns import TierbotError

if TYPE_CHECKING:
    from tierbot.domain.articles.feeds import Feed, FeedResult, ListedFeed
    from tierbot.domain.articles.logins import Login

_SHOWN = 5  # articles shown by `feeds test`

group = typer.Typer(help="RSS, Atom and JSON feeds: the list and its state.", no_args_is_help=True)


@group.command("add")
def add(
    urls: Annotated[list[str], typer.Argument(help="Addresses of RSS, Atom or JSON feeds, or files that list them.")],
    name: Annotated[str, typer.Option(help="The source to show with the articles. [default: the feed's title]")] = "",
    as_json: AsJson = False,
) -> None:
    """Add feeds to the list. A running bot reads them within seconds.

    A password in an address (https://USER:PASSWORD@HOST/…) goes to the file that TIERBOT_FEEDS_NETRC names, not to the database.
    Other users of the machine can read command-line arguments; in that case, write the file yourself.

    Examples: `tierbot feeds add https://feeds.example/news.xml`, `tierbot feeds add subscriptions.opml`
    """
    from tierbot.adapters.files.configuration import load_feeds
    from tierbot.domain.articles.feeds import FeedFileError, parse_feeds

    files = [Path(url) for url in urls if "://" not in url and Path(url).is_file()]
    lines = "\n".join(f"{url} {name}" for url in urls if Path(url) not in files)
    try:
        feeds = [feed for file in files for feed in load_feeds(file)]
        feeds += parse_feeds(lines, "the command line") if lines else []
    except FeedFileError as fault:
        raise TierbotError(f"{fault} Nothing was added.") from fault
    _refuse_private(feeds)
    _add(feeds, as_json=as_json)


@group.command("starter")
def starter(as_json: AsJson = False) -> None:
    """Add tierbot's starter list: well-known public feeds for the default topics.

    Example: `tierbot feeds starter`
    """
    from tierbot.domain.articles.feeds import starter_feeds

    _add(starter_feeds(), as_json=as_json)


@group.command("list")
def list_feeds(as_json: JsonLines = False) -> None:
    """List the feeds: when each was last read, how many articles it brought, and any error.

    Example: `tierbot feeds list`
    """
    bot, workspace = offline()
    listed = bot.intake.feeds(workspace)
    if as_json:
        for one in listed:
            print_json(_as_dict(one))
        return
    if not listed:
        out.print("No feeds yet. Add one with `tierbot feeds add URL`, or a starter list with `tierbot feeds starter`.")
        return
    now = datetime.now(UTC)
    for one in listed:
        how = " · ".join(
            filter(None, (one.feed.name, _ago(one.polled_at, now), f"{one.brought} brought", _state(one, now)))
        )
        out.print(f"{one.feed.url}\n  {how}")
    broken = sum(one.problem is not None for one in listed)
    out.print(f"{counted(len(listed), 'feed')}, {broken} broken.")


@group.command("export")
def export(
    file: Annotated[Path, typer.Argument(help="File to write; - for standard output.")] = Path("-"),
) -> None:
    """Write the list of feeds as OPML 2.0, for other feed readers and for `tierbot feeds add`. Passwords aren't written.

    Example: `tierbot feeds export subscriptions.opml`
    """
    from tierbot.adapters.atomic import drafted
    from tierbot.domain.articles.feeds import to_opml

    bot, workspace = offline()
    listed = bot.intake.feeds(workspace)
    with drafted(file) as draft:
        draft.write_text(to_opml((one.feed for one in listed), datetime.now(UTC)), encoding="utf-8")
    err.print(f"{counted(len(listed), 'feed')} written{'' if str(file) == '-' else f' to {file}'}.")


@group.command("test")
def try_out(
    url: Annotated[str, typer.Argument(help="The feed's address.")],
    as_json: AsJson = False,
) -> None:
    """Read a feed once and show its articles without storing them; exit with 1 if it can't be read.

    Example: `tierbot feeds test https://feeds.example/news.xml`
    """
    from tierbot.app.bootstrap import feed_reader
    from tierbot.domain.articles.feeds import parse_feeds
    from tierbot.settings import load_settings

    (feed,) = parse_feeds(url, "the command line")
    ((result,),) = feed_reader(load_settings()).poll([feed], {}, datetime.now(UTC))
    if as_json:
        print_json(_outcome(result))
        raise typer.Exit(1 if result.problem else 0)
    if result.problem:
        raise TierbotError(result.problem)
    out.print(f"{feed.url}: {counted(len(result.articles), 'article')}.")
    for article in result.articles[:_SHOWN]:
        out.print(f"  {article.title[:100]}\n    {article.source}  {article.url}")
    for note in result.notes:
        err.print(f"Note: {note}.")


@group.command("remove")
def remove(
    url: Annotated[str, typer.Argument(help="The feed's address, as `tierbot feeds list` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Remove a feed from the list. Its articles stay.

    Example: `tierbot feeds remove https://feeds.example/news.xml`
    """
    from tierbot.domain.articles.logins import masked

    bot, workspace = offline()
    bot.intake.remove_feed(workspace, url)
    tell(f"Removed {masked(url)}.", {"removed": masked(url)}, as_json=as_json)


def _refuse_private(feeds: "Sequence[Feed]") -> None:
    from tierbot.adapters.feeds.guard import LOOPBACK, is_closed
    from tierbot.settings import load_settings

    allow = LOOPBACK if load_settings().feeds_allow_local else ()
    for feed in feeds:
        if is_closed(urlsplit(feed.url).hostname or "", allow):
            raise TierbotError(
                f"{feed.url} is a private address, which feeds may not use; nothing was added. "
                "Use a public address, or for tests set TIERBOT_FEEDS_ALLOW_LOCAL=true."
            )


def _add(feeds: "Sequence[Feed]", *, as_json: bool) -> None:
    bot, workspace = offline()
    for feed in feeds:
        if feed.login is not None:
            _keep(feed.url, feed.login, bot.settings.feeds_netrc)
    added = bot.intake.add_feeds(workspace, feeds)
    known = len(feeds) - added
    also = f" Already on the list: {known}." if known else ""
    text = f"Added: {added}.{also} `tierbot feeds list` shows their state."
    tell(text, {"added": added, "known": known}, as_json=as_json)


def _keep(url: str, login: "Login", file: Path | None) -> None:
    from tierbot.adapters.feeds.logins import keep_login

    if file is None:
        raise TierbotError(
            "TIERBOT_FEEDS_NETRC is empty, so there's no file for the password. Set it; nothing was added."
        )
    keep_login(url, login, file)


def _as_dict(one: "ListedFeed") -> dict[str, Any]:
    return {
        "url": one.feed.url,
        "name": one.feed.name,
        "listed_by": one.by,
        "polled_at": one.polled_at and one.polled_at.isoformat(),
        "brought": one.brought,
        "problem": one.problem,
        "notes": list(one.notes),
        "failures": one.memory.failures,
        "not_before": one.memory.not_before and one.memory.not_before.isoformat(),
    }


def _outcome(result: "FeedResult") -> dict[str, Any]:
    return {
        "url": result.feed.url,
        "problem": result.problem,
        "notes": list(result.notes),
        "articles": [
            {
                "title": article.title,
                "url": article.url,
                "source": article.source,
                "published_at": article.published_at and article.published_at.isoformat(),
            }
            for article in result.articles
        ],
    }


def _state(one: "ListedFeed", now: datetime) -> str:
    if one.problem:
        minutes = round(((one.memory.not_before or now) - now).total_seconds() / 60)
        again = f" Next try in {minutes} min." if minutes > 0 else ""
        return f"broken: {one.problem.removeprefix(one.feed.url + ': ')}{again}"
    return "; ".join(one.notes) or ("ok" if one.polled_at else "")


def _ago(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return "not read yet"
    minutes = int((now - moment).total_seconds() // 60)
    return f"read {minutes} min ago" if minutes < 120 else f"read {minutes // 60} h ago"  # noqa: PLR2004 - two hours
