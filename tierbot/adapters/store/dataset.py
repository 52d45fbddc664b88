"""Settled posts page by page, ordered by their newest verdict's number, so an export's memory stays constant."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, select

from tierbot.adapters.store.columns import table
from tierbot.adapters.store.posts import POST, PREDICTION_COLUMNS, prediction_of
from tierbot.adapters.store.rows import PostRow, PredictionRow, VerdictRow
from tierbot.adapters.store.verdicts import VERDICT
from tierbot.adapters.store.workspace_queries import WorkspaceQueries
from tierbot.domain.nouns import Arm
from tierbot.use_cases.ports import LabelledPost

_verdict = table(VerdictRow)
_post = table(PostRow)
_prediction = table(PredictionRow)
_TO_POST = 1 + len(POST.columns)
_TO_VERDICT = _TO_POST + len(VERDICT.columns)


class SqlDataset(WorkspaceQueries):
    """ports.Dataset."""

    def cursor(self) -> int:
        newest = self._select(VerdictRow, func.max(_verdict.c.seq)).where(_verdict.c.newest)
        return self._connection.execute(newest).scalar() or 0

    def page(
        self, after: int, limit: int, *, rounds: Sequence[int] | None = None, arms: Sequence[Arm] | None = None
    ) -> list[tuple[int, LabelledPost]]:
        # Find the page's last number in an index first, then the page itself. In a single query, SQLite would start at
        # the posts and sort all of them for each page.
        filters: list[ColumnElement[bool]] = []
        if rounds is not None:
            filters.append(_post.c.round_number.in_(rounds))
        if arms is not None:
            filters.append(_post.c.arm.in_(arms))
        while (last := self._last(after, limit)) is not None:
            found = self._between(after, last, filters)
            if found:
                return found
            after = last
        return []

    def _last(self, after: int, limit: int) -> int | None:
        """Return the last number of the page after `after`, None if the page is empty."""
        following = (
            self._select(VerdictRow, _verdict.c.seq)
            .where(_verdict.c.newest, _verdict.c.seq > after)
            .order_by(_verdict.c.seq)
            .limit(limit)
        )
        return self._connection.execute(select(func.max(following.subquery().c.seq))).scalar()

    def _between(self, after: int, last: int, filters: Sequence[ColumnElement[bool]]) -> list[tuple[int, LabelledPost]]:
        statement = (
            select(_verdict.c.seq, *POST.columns, *VERDICT.columns, *PREDICTION_COLUMNS)
            .where(
                self._mine(VerdictRow, PostRow, PredictionRow),
                _verdict.c.newest,
                _verdict.c.seq > after,
                _verdict.c.seq <= last,
                _post.c.id == _verdict.c.post_id,
                _prediction.c.id == _post.c.prediction_id,
                *filters,
            )
            .order_by(_verdict.c.seq)
        )
        found = []
        for row in self._connection.execute(statement).all():
            post, verdict = POST.of(*row[1:_TO_POST]), VERDICT.of(*row[_TO_POST:_TO_VERDICT])
            found.append((row[0], LabelledPost(post, prediction_of(row[_TO_VERDICT:]), verdict)))
        return found
