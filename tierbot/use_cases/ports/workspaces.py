"""Ports to the workspace itself: what is known of it, its tags, doubts about its people, its admins' actions."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

from tierbot.domain.tags import TagSpace
from tierbot.use_cases.ports.records import Doubt, PushDraw, SmokeTestResult, Workspace


class Workspaces(Protocol):
    """The workspace of this transaction: its settings, its tags, what admins did."""

    def get(self) -> Workspace | None:
        """Return the workspace, None before it was set up."""

    def put(self, workspace: Workspace) -> None:
        """Keep the workspace in the place of what was known of it."""

    def tags(self) -> TagSpace:
        """Return its tag space, retired tags included."""

    def put_tags(self, tags: TagSpace) -> None:
        """Keep a tag space in the place of the one before."""

    def audit(self, who: str, what: str, before: Any, after: Any, now: datetime) -> None:
        """Record an admin's action."""

    def audit_trail(self, limit: int) -> list[Mapping[str, Any]]:
        """Return up to `limit` actions, newest first: at, who, what, before, after."""

    def pseudonym_key(self) -> str | None:
        """Return the key that exports name people with, in hexadecimal; None before one was made."""

    def keep_pseudonym_key(self, key: str) -> str:
        """Keep a key unless there is one; return the one that is kept. Raises StoreError if the workspace is unknown."""

    def emoji_missing(self, name: str) -> bool:
        """Remember that an emoji is gone from Slack; return whether that is new."""

    def forget_person(self, digest: str) -> None:
        """Remember the digest of a person who was forgotten."""

    def forgotten(self) -> frozenset[str]:
        """Return the digests of the people who were forgotten."""

    def add_draw(self, draw: PushDraw, most: int) -> None:
        """Keep the draw of a push's moment, and of all draws the newest `most`."""

    def draws(self) -> list[PushDraw]:
        """Return the draws that are kept, oldest first."""

    def smoke_test(self) -> SmokeTestResult | None:
        """Return how the last smoke test went, None before the first."""

    def put_smoke_test(self, test: SmokeTestResult) -> None:
        """Keep how a smoke test went, in the place of the one before."""


class Doubts(Protocol):
    """Doubts about how people vote, those that were overruled too."""

    def all(self) -> list[Doubt]:
        """Return all of them, oldest first."""

    def put(self, doubts: Iterable[Doubt]) -> None:
        """Keep each, in the place of the one with its id."""

    def remove(self, ids: Iterable[str]) -> None:
        """Drop those of these ids."""
