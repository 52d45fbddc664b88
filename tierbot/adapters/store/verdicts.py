"""Verdicts: all of them are stored; a flag marks each post's newest."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select

from tierbot.adapters.store.columns import table
from tierbot.adapters.store.posts import POST_COLUMNS, PREDICTION_COLUMNS, post_of, prediction_of
from tierbot.adapters.store.rows import PostRow, PredictionRow, VerdictRow
from tierbot.adapters.store.workspace_queries import WorkspaceQueries, chunks
from tierbot.domain.nouns import Outcome, Post, Selection, SettledPost, Verdict
from tierbot.use_cases.ports import LabelledPost

_verdict = table(VerdictRow)
_post = table(PostRow)
_prediction = table(PredictionRow)
# In the dataclass's order, so a row's values can be passed by position.
_FIELDS = tuple(field.name for field in fields(Verdict))
VERDICT_COLUMNS = [_verdict.c[name] for name in _FIELDS]
_WIDTH = len(VERDICT_COLUMNS)
_POST_WIDTH = len(POST_COLUMNS)


def verdict_of(values: Sequence[Any]) -> Verdict:
    """Return the verdict for the values of VERDICT_COLUMNS."""
    post_id, outcome, *others = values
    return Verdict(post_id, Outcome(outcome), *others)


def _values(verdict: Verdict) -> dict[str, Any]:
    return {
        **{name: getattr(verdict, name) for name in _FIELDS},
        "outcome": verdict.outcome.value,
        "tags": {tag: float(weight) for tag, weight in verdict.tags.items()},
        "support": {tag: int(voters) for tag, voters in verdict.support.items()},
        "reward": None if verdict.reward is None else float(verdict.reward),
        "weight": float(verdict.weight),
    }


class SqlVerdicts(WorkspaceQueries):
    """ports.Verdicts."""

    def add(self, verdict: Verdict) -> bool:
        key = ("workspace_id", "post_id", "ledger_cursor", "aggregator", "model_versions")
        if not self._add(VerdictRow, [{**_values(verdict), "newest": False}], key=key):
            return False
        self._mark_newest(verdict.post_id)
        self._connection.execute(
            self._update(PostRow)
            .where(_post.c.id == verdict.post_id, _post.c.settled_cursor < verdict.ledger_cursor)
            .values(settled_cursor=verdict.ledger_cursor)
        )
        return True

    def _mark_newest(self, post_id: str) -> None:
        of_post = _verdict.c.post_id == post_id
        order = (_verdict.c.ledger_cursor.desc(), _verdict.c.settled_at.desc(), _verdict.c.seq.desc())
        newest = self._connection.execute(
            self._select(VerdictRow, _verdict.c.seq).where(of_post).order_by(*order).limit(1)
        ).scalar_one()
        self._connection.execute(
            self._update(VerdictRow).where(of_post, _verdict.c.newest, _verdict.c.seq != newest).values(newest=False)
        )
        self._connection.execute(self._update(VerdictRow).where(_verdict.c.seq == newest).values(newest=True))

    def latest(self, post_ids: Iterable[str]) -> dict[str, Verdict]:
        found: dict[str, Verdict] = {}
        for part in chunks(post_ids):
            rows = self._connection.execute(
                self._select(VerdictRow, *VERDICT_COLUMNS).where(_verdict.c.newest, _verdict.c.post_id.in_(part))
            )
            found.update((row[0], verdict_of(row)) for row in rows)
        return found

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
            select(*POST_COLUMNS, *VERDICT_COLUMNS, *more)
            .where(
                self._mine(PostRow, VerdictRow, PredictionRow),
                and_(_verdict.c.post_id == _post.c.id, _verdict.c.newest),
                _prediction.c.id == _post.c.prediction_id,
            )
            .order_by(_post.c.created_at, _post.c.id)
        )
        if rounds is not None:
            statement = statement.where(_post.c.round_number.in_(rounds))
        for row in self._connection.execute(statement):
            end = _POST_WIDTH + _WIDTH
            yield post_of(row[:_POST_WIDTH]), verdict_of(row[_POST_WIDTH:end]), row[end:]

    def count_since(self, moment: datetime) -> int:
        statement = self._select(VerdictRow, func.count()).where(
            _verdict.c.newest,
            _verdict.c.settled_at > moment,
            or_(_verdict.c.outcome == Outcome.NAMED.value, _verdict.c.outcome == Outcome.WRONG.value),
        )
        return int(self._connection.execute(statement).scalar_one())
