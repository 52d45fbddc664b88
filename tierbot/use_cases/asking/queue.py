"""Counts what is waiting to be posted, so that answers promise no more posts than there are stories."""

from collections.abc import Callable

from tierbot.domain.articles.boundaries import Boundaries, held_grounds
from tierbot.domain.rounds.boards import Queue
from tierbot.domain.tags import TagSpace
from tierbot.use_cases.ports import DeliveryKind, Transaction


def queue_of(tx: Transaction, boundaries: Callable[[TagSpace], Boundaries], *, ask_unclear: bool) -> Queue:
    """Return a workspace's queue; `boundaries` reads the rules in force, `ask_unclear` as in the settings."""
    rules, champion = boundaries(tx.workspaces.tags()), tx.models.champion()
    held_on = held_grounds(rules, champion.id, ask_unclear=ask_unclear) if champion else ()
    jobs = tx.agenda.all()
    scheduled = next((job.due_at for job in jobs if job.kind == "push" and job.recurs), None)
    requested = sum(int(job.payload.get("count", 0)) for job in jobs if job.kind == "push" and not job.recurs)
    known = tx.workspaces.get()
    return Queue(
        waiting=tx.articles.count_waiting(held_on),
        requested=requested,
        unsent=tx.outbox.count_open(DeliveryKind.POST),
        next_push=scheduled,
        paused=known is not None and known.paused,
    )
