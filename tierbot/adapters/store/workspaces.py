"""The workspace: its tags, trainers, doubts about them, audit trail, and where the app is installed."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from tierbot.adapters.store.columns import table
from tierbot.adapters.store.errors import StoreError
from tierbot.adapters.store.work_rows import (
    AuditRow,
    DoubtRow,
    EmojiAliasRow,
    ForgottenPersonRow,
    InstallationRow,
    MissingEmojiRow,
    OAuthStateRow,
    PushDrawRow,
    SmokeTestRow,
    TagRow,
    TrainerRow,
    WorkspaceRow,
)
from tierbot.adapters.store.workspace_queries import Stored, WorkspaceQueries, chunks
from tierbot.domain.nouns import Tag, Trainer
from tierbot.domain.tags import TagSpace
from tierbot.use_cases.ports import Doubt, Installation, PushDraw, SmokeTestResult, Workspace

_tag = table(TagRow)
_audit = table(AuditRow)
_workspace = table(WorkspaceRow)
_draw = table(PushDrawRow)
_doubt = table(DoubtRow)
_trainer = table(TrainerRow)
_installation = table(InstallationRow)
_state = table(OAuthStateRow)
_MOST_STATES = 1000  # anybody can ask for one
WORKSPACE = Stored(WorkspaceRow, Workspace, id="workspace_id")
_TAG = Stored(TagRow, Tag)
_DRAW = Stored(PushDrawRow, PushDraw)
_SMOKE_TEST = Stored(SmokeTestRow, SmokeTestResult)
_DOUBT = Stored(DoubtRow, Doubt)
_INSTALLATION = Stored(InstallationRow, Installation, id="workspace_id")
_TRAINER = Stored(TrainerRow, Trainer, name="display_name")


class SqlWorkspaces(WorkspaceQueries):
    """ports.Workspaces."""

    def get(self) -> Workspace | None:
        return self._noun(WORKSPACE)

    def put(self, workspace: Workspace) -> None:
        if workspace.id != self._workspace:
            raise ValueError(f"workspace {workspace.id}: this transaction is bound to {self._workspace}")
        self._put(WorkspaceRow, WORKSPACE.values(workspace))

    def tags(self) -> TagSpace:
        return TagSpace(self._nouns(_TAG, order=(_tag.c.position, _tag.c.id)), self.emoji_aliases())

    def put_tags(self, tags: TagSpace) -> None:
        for position, tag in enumerate(tags):
            self._put(TagRow, _TAG.values(tag) | {"position": position})

    def audit(self, who: str, what: str, before: Any, after: Any, now: datetime) -> None:
        self._add(AuditRow, [{"at": now, "who": who, "what": what, "before": before, "after": after}])

    def audit_trail(self, limit: int) -> list[Mapping[str, Any]]:
        columns = [_audit.c[name] for name in ("at", "who", "what", "before", "after")]
        newest_first = self._select(AuditRow, *columns).order_by(_audit.c.seq.desc())
        return [dict(row) for row in self._connection.execute(newest_first.limit(limit)).mappings()]

    def pseudonym_key(self) -> str | None:
        found: str | None = self._connection.execute(self._select(WorkspaceRow, _workspace.c.pseudonym_key)).scalar()
        return found

    def keep_pseudonym_key(self, key: str) -> str:
        self._change(WorkspaceRow, _workspace.c.pseudonym_key.is_(None), pseudonym_key=key)
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
        self._drop(EmojiAliasRow)
        self._add(EmojiAliasRow, [{"name": name, "stands_for": emoji} for name, emoji in aliases.items()])

    def forget_person(self, digest: str) -> None:
        self._add(ForgottenPersonRow, [{"digest": digest}])

    def forgotten(self) -> frozenset[str]:
        column = table(ForgottenPersonRow).c.digest
        return frozenset(self._connection.execute(self._select(ForgottenPersonRow, column)).scalars())

    def add_draw(self, draw: PushDraw, most: int) -> None:
        self._add(PushDrawRow, [_DRAW.values(draw)])
        newest = self._select(PushDrawRow, _draw.c.seq).order_by(_draw.c.seq.desc())
        oldest_kept = self._connection.execute(newest.offset(most - 1).limit(1)).scalar()
        if oldest_kept is not None:
            self._drop(PushDrawRow, _draw.c.seq < oldest_kept)

    def draws(self) -> list[PushDraw]:
        return self._nouns(_DRAW, order=(_draw.c.seq,))

    def smoke_test(self) -> SmokeTestResult | None:
        return self._noun(_SMOKE_TEST)

    def put_smoke_test(self, test: SmokeTestResult) -> None:
        self._put(SmokeTestRow, _SMOKE_TEST.values(test))


class SqlDoubts(WorkspaceQueries):
    """ports.Doubts."""

    def all(self) -> list[Doubt]:
        return self._nouns(_DOUBT, order=(_doubt.c.noticed_at, _doubt.c.id))

    def put(self, doubts: Iterable[Doubt]) -> None:
        for one in doubts:
            self._put(DoubtRow, _DOUBT.values(one))

    def remove(self, ids: Iterable[str]) -> None:
        for part in chunks(ids):
            self._drop(DoubtRow, _doubt.c.id.in_(part))


class SqlTrainers(WorkspaceQueries):
    """ports.Trainers."""

    def get(self, user: str) -> Trainer:
        return self._noun(_TRAINER, _trainer.c.user_id == user) or Trainer(user)

    def put(self, trainer: Trainer) -> None:
        self._put(TrainerRow, _TRAINER.values(trainer))

    def opted_out(self) -> dict[str, str]:
        columns = (_trainer.c.user_id, _trainer.c.display_name)
        rows = self._connection.execute(self._select(TrainerRow, *columns).where(_trainer.c.opted_out))
        return dict(sorted((user, name) for user, name in rows))


class SqlInstallations(WorkspaceQueries):
    """ports.Installations."""

    def get(self) -> Installation | None:
        return self._noun(_INSTALLATION)

    def put(self, installation: Installation) -> None:
        if installation.id != self._workspace:
            raise ValueError(f"installation {installation.id}: this transaction is bound to {self._workspace}")
        self._put(InstallationRow, _INSTALLATION.values(installation))

    def end(self, why: str, now: datetime) -> bool:
        active = _installation.c.ended_at.is_(None)
        return self._change(InstallationRow, active, sealed_token="", ended_at=now, ended_by=why) == 1

    def give_state(self, state: str, until: datetime, now: datetime) -> None:
        self._drop(OAuthStateRow, _state.c.until <= now)
        self._put(OAuthStateRow, {"state": state, "until": until})
        newest = self._select(OAuthStateRow, _state.c.state).order_by(_state.c.until.desc(), _state.c.state)
        self._drop(OAuthStateRow, _state.c.state.not_in(newest.limit(_MOST_STATES)), _state.c.state != state)

    def take_state(self, state: str, now: datetime) -> bool:
        return self._drop(OAuthStateRow, _state.c.state == state, _state.c.until > now) == 1
