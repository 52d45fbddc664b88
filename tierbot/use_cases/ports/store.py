"""Ports to the store itself, its transactions, and what keeps the bot running: outbox, agenda, leases, people."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Protocol

from tierbot.domain.articles.boundaries import HeldBack, HeldCount
from tierbot.domain.articles.feeds import Feed, FeedResult, ListedBy, ListedFeed
from tierbot.domain.nouns import Trainer
from tierbot.use_cases.ports.records import (
    Delivery,
    DeliveryKind,
    DeliveryState,
    DueJob,
    Installation,
    Job,
    Workspace,
)
from tierbot.use_cases.ports.tables import (
    Articles,
    Dataset,
    GivenLabels,
    Ledger,
    Models,
    Posts,
    Rounds,
    TablePages,
    Verdicts,
)
from tierbot.use_cases.ports.workspaces import Doubts, Workspaces


class Outbox(Protocol):
    """What is to be sent, exactly once."""

    def add(self, deliveries: Iterable[Delivery]) -> int:
        """Queue what is not queued yet, by id; return how many were new."""

    def claim(self, now: datetime, lease_until: datetime, limit: int) -> list[Delivery]:
        """Mark due rows as SENDING until `lease_until` and return them as they were before, oldest first.

        A row whose lease ran out is claimed again; its earlier state says that it may have been sent.
        """

    # An outcome is written by who holds the claim, and nobody else: `claimed` is what `claim` returned. Each returns
    # whether it was written: False if the lease ran out and the row was claimed since, or is not in hand at all.

    def done(self, claimed: Delivery, result: str | None, now: datetime) -> bool:
        """Mark a claimed delivery as sent, with what Slack called it; False if the claim was lost."""

    def retry(self, claimed: Delivery, due_at: datetime, error: str) -> bool:
        """Give a claimed delivery back until `due_at`; False if the claim was lost."""

    def park(self, claimed: Delivery, error: str) -> bool:
        """Put a claimed delivery aside for good, with Slack's word for it; False if the claim was lost."""

    def hold(self, kind: DeliveryKind, until: datetime) -> None:
        """Let nothing of this kind fall due before `until`."""

    def release(self, now: datetime) -> None:
        """Let all that waits fall due by `now`, and end every hold: what had to be mended is mended."""

    def counts(self) -> dict[DeliveryState, int]:
        """Return how many deliveries are in each state."""

    def waiting(self, kind: DeliveryKind, post_id: str) -> list[Delivery]:
        """Return the rows of a kind for a post that nobody has claimed yet."""

    def oldest(self) -> Delivery | None:
        """Return what fell due first of all that is not sent yet."""

    def parked(self) -> list[Delivery]:
        """Return what was put aside, oldest first."""


class Agenda(Protocol):
    """What is to be done: one row for each recurring job, and one for each request."""

    def get(self, job_id: str) -> Job | None:
        """Return a job, None if there is none of this id."""

    def all(self) -> list[Job]:
        """Return every job that is not finished, by when it is due."""

    def plan(self, kind: str, due_at: datetime) -> None:
        """Let a recurring job be due at this time, from its beginning; former failures are forgotten."""

    def ask(self, request: Job) -> bool:
        """Add a request; False if its id is there, finished or not."""

    def claim(self, job_id: str, run: str, now: datetime) -> Job | None:
        """Let `run`, and no run before it, write for a job; None if the job is not due, or finished, or gone."""

    def holds(self, job_id: str, run: str) -> bool:
        """Return whether `run` was the last to claim a job."""

    def put(self, job: Job) -> None:
        """Write a job, replacing the one with its id."""

    def left(self, job_id: str, payload: Mapping[str, Any]) -> None:
        """Write what is left of a job."""

    def remove(self, job_id: str) -> None:
        """Delete a job, if it is there."""

    def clear(self, before: datetime) -> None:
        """Delete the requests that were finished before then."""


SCHEDULER = "scheduler"
"""The lease of the process that keeps the schedule."""

SCHEDULER_LEASE = timedelta(seconds=15)
"""How long each tick prolongs it: a process that goes silent for so long is replaced by another."""


class Leases(Protocol):
    """Who may do what only one process may do (such as run the scheduler), and until when."""

    def take(self, name: str, holder: str, until: datetime, now: datetime) -> bool:
        """Take or prolong a lease; False while another holder's has not run out."""

    def release(self, name: str, holder: str) -> None:
        """Give a lease back; another holder's is left alone."""

    def clear(self, prefix: str, now: datetime) -> None:
        """Forget the leases whose names begin so and that have run out."""

    def get(self, name: str) -> tuple[str, datetime] | None:
        """Return who took a lease last and until when (it may have run out); None once it was given back."""


class FeedList(Protocol):
    """The feeds that are polled, and what is kept of each."""

    def add(self, feeds: Iterable[Feed], by: ListedBy) -> int:
        """List the feeds whose address is not listed yet; return how many."""

    def rename(self, url: str, name: str) -> None:
        """Give a feed another name."""

    def remove(self, urls: Iterable[str]) -> int:
        """Take feeds off the list by their addresses; return how many were on it."""

    def all(self) -> list[ListedFeed]:
        """Return the feeds by name."""

    def polled(self, result: FeedResult, now: datetime, brought: int) -> None:
        """Keep what a poll brought; one of a feed that is no longer listed is forgotten."""


