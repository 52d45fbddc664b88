"""Predictions, posts and invitations."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from tierbot.adapters.store.columns import Row, table
from tierbot.adapters.store.rows import ArticleRow, InvitationRow, MessageTallyRow, PostRow, PredictionRow
from tierbot.adapters.store.work_rows import OutboxRow
from tierbot.adapters.store.workspace_queries import Stored, WorkspaceQueries, of_workspace
from tierbot.domain.nouns import Invitation, Post, Prediction, Selection
from tierbot.use_cases.ports import DeliveryKind, DeliveryState

_post = table(PostRow)
_prediction = table(PredictionRow)
_article = table(ArticleRow)
_message = table(MessageTallyRow)
_invitation = table(InvitationRow)
POST = Stored(PostRow, Post)
_INVITATION = Stored(InvitationRow, Invitation)
# In the order of the noun's fields; the selection takes two.
PREDICTION_COLUMNS = [column for column in _prediction.c if column.name not in {"workspace_id", "top_tag"}]
# These run once per tallied message, so they are built only once.
_AT = select(*POST.columns).where(
    of_workspace(PostRow), _post.c.channel == bindparam("in_channel"), _post.c.ts == bindparam("at_ts")
)
_INVITED_AT = select(*POST.columns).where(
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


def prediction_of(values: Sequence[Any]) -> Prediction:
    """Return the prediction for the values of PREDICTION_COLUMNS."""
    *plain, strategy, probability, created_at, metadata = values
    whole = (*plain, Selection(strategy, probability), created_at, metadata)
    return Prediction(*whole)


def _prediction_values(prediction: Prediction) -> dict[str, Any]:
    values = {field.name: getattr(prediction, field.name) for field in fields(prediction)}
    selection, metadata = values.pop("selection"), values.pop("metadata")
    return {
        **values,
        "top_tag": prediction.top_tag,
        "propensity": float(prediction.propensity),
        "selection_strategy": selection.strategy,
        "selection_probability": float(selection.probability),
        "prediction_metadata": metadata,
    }


class SqlPosts(WorkspaceQueries):
    """ports.Posts."""

    def add(self, prediction: Prediction, post: Post) -> bool:
        if self.get(post.id) is not None:  # no other transaction can write to this workspace now
            return False
        self._add(PredictionRow, [_prediction_values(prediction)])
        self._add(PostRow, [POST.values(post) | {"votes_cursor": 0, "settled_cursor": 0}])
        never_asked = (_article.c.id == post.article_id, _article.c.asked_at.is_(None))
        self._change(ArticleRow, *never_asked, asked_at=post.created_at)
        return True

    def sent(self, post_id: str, ts: str, posted_at: datetime) -> None:
        self._place(PostRow, post_id, ts, posted_at=posted_at)

    def invited(self, invitation_id: str, ts: str, sent_at: datetime) -> None:
        self._place(InvitationRow, invitation_id, ts, sent_at=sent_at)

    def _place(self, row: type[Row], key: str, ts: str, **sent: datetime) -> None:
        columns = table(row).c
        unsent = self._update(row).where(columns.id == key, columns.ts.is_(None))
        channel = self._connection.execute(unsent.values(ts=ts, **sent).returning(columns.channel)).scalar()
        # Colleagues may have reacted before Slack's answer arrived, when the message wasn't known as a post yet.
        if channel is not None:
            self._change(MessageTallyRow, _message.c.channel == channel, _message.c.ts == ts, tallied_cursor=0)

    def get(self, post_id: str) -> Post | None:
        return self._noun(POST, _post.c.id == post_id)

    def at(self, channel: str, ts: str) -> Post | None:
        for statement in (_AT, _INVITED_AT):
            row = self._run(statement, in_channel=channel, at_ts=ts).first()
            if row is not None:
                return POST.of(*row)
        return None

    def with_ts(self, ts: str) -> list[Post]:
        return self._nouns(POST, _post.c.ts == ts, order=(_post.c.channel,))

    def prediction(self, prediction_id: str) -> Prediction | None:
        return self.predictions([prediction_id]).get(prediction_id)

    def predictions(self, prediction_ids: Iterable[str]) -> dict[str, Prediction]:
        rows = self._each(self._select(PredictionRow, *PREDICTION_COLUMNS), _prediction.c.id, prediction_ids)
        return {row.id: prediction_of(row) for row in rows}

    def in_round(self, number: int) -> list[Post]:
        return self._nouns(POST, _post.c.round_number == number, order=(_post.c.created_at, _post.c.id))

    def open(self, since: datetime) -> list[Post]:
        return self._nouns(POST, _post.c.posted_at >= since, order=(_post.c.posted_at.desc(), _post.c.id))

    def move_queued(self, from_round: int, to_round: int) -> int:
        outbox = table(OutboxRow).c
        is_open = outbox.state.in_((DeliveryState.PENDING, DeliveryState.SENDING))
        queued = self._select(OutboxRow, outbox.post_id).where(outbox.kind == DeliveryKind.POST, is_open)
        moved = (_post.c.round_number == from_round, _post.c.ts.is_(None), _post.c.id.in_(queued))
        return self._change(PostRow, *moved, round_number=to_round)

    def is_final(self, post_id: str) -> bool:
        expired = self._select(PostRow, _post.c.votes_expired_at).where(_post.c.id == post_id)
        return self._connection.execute(expired).scalar() is not None

    def unsettled(self) -> list[Post]:
        # `votes_cursor > 0` is redundant, but it makes SQLite use the partial index.
        unsettled = (_post.c.settled_cursor < _post.c.votes_cursor, _post.c.votes_cursor > 0)
        not_final = _post.c.votes_expired_at.is_(None)
        return self._nouns(POST, *unsettled, not_final, order=(_post.c.posted_at, _post.c.id))

    def invite(self, invitation: Invitation) -> bool:
        return self._add(InvitationRow, [_INVITATION.values(invitation)]) == 1

    def invitation(self, invitation_id: str) -> Invitation | None:
        return self._noun(_INVITATION, _invitation.c.id == invitation_id)

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
        return self._nouns(_INVITATION, *given, order=(_invitation.c.created_at.desc(), _invitation.c.id))
