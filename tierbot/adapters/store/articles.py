"""Articles, their embeddings, and the labels imported with archives; each is stored once."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, bindparam, exists, func, select, union

from tierbot.adapters.store.columns import table
from tierbot.adapters.store.feeds import LISTED
from tierbot.adapters.store.rows import ArticleCopyRow, ArticleRow, EmbeddingRow, GivenLabelRow, PostRow
from tierbot.adapters.store.work_rows import FeedRow, HeldBackRow
from tierbot.adapters.store.workspace_queries import Stored, WorkspaceQueries, chunks
from tierbot.domain.nouns import Article, Copy, GivenLabel, Thread

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_article = table(ArticleRow)
_copy = table(ArticleCopyRow)
_embedding = table(EmbeddingRow)
_held = table(HeldBackRow)
_given = table(GivenLabelRow)
_post = table(PostRow)
_LABEL = Stored(GivenLabelRow, GivenLabel)
_REQUESTED = _article.c.asked_in.is_not(None) | _article.c.check_tag.is_not(None)
_STORED = "<f4"
_AT_ONCE = 500  # articles


class _StoredArticle(Stored[Article]):
    """An article; the thread to ask in is stored as "channel/ts"."""

    def of(self, *values: Any) -> Article:
        article = super().of(*values)
        place: Any = article.asked_in
        return replace(article, asked_in=Thread(*place.split("/"))) if place else article

    def values(self, article: Article) -> dict[str, Any]:
        place = article.asked_in
        return super().values(article) | {"asked_in": f"{place.channel}/{place.ts}" if place else None}


_ARTICLE = _StoredArticle(ArticleRow, Article)


class SqlArticles(WorkspaceQueries):
    """ports.Articles."""

    def add(self, articles: Iterable[Article]) -> int:
        return sum(self._add(ArticleRow, part) for part in chunks(map(_ARTICLE.values, articles)))

    def add_copies(self, copies: Iterable[Copy]) -> int:
        by_id = {copy.id: copy for copy in copies}
        known = self.known_copies(by_id)
        fresh = [copy for key, copy in by_id.items() if key not in known]
        for some in chunks(fresh):
            self._add(ArticleCopyRow, [asdict(copy) for copy in some])
        if fresh:
            folded = _article.c.id == bindparam("folded")
            statement = self._update(ArticleRow).where(folded).values(copies=_article.c.copies + bindparam("more"))
            counts = Counter(copy.article_id for copy in fresh)
            self._connection.execute(statement, [{"folded": key, "more": more} for key, more in counts.items()])
        return len(fresh)

    def carried_by(self, feed: str, article_ids: Iterable[str]) -> None:
        for row in self._each(self._select(ArticleRow, _article.c.id, _article.c.feeds), _article.c.id, article_ids):
            if feed not in row.feeds:
                self._change(ArticleRow, _article.c.id == row.id, feeds=(*row.feeds, feed))
                self._drop(HeldBackRow, _held.c.article_id == row.id)

    def known_copies(self, copy_ids: Iterable[str]) -> set[str]:
        return {row.id for row in self._each(self._select(ArticleCopyRow, _copy.c.id), _copy.c.id, copy_ids)}

    def sources(self, article_ids: Iterable[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        for part in chunks(article_ids):
            own = self._select(ArticleRow, _article.c.id, _article.c.source).where(_article.c.id.in_(part))
            copies = self._select(ArticleCopyRow, _copy.c.article_id, _copy.c.source)
            both = union(own, copies.where(_copy.c.article_id.in_(part))).subquery()
            counted = self._connection.execute(select(both.c.id, func.count()).group_by(both.c.id))
            found.update((key, count) for key, count in counted)
        return found

    def get(self, article_ids: Iterable[str]) -> dict[str, Article]:
        rows = self._each(self._select(ArticleRow, *_ARTICLE.columns), _article.c.id, article_ids)
        return {row.id: _ARTICLE.of(*row) for row in rows}

    def _newest(self, limit: int, *conditions: Any) -> list[Article]:
        return self._nouns(_ARTICLE, *conditions, order=(_article.c.received_at.desc(), _article.c.id), limit=limit)

    def recent(self, since: datetime, limit: int) -> list[Article]:
        return self._newest(limit, _article.c.received_at >= since, ~_REQUESTED)

    def waiting(self, limit: int, held_on: Iterable[str] = ()) -> list[Article]:
        grounds = list(held_on)
        never_asked = _article.c.asked_at.is_(None) & ~_REQUESTED
        return self._newest(limit, never_asked, *([~self._held(grounds)] if grounds else []))

    def count_waiting(self, held_on: Iterable[str] = ()) -> int:
        waits = _article.c.asked_at.is_(None) & _article.c.asked_in.is_(None) & ~self._held(list(held_on))
        return int(self._connection.execute(self._select(ArticleRow, func.count()).where(waits)).scalar_one())

    def requested(self, limit: int, held_on: Iterable[str] = (), *, in_threads: bool) -> list[Article]:
        in_thread = _article.c.asked_in.is_not(None)
        place = in_thread if in_threads else ~in_thread
        wanted = (_article.c.asked_at.is_(None), _REQUESTED, place, ~self._held(list(held_on)))
        return self._nouns(_ARTICLE, *wanted, order=(_article.c.received_at, _article.c.id), limit=limit)

    def _held(self, grounds: list[str]) -> ColumnElement[bool]:
        held = select(_held.c.article_id).where(
            self._mine(HeldBackRow), _held.c.article_id == _article.c.id, _held.c.grounds.in_(grounds)
        )
        return held.exists()

    def without_embedding(self, encoder_digest: str, limit: int) -> list[Article]:
        # `embedded_with` is an indexed hint that excludes everything already done; the subquery checks the rest
        # (articles embedded by this encoder first and by another one later). One query for each side of the index:
        # with a single OR, SQLite would scan every article.
        hint = _article.c.embedded_with
        found: list[Article] = []
        for side in (hint.is_(None), hint < encoder_digest, hint > encoder_digest):
            found.extend(self._newest(limit, side, ~self._embedded_by(encoder_digest)))
        return sorted(found, key=lambda article: (article.received_at, article.id), reverse=True)[:limit]

    def to_embed(self, encoder_digest: str, after: str, limit: int) -> list[Article]:
        following = (_article.c.id > after, ~self._embedded_by(encoder_digest))
        return self._nouns(_ARTICLE, *following, order=(_article.c.id,), limit=limit)

    def _embedded_by(self, encoder_digest: str) -> ColumnElement[bool]:
        embedded = select(_embedding.c.article_id).where(
            self._mine(EmbeddingRow),
            _embedding.c.encoder_digest == encoder_digest,
            _embedding.c.article_id == _article.c.id,
        )
        return embedded.exists()

    def add_embeddings(self, encoder_digest: str, vectors: Mapping[str, "NDArray[np.float32]"]) -> None:
        rows = [
            {"encoder_digest": encoder_digest, "article_id": key, "vector": vector.astype(_STORED).tobytes()}
            for key, vector in vectors.items()
        ]
        for part in chunks(rows):
            self._add(EmbeddingRow, part)
            ids = [row["article_id"] for row in part]
            self._change(ArticleRow, _article.c.id.in_(ids), embedded_with=encoder_digest)

    def embedded(self, encoder_digest: str, article_ids: Iterable[str]) -> set[str]:
        there = self._select(EmbeddingRow, _embedding.c.article_id).where(_embedding.c.encoder_digest == encoder_digest)
        return {row.article_id for row in self._each(there, _embedding.c.article_id, article_ids)}

    def embeddings(self, encoder_digest: str, article_ids: Iterable[str]) -> dict[str, "NDArray[np.float32]"]:
        import numpy as np  # noqa: PLC0415 - an eighth of what `tierbot status` takes, which reads no vectors

        columns = self._select(EmbeddingRow, _embedding.c.article_id, _embedding.c.vector)
        there = columns.where(_embedding.c.encoder_digest == encoder_digest)
        rows = self._each(there, _embedding.c.article_id, article_ids)
        return {key: np.frombuffer(vector, _STORED).astype(np.float32) for key, vector in rows}

    def prune(self, before: datetime, limit: int) -> int:
        ids = self._forgettable(before, limit)
        for part in chunks(ids):
            for row in (ArticleCopyRow, EmbeddingRow, HeldBackRow):
                self._drop(row, table(row).c.article_id.in_(part))
            self._drop(ArticleRow, _article.c.id.in_(part))
        return len(ids)

    def _forgettable(self, before: datetime, limit: int) -> list[str]:
        """Return the ids of up to `limit` articles from feeds, received before then, that nothing needs, oldest first."""
        listed: set[str] = set()
        unread: set[str] = set()  # feeds that weren't read in full since an upgrade, so that they may list anything
        feed = table(FeedRow).c
        for url, memory in self._connection.execute(self._select(FeedRow, feed.url, feed.memory)):
            listed.update(memory.get(LISTED, ()))
            if LISTED not in memory:
                unread.add(url)
        posted = self._select(PostRow, _post.c.article_id).where(_post.c.article_id == _article.c.id)
        given = self._select(GivenLabelRow, _given.c.article_id).where(_given.c.article_id == _article.c.id)
        unneeded = (
            _article.c.asked_at.is_(None),
            _article.c.received_at < before,
            ~_REQUESTED,
            _article.c.feeds != (),
            ~exists(posted.correlate(_article)),  # each prediction has a post
            ~exists(given.correlate(_article)),
        )
        columns = (_article.c.id, _article.c.feeds)
        old = self._select(ArticleRow, *columns).where(*unneeded).order_by(_article.c.received_at, _article.c.id)
        found: list[str] = []
        for rows in self._connection.execute(old).partitions(_AT_ONCE):
            part = [row.id for row in rows if unread.isdisjoint(row.feeds)]
            copies = self._select(ArticleCopyRow, _copy.c.article_id, _copy.c.id).where(_copy.c.article_id.in_(part))
            kept = {article for article, copy in self._connection.execute(copies) if copy in listed}
            found += [one for one in part if one not in listed and one not in kept]
            if len(found) >= limit:
                return found[:limit]
        return found

    def prune_embeddings(self, keep: Collection[str], limit: int) -> int:
        unused = _embedding.c.encoder_digest.not_in(list(keep))
        return self._drop_some(EmbeddingRow, _embedding.c.article_id, limit, unused)

    def count(self) -> int:
        return int(self._connection.execute(self._select(ArticleRow, func.count())).scalar_one())


class SqlGivenLabels(WorkspaceQueries):
    """ports.GivenLabels."""

    def put(self, labels: Iterable[GivenLabel]) -> int:
        kept = 0
        for part in chunks({label.article_id: label for label in labels}.values()):
            ids = [label.article_id for label in part]
            self._drop(GivenLabelRow, _given.c.article_id.in_(ids))
            self._add(GivenLabelRow, [_LABEL.values(label) for label in part])
            never_asked = (_article.c.id.in_(ids), _article.c.asked_at.is_(None))
            self._change(ArticleRow, *never_asked, asked_at=part[0].given_at)
            kept += len(part)
        return kept

    def sample(self, limit: int) -> list[GivenLabel]:
        return self._nouns(_LABEL, order=(_given.c.article_id,), limit=limit)