class HeldBackArticles(Protocol):
    """What boundaries held back."""

    def add(self, held: Iterable[HeldBack]) -> None:
        """Keep each, in the place of what the same kind of boundary said of that article before."""

    def counts(self, examples: int) -> list[HeldCount]:
        """Return each rule that held something back, the busiest first, with the titles of its latest `examples`."""


class Trainers(Protocol):
    """What trainers told us."""

    def get(self, user: str) -> Trainer:
        """Return a trainer; one that never told anything is there too, with nothing said."""

    def put(self, trainer: Trainer) -> None:
        """Keep what a trainer told us."""

    def opted_out(self) -> dict[str, str]:
        """Return the names, by user id, of those who want no mentions and no nudges."""


class Installations(Protocol):
    """The app as installed in the workspace (or organisation) of this transaction, and OAuth's states."""

    def get(self) -> Installation | None:
        """Return the installation, None if there is none."""

    def put(self, installation: Installation) -> None:
        """Keep an installation in the place of the one before."""

    def end(self, why: str, now: datetime) -> bool:
        """Forget the token and remember why; False if there is none that has not ended."""

    def give_state(self, state: str, until: datetime, now: datetime) -> None:
        """Remember a state until then; those that ran out are forgotten."""

    def take_state(self, state: str, now: datetime) -> bool:
        """Use a state up; False if there is none, or it ran out."""


class People(Protocol):
    """All that names a person, in whatever part it is kept."""

    def export(self, user: str) -> dict[str, Any]:
        """Return it as plain data, by kind."""

    def anonymize(self, user: str, pseudonym: str) -> int:
        """Put a pseudonym in the place of a person's id everywhere; return how many rows changed."""

    def remove(self, user: str, now: datetime) -> int:
        """Delete what a person did, and their id where it is mentioned; return how many rows changed.

        The verdicts on posts of frozen rounds that lose votes by it are final from now on.
        """

    def expire(self, before: datetime, now: datetime) -> Mapping[str, int]:
        """Delete what names people and is older; return how many rows, by kind.

        Verdicts and scores stay, and so does what was said of posts of the open round. The verdicts on posts of frozen
        rounds that lose votes by it are final from now on.
        """


class Transaction(Protocol):
    """One short unit of work in one workspace."""

    @property
    def articles(self) -> Articles:
        """Articles and their embeddings."""

    @property
    def given_labels(self) -> GivenLabels:
        """Labels that archives brought along."""

    @property
    def posts(self) -> Posts:
        """Predictions and posts."""

    @property
    def ledger(self) -> Ledger:
        """Reaction events and votes."""

    @property
    def verdicts(self) -> Verdicts:
        """What posts settled to."""

    @property
    def dataset(self) -> Dataset:
        """Settled posts, page by page."""

    @property
    def table_pages(self) -> TablePages:
        """Tables, page by page."""

    @property
    def rounds(self) -> Rounds:
        """Rounds and standings."""

    @property
    def models(self) -> Models:
        """Model versions."""

    @property
    def outbox(self) -> Outbox:
        """What is to be sent."""

    @property
    def agenda(self) -> Agenda:
        """What is due."""

    @property
    def trainers(self) -> Trainers:
        """What trainers told us."""

    @property
    def leases(self) -> Leases:
        """Who may do what only one may do."""

    @property
    def feeds(self) -> FeedList:
        """The feeds that are read."""

    @property
    def held_back(self) -> HeldBackArticles:
        """What boundaries held back."""

    @property
    def people(self) -> People:
        """What names a person."""

    @property
    def installations(self) -> Installations:
        """Where the app is installed."""

    @property
    def doubts(self) -> Doubts:
        """Doubts about how people vote."""

    @property
    def workspaces(self) -> Workspaces:
        """The workspace itself."""


class Store(Protocol):
    """The database."""

    def begin(self, workspace: str) -> AbstractContextManager[Transaction]:
        """Open a transaction; those of one workspace run one after another, so keep it short."""

    def read(self, workspace: str) -> AbstractContextManager[Transaction]:
        """Open a snapshot that cannot write; it waits for no writer and no writer waits for it."""

    def trouble(self) -> str | None:
        """Return in a few words why the database cannot be used now, None if it can and its schema is this code's."""

    def workspace_ids(self) -> list[str]:
        """Return the ids of all workspaces."""

    def workspaces(self) -> list[Workspace]:
        """Return all workspaces by id."""

    def running_ids(self) -> list[str]:
        """Return the workspaces that are not stopped."""

    def due_ids(self, now: datetime) -> list[str]:
        """Return those of them in whose outbox something is due."""

    def due_jobs(self, now: datetime) -> list[DueJob]:
        """Return the jobs of all workspaces that are due, the longest overdue first. No row's contents are read."""

    # A lease is taken in all workspaces at once, by one statement that waits for no workspace's transactions.

    def hold(self, name: str, holder: str, until: datetime, now: datetime) -> list[str]:
        """Take or prolong a lease in each workspace where no other holder has it; return the workspaces where it is held."""

    def let_go(self, name: str, holder: str) -> None:
        """Give a lease back in every workspace."""

    def close(self) -> None:
        """Close all connections."""
