"""A person's data: export, remove or anonymize everything that names them; and what retention deletes (`expire_…`).

Verdicts, other people's scores and models don't change: they contain counts, not names.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, exists, func, or_, tuple_

from tierbot.adapters.store.columns import Row, table
from tierbot.adapters.store.rows import (
    ArticleRow,
    InvitationRow,
    PostRow,
    ReactionEventRow,
    ReactorRow,
    RoundRow,
    StandingRow,
    StandingTotalRow,
    VoteRow,
)
from tierbot.adapters.store.work_rows import AuditRow, DoubtRow, InstallationRow, JobRow, OutboxRow, TrainerRow
from tierbot.adapters.store.workspace_queries import WorkspaceQueries, chunks

_THEIRS: dict[str, type[Row]] = {
    "trainer": TrainerRow,
    "reactions": ReactionEventRow,
    "votes": VoteRow,
    "reactor": ReactorRow,
    "invitations": InvitationRow,
    "standings": StandingRow,
    "total": StandingTotalRow,
}
_MENTIONS: tuple[tuple[type[Row], str], ...] = (
    (OutboxRow, "payload"),
    (AuditRow, "before"),
    (AuditRow, "after"),
    (JobRow, "payload"),
)
_HONORS = ("champion", "sharpshooter")
_post, _invitation, _event, _vote = (table(row) for row in (PostRow, InvitationRow, ReactionEventRow, VoteRow))
_AT_POST = (_event.c.channel == _post.c.channel) & (_event.c.ts == _post.c.ts)


class SqlPeople(WorkspaceQueries):
    """ports.People."""

    def export(self, user: str) -> dict[str, Any]:
        found: dict[str, Any] = {name: self._rows(row, table(row).c.user_id == user) for name, row in _THEIRS.items()}
        columns = table(RoundRow).c
        asked = self._rows(ArticleRow, table(ArticleRow).c.asked_by == user)
        found["asked_about"] = [{name: row[name] for name in ("title", "text", "received_at")} for row in asked]
        found["won"] = self._rows(RoundRow, or_(*(columns[honor] == user for honor in _HONORS)))
        found["actions"] = self._rows(AuditRow, table(AuditRow).c.who == user)
        found["doubts"] = self._rows(DoubtRow, self._mentions(DoubtRow, "users", user))
        installed = self._rows(InstallationRow, table(InstallationRow).c.installer == user)
        found["installed"] = [{"installed_at": row["installed_at"]} for row in installed]
        messages = self._rows(OutboxRow, self._mentions(OutboxRow, "payload", user))
        found["mentioned_in"] = [{name: row[name] for name in ("kind", "created_at", "payload")} for row in messages]
        return found

    def _rows(self, row: type[Row], condition: ColumnElement[bool]) -> list[dict[str, Any]]:
        rows = self._connection.execute(self._select(row).where(condition)).mappings()
        return [{name: value for name, value in one.items() if name != "workspace_id"} for one in rows]

    @staticmethod
    def _mentions(row: type[Row], column: str, user: str) -> ColumnElement[bool]:
        return cast(table(row).c[column], Text).contains(json.dumps(user), autoescape=True)

    def anonymize(self, user: str, pseudonym: str) -> int:
        changed = sum(
            self._change(row, table(row).c.user_id == user, user_id=pseudonym)
            for name, row in _THEIRS.items()
            if name != "trainer"
        )
        return changed + self._replace_name(user, pseudonym, pseudonym)

    def remove(self, user: str, now: datetime) -> int:
        self._make_final(table(VoteRow).c.user_id == user, now)
        changed = sum(self._drop(row, table(row).c.user_id == user) for row in _THEIRS.values())
        return changed + self._replace_name(user, "anon-removed", None)

    def _replace_name(self, user: str, name: str, winner: str | None) -> int:
        """Replace a person's id with `name` in the audit trail and messages, and with `winner` in rounds they won."""
        columns = table(RoundRow).c
        changed = self._drop(TrainerRow, table(TrainerRow).c.user_id == user)
        for honor in _HONORS:
            changed += self._change(RoundRow, columns[honor] == user, **{honor: winner})
        changed += self._change(ArticleRow, table(ArticleRow).c.asked_by == user, asked_by=name)
        changed += self._change(AuditRow, table(AuditRow).c.who == user, who=name)
        changed += self._change(JobRow, table(JobRow).c.asked_by == user, asked_by=name)
        changed += self._change(InstallationRow, table(InstallationRow).c.installer == user, installer=name)
        for row, column in _MENTIONS:
            changed += self._rename(row, column, user, name)
        return changed

    def _rename(self, row: type[Row], column: str, user: str, name: str) -> int:
        keys = [key for key in table(row).primary_key if key.name != "workspace_id"]
        statement = self._select(row, *keys, table(row).c[column]).where(self._mentions(row, column, user))
        found = self._connection.execute(statement).all()
        for *key, document in found:
            mine = [column == value for column, value in zip(keys, key, strict=True)]
            self._change(row, *mine, **{column: _renamed(document, user, name)})
        return len(found)

    def _make_final(self, lost: ColumnElement[bool], now: datetime) -> None:
        """Make verdicts of frozen rounds final if some of their votes are about to be deleted."""
        frozen = self._select(RoundRow, table(RoundRow).c.number).where(table(RoundRow).c.frozen_at.is_not(None))
        losing = self._select(VoteRow, _vote.c.post_id).where(lost)
        newly_final = (_post.c.id.in_(losing), _post.c.round_number.in_(frozen), _post.c.votes_expired_at.is_(None))
        self._change(PostRow, *newly_final, votes_expired_at=now)

    def _is_played(self) -> ColumnElement[bool]:
        """Return the condition that a post is in an open round: its votes have not scored yet."""
        round_ = table(RoundRow).c
        return _post.c.round_number.in_(self._select(RoundRow, round_.number).where(round_.frozen_at.is_(None)))

    def posts_to_expire(self, before: datetime) -> dict[str, int]:
        old = (
            self._select(ReactionEventRow, func.count()).where(_AT_POST, _event.c.happened_at < before),
            self._select(VoteRow, func.count()).where(_vote.c.post_id == _post.c.id, _vote.c.at < before),
            # Older than the reactions to it, which needn't be looked for.
            self._select(InvitationRow, func.count()).where(
                _invitation.c.post_id == _post.c.id, _invitation.c.created_at < before
            ),
        )
        counts = [one.correlate(_post).scalar_subquery() for one in old]
        posts = self._select(PostRow, _post.c.id, *counts).where(~self._is_played())
        rows = self._connection.execute(posts.order_by(_post.c.posted_at, _post.c.id))
        return {post_id: sum(found) for post_id, *found in rows if any(found)}

    def expire_posts(self, post_ids: Sequence[str], before: datetime, now: datetime) -> dict[str, int]:
        counts = dict.fromkeys(("reactions", "votes", "invitations"), 0)
        for part in chunks(post_ids):
            still = self._select(PostRow, _post.c.id).where(_post.c.id.in_(part), ~self._is_played())
            ids = list(self._connection.execute(still).scalars())
            old_votes = _vote.c.post_id.in_(ids) & (_vote.c.at < before)
            self._make_final(old_votes, now)
            counts["votes"] += self._drop(VoteRow, old_votes)
            for places in chunks(self._places(ids)):
                there = tuple_(_event.c.channel, _event.c.ts).in_(places)
                counts["reactions"] += self._drop(ReactionEventRow, there, _event.c.happened_at < before)
            old_invitations = _invitation.c.post_id.in_(ids) & (_invitation.c.created_at < before)
            counts["invitations"] += self._drop(InvitationRow, old_invitations)
        return counts

    def _places(self, post_ids: Sequence[str]) -> list[tuple[str, str]]:
        """Return the channel and ts of each message to which people react about these posts."""
        sent = (
            self._select(PostRow, _post.c.channel, _post.c.ts).where(_post.c.id.in_(post_ids)),
            self._select(InvitationRow, _invitation.c.channel, _invitation.c.ts).where(
                _invitation.c.post_id.in_(post_ids)
            ),
        )
        return [(row.channel, row.ts) for one in sent for row in self._connection.execute(one) if row.ts]

    def expire_other_reactions(self, before: datetime, limit: int) -> int:
        here = (_invitation.c.channel == _event.c.channel) & (_invitation.c.ts == _event.c.ts)
        ours = (
            self._select(PostRow, _post.c.id).where(_AT_POST),
            self._select(InvitationRow, _invitation.c.id).where(here),
        )
        others = (~exists(one.correlate(table(ReactionEventRow))) for one in ours)
        return self._drop_some(ReactionEventRow, _event.c.seq, limit, _event.c.happened_at < before, *others)

    def expire_reactors(self, before: datetime, limit: int) -> int:
        reactor = table(ReactorRow).c
        reacts = self._select(ReactionEventRow, _event.c.user_id).where(_event.c.user_id == reactor.user_id)
        unneeded = ~exists(reacts.correlate(table(ReactorRow)))
        return self._drop_some(ReactorRow, reactor.user_id, limit, reactor.looked_up_at < before, unneeded)

    def expire_messages(self, before: datetime, limit: int) -> int:
        outbox = table(OutboxRow).c
        return self._drop_some(OutboxRow, outbox.seq, limit, outbox.done_at < before)

    def expire_actions(self, before: datetime, limit: int) -> int:
        audit = table(AuditRow).c
        return self._drop_some(AuditRow, audit.seq, limit, audit.at < before)

    def expire_requests(self, before: datetime, limit: int) -> int:
        article = table(ArticleRow).c
        old = (article.asked_by.is_not(None), article.received_at < before)
        found = self._select(ArticleRow, article.id).where(*old).order_by(article.received_at).limit(limit)
        ids = list(self._connection.execute(found).scalars())
        return sum(self._change(ArticleRow, article.id.in_(part), *old, asked_by=None) for part in chunks(ids))


def _renamed(value: Any, user: str, name: str) -> Any:
    if isinstance(value, dict):
        return {_renamed(key, user, name): _renamed(one, user, name) for key, one in value.items()}
    if isinstance(value, list):
        return [_renamed(one, user, name) for one in value]
    return name if value == user else value
