"""Labels imported with archives."""

from collections.abc import Iterable
from dataclasses import asdict

from tierbot.adapters.store.columns import table
from tierbot.adapters.store.rows import ArticleRow, GivenLabelRow
from tierbot.adapters.store.workspace_queries import WorkspaceQueries, chunks
from tierbot.domain.nouns import GivenLabel

_given = table(GivenLabelRow)
_article = table(ArticleRow)


class SqlGivenLabels(WorkspaceQueries):
    """ports.GivenLabels."""

    def put(self, labels: Iterable[GivenLabel]) -> int:
        kept = 0
        for part in chunks({label.article_id: label for label in labels}.values()):
            ids = [label.article_id for label in part]
            self._connection.execute(self._delete(GivenLabelRow).where(_given.c.article_id.in_(ids)))
            rows = [{**asdict(one), "tags": {tag: float(weight) for tag, weight in one.tags.items()}} for one in part]
            self._add(GivenLabelRow, rows)
            self._connection.execute(
                self._update(ArticleRow)
                .where(_article.c.id.in_(ids), _article.c.asked_at.is_(None))
                .values(asked_at=part[0].given_at)
            )
            kept += len(part)
        return kept

    def sample(self, limit: int) -> list[GivenLabel]:
        columns = (_given.c.article_id, _given.c.tags, _given.c.source, _given.c.given_at)
        ordered = self._select(GivenLabelRow, *columns).order_by(_given.c.article_id).limit(limit)
        return [GivenLabel(*row) for row in self._connection.execute(ordered)]
