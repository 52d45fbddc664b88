"""Fencing: a run that has lost its claim to a job writes nothing more.

A process may stall for longer than its lease while another one takes over the job. When it continues, every transaction of
its run checks the claim first and fails. The check and the writes share a transaction, so the claim cannot change hands in
between.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from tierbot.use_cases.ports import Transaction


class ClaimLostError(Exception):
    """Another run has claimed this job. Not a TierbotError, so that no job handles it as its own failure."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right of one run to write for a job."""

    workspace: str
    job_id: str
    run: str


_claim: ContextVar[Claim | None] = ContextVar("claim", default=None)


@contextmanager
def under(claim: Claim) -> Iterator[None]:
    """Until the block ends, make every transaction of this thread in the claim's workspace check the claim first."""
    token = _claim.set(claim)
    try:
        yield
    finally:
        _claim.reset(token)


def check_claim(tx: Transaction, workspace: str) -> None:
    """Raise ClaimLostError if this thread works under a claim in this workspace that another run has taken over."""
    claim = _claim.get()
    if claim is not None and claim.workspace == workspace and not tx.agenda.holds(claim.job_id, claim.run):
        raise ClaimLostError(f"Run {claim.run} no longer holds {claim.job_id} in {workspace}.")
