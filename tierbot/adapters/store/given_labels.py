"""Labels imported with archives."""

from collections.abc import Iterable

from tierbot.adapters.store.columns import table
from tierbot.adapters.store.rows import ArticleRow, GivenLabelRow
from tierbot.adapters.store.workspace_queries import Stored, WorkspaceQueries, chunks
from tierbot.domain.nouns import GivenLabel

_given = table(GivenLabelRow)
_article = table(ArticleRow)
_LABEL = Stored(GivenLabelRow, GivenLabel)


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
