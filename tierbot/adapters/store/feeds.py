"""The list of feeds with their state, and the articles that boundaries held back."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from tierbot.adapters.store.columns import table
from tierbot.adapters.store.rows import ArticleRow
from tierbot.adapters.store.work_rows import FeedRow, HeldBackRow
from tierbot.adapters.store.workspace_queries import WorkspaceQueries, chunks
from tierbot.domain.articles.boundaries import Held, HeldBack, HeldCount
from tierbot.domain.articles.feeds import Feed, FeedMemory, FeedResult, ListedBy, ListedFeed

LISTED = "listed"
"""In a feed's memory: the ids of what it lists now, articles and copies; missing until it is read in full."""

_feed = table(FeedRow)
_held = table(HeldBackRow)
_article = table(ArticleRow)


class SqlFeedList(WorkspaceQueries):
    """ports.FeedList."""

    def add(self, feeds: Iterable[Feed], by: ListedBy) -> int:
        rows: list[dict[str, Any]] = [
            {"url": feed.url, "name": feed.name, "listed_by": by, "memory": {}, "notes": (), "brought": 0}
            for feed in feeds
        ]
        return sum(self._add(FeedRow, part) for part in chunks(rows))

    def rename(self, url: str, name: str) -> None:
        self._change(FeedRow, _feed.c.url == url, name=name)

    def remove(self, urls: Iterable[str]) -> int:
        return sum(self._drop(FeedRow, _feed.c.url.in_(part)) for part in chunks(urls))

    def all(self) -> list[ListedFeed]:
        rows = self._connection.execute(self._select(FeedRow).order_by(_feed.c.name, _feed.c.url))
        return [
            ListedFeed(
                feed=Feed(row.url, row.name),
                by=row.listed_by,
                memory=FeedMemory.from_dict({name: value for name, value in row.memory.items() if name != LISTED}),
                polled_at=row.polled_at,
                problem=row.problem,
                notes=row.notes,
                brought=row.brought,
            )
            for row in rows
        ]

    def polled(self, result: FeedResult, now: datetime, brought: int) -> None:
        names = self._memory(result.feed.url).get(LISTED)
        self._change(
            FeedRow,
            _feed.c.url == result.feed.url,
            memory=result.memory.as_dict() | ({} if names is None else {LISTED: names}),
            polled_at=now,
            problem=result.problem,
            notes=result.notes,
            brought=_feed.c.brought + brought,
        )

    def lists(self, url: str, ids: Collection[str]) -> None:
        self._change(FeedRow, _feed.c.url == url, memory=self._memory(url) | {LISTED: sorted(ids)})

    def _memory(self, url: str) -> dict[str, Any]:
        found = self._connection.execute(self._select(FeedRow, _feed.c.memory).where(_feed.c.url == url)).scalar()
        return dict(found or {})


class SqlHeldBack(WorkspaceQueries):
    """ports.HeldBackArticles."""

    def add(self, held: Iterable[HeldBack]) -> None:
        for item in held:
            self._put(
                HeldBackRow,
                {
                    "article_id": item.article_id,
                    "boundary": item.held.boundary,
                    "rule": item.held.rule,
                    "grounds": item.grounds,
                    "at": item.at,
                    "detail": item.detail,
                },
            )

    def prune(self, limit: int) -> int:
        asked = self._select(ArticleRow, _article.c.id).where(_article.c.asked_at.is_not(None))
        return self._drop_some(HeldBackRow, _held.c.article_id, limit, _held.c.article_id.in_(asked))

    def counts(self, examples: int) -> list[HeldCount]:
        place = func.row_number().over(
            partition_by=(_held.c.boundary, _held.c.rule), order_by=(_held.c.at.desc(), _held.c.article_id)
        )
        many = func.count().over(partition_by=(_held.c.boundary, _held.c.rule))
        columns = (_held.c.boundary, _held.c.rule, _held.c.article_id, place.label("place"), many.label("many"))
        ranked = self._select(HeldBackRow, *columns).subquery()
        rows = self._connection.execute(
            select(ranked.c.boundary, ranked.c.rule, ranked.c.many, _article.c.title)
            .join(_article, (_article.c.id == ranked.c.article_id) & self._mine(ArticleRow))
            .where(ranked.c.place <= max(1, examples))
            .order_by(ranked.c.many.desc(), ranked.c.boundary, ranked.c.rule, ranked.c.place)
        )
        found: dict[Held, tuple[int, list[str]]] = {}
        for boundary, rule, count, title in rows:
            found.setdefault(Held(boundary, rule), (count, []))[1].append(title)
        return [HeldCount(held, count, tuple(titles[:examples])) for held, (count, titles) in found.items()]
