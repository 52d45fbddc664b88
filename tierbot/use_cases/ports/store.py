"""Ports to the store, its transactions, and operational tables: feeds, people, workspaces."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from tierbot.domain.articles.feeds import Feed, FeedResult, ListedBy, ListedFeed
from tierbot.domain.nouns import Trainer
from tierbot.domain.tags import TagSpace
from tierbot.use_cases.ports.records import (
    Doubt,
    DueJob,
    Installation,
    PushDraw,
    SmokeTestResult,
    Workspace,
)
from tierbot.use_cases.ports.tables import (
    Articles,
    GivenLabels,
    HeldBackArticles,
    Ledger,
    Models,
    Posts,
    Reactors,
    Rounds,
    TablePages,
    Verdicts,
)
from tierbot.use_cases.ports.work import Agenda, Channels, Leases, Outbox


class FeedList(Protocol):
    """The polled feeds, with their state."""

    def add(self, feeds: Iterable[Feed], by: ListedBy) -> int:
        """Add feeds whose address is new; return how many."""

    def rename(self, url: str, name: str) -> None:
        """Give a feed another name."""

    def remove(self, urls: Iterable[str]) -> int:
        """Remove feeds by address; return how many were listed."""

    def all(self) -> list[ListedFeed]:
        """Return the feeds by name."""

    def polled(self, result: FeedResult, now: datetime, brought: int) -> None:
        """Store the result of a poll, unless the feed is no longer listed."""

    def lists(self, url: str, ids: Collection[str]) -> None:
        """Store the ids of everything that a feed lists now, articles and copies: those are not deleted."""


class Trainers(Protocol):
    """Trainers and their preferences."""

    def get(self, user: str) -> Trainer:
        """Return a trainer, with defaults if nothing is stored."""

    def put(self, trainer: Trainer) -> None:
        """Store a trainer."""

    def opted_out(self) -> dict[str, str]:
        """Return the names, by user id, of people who opted out of mentions and nudges."""


class Installations(Protocol):
    """The app as installed in the workspace (or organization) of this transaction, and OAuth's states."""

    def get(self) -> Installation | None:
        """Return the installation, or None."""

    def put(self, installation: Installation) -> None:
        """Store an installation, replacing the previous one."""

    def end(self, why: str, now: datetime) -> bool:
        """Delete the token and store the reason; False if no installation is active."""

    def give_state(self, state: str, until: datetime, now: datetime) -> None:
        """Store a state until then; delete expired ones."""

    def take_state(self, state: str, now: datetime) -> bool:
        """Consume a state; False if it is unknown or expired."""


class People(Protocol):
    """Everything that names a person, in all tables."""

    def export(self, user: str) -> dict[str, Any]:
        """Return it as plain data, by kind."""

    def anonymize(self, user: str, pseudonym: str) -> int:
        """Replace a person's id with a pseudonym everywhere; return how many rows changed."""

    def remove(self, user: str, now: datetime) -> int:
        """Delete what a person did, and mentions of them; return how many rows changed. For verdicts see `expire_posts`."""

    def posts_to_expire(self, before: datetime) -> dict[str, int]:
        """Return posts of rounds that aren't open with older reactions, votes or invitations, and how many of those each has.

        Reactions to its invitations aren't counted.
        """

    def expire_posts(self, post_ids: Sequence[str], before: datetime, now: datetime) -> dict[str, int]:
        """Delete these posts' older reactions, votes and invitations, except in an open round; return how many, by kind.

        Verdicts and scores stay. Verdicts on posts of frozen rounds that lose votes become final.
        """

    def expire_other_reactions(self, before: datetime, limit: int) -> int:
        """Delete up to `limit` older reactions to messages that are neither posts nor invitations; return how many."""

    def expire_reactors(self, before: datetime, limit: int) -> int:
        """Delete up to `limit` older look-ups of people without reactions; return how many."""

    def expire_messages(self, before: datetime, limit: int) -> int:
        """Delete up to `limit` older finished deliveries; return how many."""

    def expire_actions(self, before: datetime, limit: int) -> int:
        """Delete up to `limit` older lines of the audit trail; return how many."""

    def expire_requests(self, before: datetime, limit: int) -> int:
        """Forget who requested up to `limit` older articles; return how many."""


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


@dataclass(slots=True)
class Transaction:
    """One short unit of work in one workspace; valid inside its block only."""

    articles: Articles
    given_labels: GivenLabels
    posts: Posts
    ledger: Ledger
    reactors: Reactors
    verdicts: Verdicts
    table_pages: TablePages
    rounds: Rounds
    models: Models
    outbox: Outbox
    channels: Channels
    agenda: Agenda
    trainers: Trainers
    leases: Leases
    feeds: FeedList
    held_back: HeldBackArticles
    people: People
    installations: Installations
    doubts: Doubts
    workspaces: Workspaces


class Store(Protocol):
    """The database."""

    def begin(self, workspace: str) -> AbstractContextManager[Transaction]:
        """Open a transaction; one workspace's run one after another, so keep it short.

        Raises ClaimLostError if another run has claimed this thread's job (see jobs/fencing.py).
        """

    def read(self, workspace: str) -> AbstractContextManager[Transaction]:
        """Open a read-only snapshot; readers and writers do not wait for each other."""

    def trouble(self) -> str | None:
        """Return in a few words why the database cannot be used now, None if it can and the schema is current."""

    def workspace_ids(self) -> list[str]:
        """Return the ids of all workspaces."""

    def workspaces(self) -> list[Workspace]:
        """Return all workspaces by id."""

    def running_ids(self) -> list[str]:
        """Return the workspaces that are not stopped."""

    def due_ids(self, now: datetime) -> list[str]:
        """Return the active workspaces with something due in the outbox."""

    def due_jobs(self, now: datetime) -> list[DueJob]:
        """Return the jobs of all workspaces that are due, the longest overdue first. No row's contents are read."""

    # One statement takes a lease in all workspaces and waits for no workspace's transactions.

    def hold(self, name: str, holder: str, until: datetime, now: datetime) -> list[str]:
        """Take or extend a lease in each workspace where no other holder has it; return the workspaces where it is held."""

    def let_go(self, name: str, holder: str, now: datetime) -> None:
        """End a lease in every workspace where this holder has it."""

    def ahead(self, name: str, beyond: datetime) -> list[str]:
        """Return the workspaces where a lease lasts beyond this moment."""

    def close(self) -> None:
        """Close all connections."""
