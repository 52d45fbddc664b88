"""Ports to the workspace: its settings, tags, doubts about trainers, and admins' actions."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

from tierbot.domain.tags import TagSpace
from tierbot.use_cases.ports.records import Doubt, PushDraw, SmokeTestResult, Workspace


class Workspaces(Protocol):
    """The workspace of this transaction: its settings, tags and audit trail."""

    def get(self) -> Workspace | None:
        """Return the workspace, None before setup."""

    def put(self, workspace: Workspace) -> None:
        """Store the workspace."""

    def tags(self) -> TagSpace:
        """Return its tag space, retired tags included."""

    def put_tags(self, tags: TagSpace) -> None:
        """Store a tag space, replacing the previous one."""

    def audit(self, who: str, what: str, before: Any, after: Any, now: datetime) -> None:
        """Record an admin's action."""

    def audit_trail(self, limit: int) -> list[Mapping[str, Any]]:
        """Return up to `limit` actions, newest first: at, who, what, before, after."""

    def pseudonym_key(self) -> str | None:
        """Return the key for pseudonyms in exports, in hexadecimal; None before one was made."""

    def keep_pseudonym_key(self, key: str) -> str:
        """Store a key unless there is one; return the stored one. Raises StoreError if the workspace is unknown."""

    def emoji_missing(self, name: str) -> bool:
        """Record that Slack no longer has an emoji; return whether that is new."""

    def emoji_aliases(self) -> dict[str, str]:
        """Return the workspace's own aliases of emoji: alias → the name that it stands for."""

    def put_emoji_aliases(self, aliases: Mapping[str, str]) -> None:
        """Store all aliases, replacing the previous ones."""

    def forget_person(self, digest: str) -> None:
        """Store the digest of a forgotten person."""

    def forgotten(self) -> frozenset[str]:
        """Return the digests of forgotten people."""

    def add_draw(self, draw: PushDraw, most: int) -> None:
        """Store the draw of a push time, keeping the newest `most` draws."""

    def draws(self) -> list[PushDraw]:
        """Return the stored draws, oldest first."""

    def smoke_test(self) -> SmokeTestResult | None:
        """Return the last smoke test's result, None before the first."""

    def put_smoke_test(self, test: SmokeTestResult) -> None:
        """Store a smoke test's result, replacing the previous one."""


class Doubts(Protocol):
    """Doubts about trainers, including overruled ones."""

    def all(self) -> list[Doubt]:
        """Return all of them, oldest first."""

    def put(self, doubts: Iterable[Doubt]) -> None:
        """Store each, replacing the one with its id."""

    def remove(self, ids: Iterable[str]) -> None:
        """Delete doubts by id."""
