"""A person's data: export, remove or anonymize everything that names them; and what retention deletes (`expire`).

Verdicts, other people's scores and models don't change: they contain counts, not names.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, cast, exists, or_

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
from tierbot.adapters.store.workspace_queries import WorkspaceQueries

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
        post, round_ = table(PostRow).c, table(RoundRow).c
        frozen = self._select(RoundRow, round_.number).where(round_.frozen_at.is_not(None))
        losing = self._select(VoteRow, table(VoteRow).c.post_id).where(lost)
        newly_final = (post.id.in_(losing), post.round_number.in_(frozen), post.votes_expired_at.is_(None))
        self._change(PostRow, *newly_final, votes_expired_at=now)

    def expire(self, before: datetime, now: datetime) -> Mapping[str, int]:
        outbox, event, invitation = (table(row).c for row in (OutboxRow, ReactionEventRow, InvitationRow))
        vote, post = table(VoteRow).c, table(PostRow).c
        open_rounds = self._select(RoundRow, table(RoundRow).c.number).where(table(RoundRow).c.frozen_at.is_(None))
        played = self._select(PostRow, post.id).where(post.round_number.in_(open_rounds))
        old_votes = (vote.at < before) & vote.post_id.not_in(played)
        here = (post.channel == event.channel) & (post.ts == event.ts)
        there = (invitation.channel == event.channel) & (invitation.ts == event.ts)
        places = (
            self._select(PostRow, post.id).where(here, post.round_number.in_(open_rounds)),
            self._select(InvitationRow, invitation.id).where(there, invitation.post_id.in_(played)),
        )
        said = [~exists(place.correlate(table(ReactionEventRow))) for place in places]
        self._make_final(old_votes, now)
        old: dict[str, tuple[type[Row], ColumnElement[bool]]] = {
            "reactions": (ReactionEventRow, and_(event.happened_at < before, *said)),
            "votes": (VoteRow, old_votes),
            "invitations": (InvitationRow, (invitation.created_at < before) & invitation.post_id.not_in(played)),
            "messages": (OutboxRow, outbox.done_at < before),
            "actions": (AuditRow, table(AuditRow).c.at < before),
        }
        articles = table(ArticleRow).c
        forgotten = self._change(
            ArticleRow, articles.asked_by.is_not(None) & (articles.received_at < before), asked_by=None
        )
        counts = {name: self._drop(row, condition) for name, (row, condition) in old.items()}
        reactor = table(ReactorRow).c
        reacts = self._select(ReactionEventRow, event.user_id).where(event.user_id == reactor.user_id)
        self._drop(ReactorRow, (reactor.looked_up_at < before) & ~exists(reacts.correlate(table(ReactorRow))))
        return {"requests": forgotten, **counts}


def _renamed(value: Any, user: str, name: str) -> Any:
    if isinstance(value, dict):
        return {_renamed(key, user, name): _renamed(one, user, name) for key, one in value.items()}
    if isinstance(value, list):
        return [_renamed(one, user, name) for one in value]
    return name if value == user else value
