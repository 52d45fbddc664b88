"""Predictions, posts and invitations."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from tierbot.adapters.store.columns import table
from tierbot.adapters.store.rows import ArticleRow, InvitationRow, MessageTallyRow, PostRow, PredictionRow
from tierbot.adapters.store.work_rows import OutboxRow
from tierbot.adapters.store.workspace_queries import WorkspaceQueries, chunks, of_workspace
from tierbot.domain.nouns import Arm, Invitation, Post, Prediction, Selection
from tierbot.use_cases.ports import DeliveryKind, DeliveryState

_post = table(PostRow)
_prediction = table(PredictionRow)
_article = table(ArticleRow)
_message = table(MessageTallyRow)
_invitation = table(InvitationRow)
# Field → column, in the dataclass's order.
_INVITATION = {field.name: "user_id" if field.name == "user" else field.name for field in fields(Invitation)}
# In the dataclass's order, so a row's values can be passed by position.
POST_FIELDS = tuple(field.name for field in fields(Post))
POST_COLUMNS = [_post.c[name] for name in POST_FIELDS]
PREDICTION_COLUMNS = [
    _prediction.c[name]
    for name in (
        "id",
        "article_id",
        "model_version",
        "policy",
        "shown_tag",
        "propensity",
        "probabilities",
        "policy_probabilities",
        "selection_strategy",
        "selection_probability",
        "created_at",
        "prediction_metadata",
    )
]
# These run once per tallied message, so they are built only once.
_AT = select(*POST_COLUMNS).where(
    of_workspace(PostRow), _post.c.channel == bindparam("in_channel"), _post.c.ts == bindparam("at_ts")
)
_INVITED_AT = select(*POST_COLUMNS).where(
    of_workspace(PostRow),
    _post.c.id
    == select(_invitation.c.post_id)
    .where(
        of_workspace(InvitationRow),
        _invitation.c.channel == bindparam("in_channel"),
        _invitation.c.ts == bindparam("at_ts"),
    )
    .scalar_subquery(),
)
_ARM = POST_FIELDS.index("arm")


def post_of(values: Sequence[Any]) -> Post:
    """Return the post for the values of POST_COLUMNS."""
    whole = (*values[:_ARM], Arm(values[_ARM]), *values[_ARM + 1 :])
    return Post(*whole)


def prediction_of(values: Sequence[Any]) -> Prediction:
    """Return the prediction for the values of PREDICTION_COLUMNS."""
    *plain, strategy, probability, created_at, metadata = values
    whole = (*plain, Selection(strategy, probability), created_at, metadata)
    return Prediction(*whole)


def _prediction_values(prediction: Prediction) -> dict[str, Any]:
    return {
        "id": prediction.id,
        "article_id": prediction.article_id,
        "model_version": prediction.model_version,
        "policy": prediction.policy,
        "shown_tag": prediction.shown_tag,
        "top_tag": prediction.top_tag,
        "propensity": float(prediction.propensity),
        # float() because JSON has no numpy scalars
        "probabilities": {tag: float(p) for tag, p in prediction.probabilities.items()},
        "policy_probabilities": {tag: float(p) for tag, p in prediction.policy_probabilities.items()},
        "selection_strategy": prediction.selection.strategy,
        "selection_probability": float(prediction.selection.probability),
        "created_at": prediction.created_at,
        "prediction_metadata": dict(prediction.metadata),
    }


class SqlPosts(WorkspaceQueries):
    """ports.Posts."""

    def add(self, prediction: Prediction, post: Post) -> bool:
        if self.get(post.id) is not None:  # no other transaction can write to this workspace now
            return False
        self._add(PredictionRow, [_prediction_values(prediction)])
        values = {name: getattr(post, name) for name in POST_FIELDS}
        self._add(PostRow, [{**values, "arm": post.arm.value, "votes_cursor": 0, "settled_cursor": 0}])
        self._connection.execute(
            self._update(ArticleRow)
            .where(_article.c.id == post.article_id, _article.c.asked_at.is_(None))
            .values(asked_at=post.created_at)
        )
        return True

    def sent(self, post_id: str, ts: str, posted_at: datetime) -> None:
        placed = self._connection.execute(
            self._update(PostRow)
            .where(_post.c.id == post_id, _post.c.ts.is_(None))
            .values(ts=ts, posted_at=posted_at)
            .returning(_post.c.channel)
        ).scalar()
        self._untally(placed, ts)

    def _untally(self, placed: str | None, ts: str) -> None:
        if placed is None:
            return
        # Colleagues may have reacted before Slack's answer arrived, when the message wasn't known as a post yet.
        self._connection.execute(
            self._update(MessageTallyRow)
            .where(_message.c.channel == placed, _message.c.ts == ts)
            .values(tallied_cursor=0)
        )

    def get(self, post_id: str) -> Post | None:
        return self._first(_post.c.id == post_id)

    def at(self, channel: str, ts: str) -> Post | None:
        for statement in (_AT, _INVITED_AT):
            row = self._run(statement, in_channel=channel, at_ts=ts).first()
            if row is not None:
                return post_of(row)
        return None

    def with_ts(self, ts: str) -> list[Post]:
        return self._all((_post.c.channel,), _post.c.ts == ts)

    def prediction(self, prediction_id: str) -> Prediction | None:
        return self.predictions([prediction_id]).get(prediction_id)

    def predictions(self, prediction_ids: Iterable[str]) -> dict[str, Prediction]:
        found: dict[str, Prediction] = {}
        for part in chunks(prediction_ids):
            statement = self._select(PredictionRow, *PREDICTION_COLUMNS).where(_prediction.c.id.in_(part))
            found.update((row[0], prediction_of(row)) for row in self._connection.execute(statement))
        return found

    def in_round(self, number: int) -> list[Post]:
        return self._all((_post.c.created_at, _post.c.id), _post.c.round_number == number)

    def open(self, since: datetime) -> list[Post]:
        return self._all((_post.c.posted_at.desc(), _post.c.id), _post.c.posted_at >= since)

    def move_queued(self, from_round: int, to_round: int) -> int:
        queued = self._select(OutboxRow, table(OutboxRow).c.post_id).where(
            table(OutboxRow).c.kind == DeliveryKind.POST.value,
            table(OutboxRow).c.state.in_((DeliveryState.PENDING.value, DeliveryState.SENDING.value)),
        )
        moved = (
            self._update(PostRow)
            .where(_post.c.round_number == from_round, _post.c.ts.is_(None), _post.c.id.in_(queued))
            .values(round_number=to_round)
        )
        return self._connection.execute(moved).rowcount

    def is_final(self, post_id: str) -> bool:
        expired = self._select(PostRow, _post.c.votes_expired_at).where(_post.c.id == post_id)
        return self._connection.execute(expired).scalar() is not None

    def unsettled(self) -> list[Post]:
        # `votes_cursor > 0` is redundant, but it makes SQLite use the partial index.
        unsettled = (_post.c.settled_cursor < _post.c.votes_cursor, _post.c.votes_cursor > 0)
        return self._all((_post.c.posted_at, _post.c.id), *unsettled, _post.c.votes_expired_at.is_(None))

    def invite(self, invitation: Invitation) -> bool:
        values = {name: getattr(invitation, noun) for noun, name in _INVITATION.items()}
        return self._add(InvitationRow, [values]) == 1

    def invited(self, invitation_id: str, ts: str, sent_at: datetime) -> None:
        placed = self._connection.execute(
            self._update(InvitationRow)
            .where(_invitation.c.id == invitation_id, _invitation.c.ts.is_(None))
            .values(ts=ts, sent_at=sent_at)
            .returning(_invitation.c.channel)
        ).scalar()
        self._untally(placed, ts)

    def invitation(self, invitation_id: str) -> Invitation | None:
        return next(iter(self._invitations(_invitation.c.id == invitation_id)), None)

    def invitations(
        self, *, post_id: str | None = None, user: str | None = None, since: datetime | None = None
    ) -> list[Invitation]:
        given = []
        if post_id is not None:
            given.append(_invitation.c.post_id == post_id)
        if user is not None:
            given.append(_invitation.c.user_id == user)
        if since is not None:
            given.append(_invitation.c.sent_at >= since)
        return self._invitations(*given)

    def _invitations(self, *conditions: Any) -> list[Invitation]:
        columns = [_invitation.c[name] for name in _INVITATION.values()]
        statement = (
            self._select(InvitationRow, *columns)
            .where(*conditions)
            .order_by(_invitation.c.created_at.desc(), _invitation.c.id)
        )
        return [Invitation(*row) for row in self._connection.execute(statement)]

    def _first(self, *conditions: Any) -> Post | None:
        row = self._connection.execute(self._select(PostRow, *POST_COLUMNS).where(*conditions)).first()
        return None if row is None else post_of(row)

    def _all(self, order: tuple[Any, ...], *conditions: Any) -> list[Post]:
        statement = self._select(PostRow, *POST_COLUMNS).where(*conditions).order_by(*order)
        return [post_of(row) for row in self._connection.execute(statement)]
