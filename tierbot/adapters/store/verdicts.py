"""Verdicts: all of them are stored; a flag marks each post's newest."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select

from tierbot.adapters.store.columns import table
from tierbot.adapters.store.posts import POST, PREDICTION_COLUMNS, prediction_of
from tierbot.adapters.store.rows import PostRow, PredictionRow, VerdictRow
from tierbot.adapters.store.workspace_queries import Stored, WorkspaceQueries
from tierbot.domain.nouns import Arm, Outcome, Post, Selection, SettledPost, Verdict
from tierbot.use_cases.ports import LabelledPost

_verdict = table(VerdictRow)
_post = table(PostRow)
_prediction = table(PredictionRow)
VERDICT = Stored(VerdictRow, Verdict)


def _only(rounds: Sequence[int] | None, arms: Sequence[Arm] | None = None) -> list[ColumnElement[bool]]:
    """Return the conditions for posts of these rounds and arms (None: any)."""
    rounds_and_arms = ((_post.c.round_number, rounds), (_post.c.arm, arms))
    return [column.in_(wanted) for column, wanted in rounds_and_arms if wanted is not None]


class SqlVerdicts(WorkspaceQueries):
    """ports.Verdicts."""

    def add(self, verdict: Verdict) -> bool:
        key = ("workspace_id", "post_id", "ledger_cursor", "aggregator", "model_versions")
        if not self._add(VerdictRow, [VERDICT.values(verdict) | {"newest": False}], key=key):
            return False
        self._mark_newest(verdict.post_id)
        cursor = verdict.ledger_cursor
        self._change(PostRow, _post.c.id == verdict.post_id, _post.c.settled_cursor < cursor, settled_cursor=cursor)
        return True

    def _mark_newest(self, post_id: str) -> None:
        of_post = _verdict.c.post_id == post_id
        order = (_verdict.c.ledger_cursor.desc(), _verdict.c.settled_at.desc(), _verdict.c.seq.desc())
        newest = self._connection.execute(
            self._select(VerdictRow, _verdict.c.seq).where(of_post).order_by(*order).limit(1)
        ).scalar_one()
        self._change(VerdictRow, of_post, _verdict.c.newest, _verdict.c.seq != newest, newest=False)
        self._change(VerdictRow, _verdict.c.seq == newest, newest=True)

    def prune(self, before: datetime, limit: int) -> int:
        return self._drop_some(VerdictRow, _verdict.c.seq, limit, ~_verdict.c.newest, _verdict.c.settled_at < before)

    def latest(self, post_ids: Iterable[str]) -> dict[str, Verdict]:
        newest = self._select(VerdictRow, *VERDICT.columns).where(_verdict.c.newest)
        return {row.post_id: VERDICT.of(*row) for row in self._each(newest, _verdict.c.post_id, post_ids)}

    def labeled(self, *, rounds: Sequence[int] | None = None) -> list[LabelledPost]:
        rows = self._joined(PREDICTION_COLUMNS, *_only(rounds))
        return [LabelledPost(post, prediction_of(more), verdict) for post, verdict, more in rows]

    def settled(self, *, rounds: Sequence[int] | None = None) -> list[SettledPost]:
        names = ("model_version", "top_tag", "propensity", "selection_strategy", "selection_probability")
        return [
            SettledPost(post, verdict, model, top_tag, propensity, Selection(strategy, probability))
            for post, verdict, (model, top_tag, propensity, strategy, probability) in self._joined(
                [_prediction.c[name] for name in names], *_only(rounds)
            )
        ]

    def _joined(
        self,
        more: Sequence[ColumnElement[Any]],
        *conditions: ColumnElement[bool],
        order: Sequence[Any] = (_post.c.created_at, _post.c.id),
    ) -> Iterator[tuple[Post, Verdict, Sequence[Any]]]:
        """Yield each post with its newest verdict, and `more` columns."""
        statement = select(*POST.columns, *VERDICT.columns, *more).where(
            self._mine(PostRow, VerdictRow, PredictionRow),
            _verdict.c.post_id == _post.c.id,
            _verdict.c.newest,
            _prediction.c.id == _post.c.prediction_id,
            *conditions,
        )
        width = len(POST.columns)
        end = width + len(VERDICT.columns)
        for row in self._connection.execute(statement.order_by(*order)):
            yield POST.of(*row[:width]), VERDICT.of(*row[width:end]), row[end:]

    def cursor(self) -> int:
        newest = self._select(VerdictRow, func.max(_verdict.c.seq)).where(_verdict.c.newest)
        return self._connection.execute(newest).scalar() or 0

    def page(
        self, after: int, limit: int, *, rounds: Sequence[int] | None = None, arms: Sequence[Arm] | None = None
    ) -> list[tuple[int, LabelledPost]]:
        # Find the page's last number in an index first, then the page itself. In a single query, SQLite would start at
        # the posts and sort all of them for each page.
        while (last := self._last(after, limit)) is not None:
            conditions = (_verdict.c.seq > after, _verdict.c.seq <= last, *_only(rounds, arms))
            rows = self._joined([_verdict.c.seq, *PREDICTION_COLUMNS], *conditions, order=(_verdict.c.seq,))
            found = [(more[0], LabelledPost(post, prediction_of(more[1:]), verdict)) for post, verdict, more in rows]
            if found:
                return found
            after = last
        return []

    def _last(self, after: int, limit: int) -> int | None:
        """Return the last number of the page after `after`, None if the page is empty."""
        following = self._select(VerdictRow, _verdict.c.seq).where(_verdict.c.newest, _verdict.c.seq > after)
        numbers = following.order_by(_verdict.c.seq).limit(limit).subquery()
        return self._connection.execute(select(func.max(numbers.c.seq))).scalar()

    def count_since(self, moment: datetime) -> int:
        statement = self._select(VerdictRow, func.count()).where(
            _verdict.c.newest,
            _verdict.c.settled_at > moment,
            _verdict.c.outcome.in_((Outcome.NAMED, Outcome.WRONG)),
        )
        return int(self._connection.execute(statement).scalar_one())
