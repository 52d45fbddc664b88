"""Verdicts: all of them are stored; a flag marks each post's newest."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select

from tierbot.adapters.store.columns import table
from tierbot.adapters.store.posts import POST, PREDICTION_COLUMNS, prediction_of
from tierbot.adapters.store.rows import PostRow, PredictionRow, VerdictRow
from tierbot.adapters.store.workspace_queries import Stored, WorkspaceQueries
from tierbot.domain.nouns import Outcome, Post, Selection, SettledPost, Verdict
from tierbot.use_cases.ports import LabelledPost

_verdict = table(VerdictRow)
_post = table(PostRow)
_prediction = table(PredictionRow)
VERDICT = Stored(VerdictRow, Verdict)


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

    def latest(self, post_ids: Iterable[str]) -> dict[str, Verdict]:
        newest = self._select(VerdictRow, *VERDICT.columns).where(_verdict.c.newest)
        return {row.post_id: VERDICT.of(*row) for row in self._each(newest, _verdict.c.post_id, post_ids)}

    def labeled(self, *, rounds: Sequence[int] | None = None) -> list[LabelledPost]:
        rows = self._joined(rounds, *PREDICTION_COLUMNS)
        return [LabelledPost(post, prediction_of(more), verdict) for post, verdict, more in rows]

    def settled(self, *, rounds: Sequence[int] | None = None) -> list[SettledPost]:
        columns = _prediction.c
        rows = self._joined(
            rounds,
            columns.model_version,
            columns.top_tag,
            columns.propensity,
            columns.selection_strategy,
            columns.selection_probability,
        )
        return [
            SettledPost(post, verdict, model, top_tag, propensity, Selection(strategy, probability))
            for post, verdict, (model, top_tag, propensity, strategy, probability) in rows
        ]

    def _joined(
        self, rounds: Sequence[int] | None, *more: ColumnElement[Any]
    ) -> Iterator[tuple[Post, Verdict, Sequence[Any]]]:
        statement = (
            select(*POST.columns, *VERDICT.columns, *more)
            .where(
                self._mine(PostRow, VerdictRow, PredictionRow),
                and_(_verdict.c.post_id == _post.c.id, _verdict.c.newest),
                _prediction.c.id == _post.c.prediction_id,
            )
            .order_by(_post.c.created_at, _post.c.id)
        )
        if rounds is not None:
            statement = statement.where(_post.c.round_number.in_(rounds))
        width = len(POST.columns)
        end = width + len(VERDICT.columns)
        for row in self._connection.execute(statement):
            yield POST.of(*row[:width]), VERDICT.of(*row[width:end]), row[end:]

    def count_since(self, moment: datetime) -> int:
        statement = self._select(VerdictRow, func.count()).where(
            _verdict.c.newest,
            _verdict.c.settled_at > moment,
            _verdict.c.outcome.in_((Outcome.NAMED, Outcome.WRONG)),
        )
        return int(self._connection.execute(statement).scalar_one())
