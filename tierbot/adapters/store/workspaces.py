"""The workspace, its tags, doubts about its people, and the audit trail."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from tierbot.adapters.store.columns import table
from tierbot.adapters.store.errors import StoreError
from tierbot.adapters.store.work_rows import (
    AuditRow,
    DoubtRow,
    EmojiAliasRow,
    ForgottenPersonRow,
    MissingEmojiRow,
    PushDrawRow,
    SmokeTestRow,
    TagRow,
    WorkspaceRow,
)
from tierbot.adapters.store.workspace_queries import WorkspaceQueries, chunks
from tierbot.domain.nouns import Tag
from tierbot.domain.tags import TagSpace
from tierbot.use_cases.ports import Doubt, PushDraw, SmokeTestResult, Workspace

_tag = table(TagRow)
_audit = table(AuditRow)
_workspace = table(WorkspaceRow)
_draw = table(PushDrawRow)
_FIELDS = tuple(field.name for field in fields(Workspace))[1:]  # the first is the id
_TAG_FIELDS = tuple(field.name for field in fields(Tag))


def workspace_noun(row: Row[Any]) -> Workspace:
    """Return the workspace for a row of its table."""
    return Workspace(row.workspace_id, *(getattr(row, name) for name in _FIELDS))


class SqlWorkspaces(WorkspaceQueries):
    """ports.Workspaces."""

    def get(self) -> Workspace | None:
        row = self._connection.execute(self._select(WorkspaceRow)).first()
        return None if row is None else workspace_noun(row)

    def put(self, workspace: Workspace) -> None:
        if workspace.id != self._workspace:
            raise ValueError(f"workspace {workspace.id}: this transaction is bound to {self._workspace}")
        self._put(WorkspaceRow, {name: getattr(workspace, name) for name in _FIELDS})

    def tags(self) -> TagSpace:
        statement = self._select(TagRow, *(_tag.c[name] for name in _TAG_FIELDS)).order_by(_tag.c.position, _tag.c.id)
        return TagSpace((Tag(**row) for row in self._connection.execute(statement).mappings()), self.emoji_aliases())

    def put_tags(self, tags: TagSpace) -> None:
        for position, tag in enumerate(tags):
            self._put(TagRow, {**{name: getattr(tag, name) for name in _TAG_FIELDS}, "position": position})

    def audit(self, who: str, what: str, before: Any, after: Any, now: datetime) -> None:
        self._add(AuditRow, [{"at": now, "who": who, "what": what, "before": before, "after": after}])

    def audit_trail(self, limit: int) -> list[Mapping[str, Any]]:
        columns = _audit.c
        statement = (
            self._select(AuditRow, columns.at, columns.who, columns.what, columns.before, columns.after)
            .order_by(columns.seq.desc())
            .limit(limit)
        )
        return [dict(row) for row in self._connection.execute(statement).mappings()]

    def pseudonym_key(self) -> str | None:
        found: str | None = self._connection.execute(
            self._select(WorkspaceRow, _workspace.c.pseudonym_key)
        ).scalar_one_or_none()
        return found

    def keep_pseudonym_key(self, key: str) -> str:
        self._connection.execute(
            self._update(WorkspaceRow).where(_workspace.c.pseudonym_key.is_(None)).values(pseudonym_key=key)
        )
        kept = self.pseudonym_key()
        if kept is None:
            raise StoreError(f"workspace {self._workspace}: isn't set up yet. Start the bot once with `tierbot run`.")
        return kept

    def emoji_missing(self, name: str) -> bool:
        return self._add(MissingEmojiRow, [{"name": name}]) == 1

    def emoji_aliases(self) -> dict[str, str]:
        alias = table(EmojiAliasRow).c
        rows = self._connection.execute(self._select(EmojiAliasRow, alias.name, alias.stands_for))
        return {row.name: row.stands_for for row in rows}

    def put_emoji_aliases(self, aliases: Mapping[str, str]) -> None:
        self._connection.execute(self._delete(EmojiAliasRow))
        self._add(EmojiAliasRow, [{"name": name, "stands_for": emoji} for name, emoji in aliases.items()])

    def forget_person(self, digest: str) -> None:
        self._add(ForgottenPersonRow, [{"digest": digest}])

    def forgotten(self) -> frozenset[str]:
        column = table(ForgottenPersonRow).c.digest
        return frozenset(self._connection.execute(self._select(ForgottenPersonRow, column)).scalars())

    def add_draw(self, draw: PushDraw, most: int) -> None:
        self._add(PushDrawRow, [asdict(draw)])
        newest = self._select(PushDrawRow, _draw.c.seq).order_by(_draw.c.seq.desc())
        oldest_kept = self._connection.execute(newest.offset(most - 1).limit(1)).scalar()
        if oldest_kept is not None:
            self._connection.execute(self._delete(PushDrawRow).where(_draw.c.seq < oldest_kept))

    def draws(self) -> list[PushDraw]:
        statement = self._select(PushDrawRow, _draw.c.at, _draw.c.expected, _draw.c.propensity).order_by(_draw.c.seq)
        return [PushDraw(*row) for row in self._connection.execute(statement)]

    def smoke_test(self) -> SmokeTestResult | None:
        columns = [table(SmokeTestRow).c[field.name] for field in fields(SmokeTestResult)]
        row = self._connection.execute(self._select(SmokeTestRow, *columns)).first()
        return None if row is None else SmokeTestResult(*row)

    def put_smoke_test(self, test: SmokeTestResult) -> None:
        self._put(SmokeTestRow, asdict(test))


class SqlDoubts(WorkspaceQueries):
    """ports.Doubts."""

    def all(self) -> list[Doubt]:
        columns = [table(DoubtRow).c[field.name] for field in fields(Doubt)]
        statement = self._select(DoubtRow, *columns).order_by(table(DoubtRow).c.noticed_at, table(DoubtRow).c.id)
        return [Doubt(*row) for row in self._connection.execute(statement)]

    def put(self, doubts: Iterable[Doubt]) -> None:
        for one in doubts:
            self._put(DoubtRow, {field.name: getattr(one, field.name) for field in fields(Doubt)})

    def remove(self, ids: Iterable[str]) -> None:
        for part in chunks(ids):
            self._connection.execute(self._delete(DoubtRow).where(table(DoubtRow).c.id.in_(part)))
