"""What posts settled to: every verdict is kept, the newest of each post is marked."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, and_, func, or_, select

from tierbot.domain import Outcome, Selection, Verdict
from tierbot.edges.store.columns import table
from tierbot.edges.store.part import Part, chunks
from tierbot.edges.store.posts import POST_COLUMNS, post_of, prediction_of
from tierbot.edges.store.rows import PostRow, PredictionRow, VerdictRow
from tierbot.ports import LabelledPost, SettledPost

_verdict = table(VerdictRow)
_post = table(PostRow)
_prediction = table(PredictionRow)
_PLAIN = (
    "post_id",
    "reward",
    "weight",
    "voters",
    "support",
    "rejects",
    "unsure",
    "aggregator",
    "ledger_cursor",
    "settled_at",
    "reason",
    "model_versions",
)
_COLUMNS = [_verdict.c[name] for name in (*_PLAIN, "outcome", "tags")]


def _noun(row: RowMapping) -> Verdict:
    values: dict[str, Any] = {name: row[_verdict.c[name]] for name in _PLAIN}
    return Verdict(outcome=Outcome(row[_verdict.c.outcome]), tags=row[_verdict.c.tags], **values)


def _values(verdict: Verdict) -> dict[str, Any]:
    values = {name: getattr(verdict, name) for name in _PLAIN}
    return {
        **values,
        "outcome": verdict.outcome.value,
        "tags": {tag: float(weight) for tag, weight in verdict.tags.items()},
        "support": {tag: int(voters) for tag, voters in verdict.support.items()},
        "reward": None if verdict.reward is None else float(verdict.reward),
        "weight": float(verdict.weight),
    }


class SqlVerdicts(Part):
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
                self._select(VerdictRow, *_COLUMNS).where(_verdict.c.newest, _verdict.c.post_id.in_(part))
            )
            found.update((row["post_id"], _noun(row)) for row in rows.mappings())
        return found

    def labelled(self, *, rounds: Sequence[int] | None = None) -> list[LabelledPost]:
        rows = self._connection.execute(self._joined(rounds, *_prediction.c)).mappings()
        return [LabelledPost(post_of(row), prediction_of(row), _noun(row)) for row in rows]

    def settled(self, *, rounds: Sequence[int] | None = None) -> list[SettledPost]:
        columns = _prediction.c
        rows = self._connection.execute(
            self._joined(
                rounds,
                columns.model_version,
                columns.top_tag,
                columns.propensity,
                columns.selection_strategy,
                columns.selection_probability,
            )
        ).mappings()
        return [
            SettledPost(
                post=post_of(row),
                verdict=_noun(row),
                model_version=row[columns.model_version],
                top_tag=row[columns.top_tag],
                propensity=row[columns.propensity],
                selection=Selection(row[columns.selection_strategy], row[columns.selection_probability]),
            )
            for row in rows
        ]

    def _joined(self, rounds: Sequence[int] | None, *more: ColumnElement[Any]) -> Select[Any]:
        statement = (
            select(*POST_COLUMNS, *_COLUMNS, *more)
            .where(
                self._mine(PostRow, VerdictRow, PredictionRow),
                and_(_verdict.c.post_id == _post.c.id, _verdict.c.newest),
                _prediction.c.id == _post.c.prediction_id,
            )
            .order_by(_post.c.created_at, _post.c.id)
        )
        return statement if rounds is None else statement.where(_post.c.round_number.in_(rounds))

    def count_since(self, moment: datetime) -> int:
        statement = self._select(VerdictRow, func.count()).where(
            _verdict.c.newest,
            _verdict.c.settled_at > moment,
            or_(_verdict.c.outcome == Outcome.NAMED.value, _verdict.c.outcome == Outcome.WRONG.value),
        )
        return int(self._connection.execute(statement).scalar_one())
