"""Fencing: a run that has lost its claim to a job writes nothing more.

A process may stall for longer than its lease while another one takes over the job. When it continues, every transaction of
its run checks the claim first and fails. The check and the writes share a transaction, so the claim cannot change hands in
between.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime

from tierbot.use_cases.ports import DueJob, Store, Transaction, Workspace


class ClaimLostError(Exception):
    """Another run has claimed this job. Not a TierbotError, so that no job handles it as its own failure."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right of one run to write for a job."""

    workspace: str
    job_id: str
    run: str

    def check(self, tx: Transaction) -> None:
        """Raise ClaimLostError unless this run was the last to claim the job."""
        if not tx.agenda.holds(self.job_id, self.run):
            raise ClaimLostError(f"Run {self.run} no longer holds {self.job_id} in {self.workspace}.")


_claim: ContextVar[Claim | None] = ContextVar("claim", default=None)


@contextmanager
def under(claim: Claim) -> Iterator[None]:
    """Until the block ends, make every FencedStore transaction of this thread check the claim first."""
    token = _claim.set(claim)
    try:
        yield
    finally:
        _claim.reset(token)


class FencedStore:
    """Wraps a Store: a write in the workspace of the thread's claim checks that claim first."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @contextmanager
    def begin(self, workspace: str) -> Iterator[Transaction]:
        """Open a transaction. Raises ClaimLostError if another run has claimed this thread's job."""
        claim = _claim.get()
        with self._store.begin(workspace) as tx:
            if claim is not None and claim.workspace == workspace:
                claim.check(tx)
            yield tx

    def read(self, workspace: str) -> AbstractContextManager[Transaction]:
        """Open a snapshot."""
        return self._store.read(workspace)

    def trouble(self) -> str | None:
        """Return why the database cannot be used now, None if it can."""
        return self._store.trouble()

    def workspace_ids(self) -> list[str]:
        """Return the ids of all workspaces."""
        return self._store.workspace_ids()

    def workspaces(self) -> list[Workspace]:
        """Return all workspaces by id."""
        return self._store.workspaces()

    def running_ids(self) -> list[str]:
        """Return the workspaces that are not stopped."""
        return self._store.running_ids()

    def due_ids(self, now: datetime) -> list[str]:
        """Return the workspaces in whose outbox something is due."""
        return self._store.due_ids(now)

    def due_jobs(self, now: datetime) -> list[DueJob]:
        """Return the jobs of all workspaces that are due."""
        return self._store.due_jobs(now)

    def hold(self, name: str, holder: str, until: datetime, now: datetime) -> list[str]:
        """Take or prolong a lease in each workspace; return those where it is held."""
        return self._store.hold(name, holder, until, now)

    def let_go(self, name: str, holder: str) -> None:
        """Give a lease back in every workspace."""
        self._store.let_go(name, holder)

    def close(self) -> None:
        """Close all connections."""
        self._store.close()
