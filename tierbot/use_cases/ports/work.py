"""Ports to the work that is still to do: the outbox, closed channels, the agenda, and leases."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from tierbot.use_cases.ports.records import (
    ClosedChannel,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Job,
    Search,
)


class Outbox(Protocol):
    """Deliveries to send exactly once."""

    def add(self, deliveries: Iterable[Delivery]) -> int:
        """Queue deliveries whose id is new; return how many."""

    def claim(self, now: datetime, lease_until: datetime, limit: int) -> list[Delivery]:
        """Mark due rows as SENDING until `lease_until` and return them as they were before, oldest first.

        A row with a message that can be looked up gets a `search` for this attempt. If the row had one already, it may have
        been sent: look it up, and send nothing.
        """

    # Only the holder of a claim writes its outcome: `claimed` is what `claim` returned. Each method returns whether it was
    # written: False if the lease expired and the row was claimed again, or was never claimed.

    def done(self, claimed: Delivery, result: str | None, now: datetime) -> bool:
        """Mark a claimed delivery as sent, with its id in Slack; False if the claim was lost."""

    def retry(
        self, claimed: Delivery, due_at: datetime, error: str, *, search: Search | None = None, failures: int = 0
    ) -> bool:
        """Give a claimed delivery back until `due_at`; False if the claim was lost. search: None if it was surely not sent."""

    def park(self, claimed: Delivery, error: str, search: Search | None = None) -> bool:
        """Park a claimed delivery with Slack's error; False if the claim was lost. For `search` see `retry`."""

    def hold(self, kind: str, until: datetime, channel: str = "") -> None:
        """Hold all deliveries of a kind, or look-ups (LOOK_UP), until then: those for one channel, or for any."""

    def reschedule(self, step: timedelta, now: datetime) -> None:
        """Follow a clock that was set back: move all times ahead of `now` back by `step`, but not before `now`.

        Messages that may have been sent are also looked for `step` earlier.
        """

    def release(self, now: datetime) -> None:
        """Make all waiting deliveries due now, and end every hold."""

    # An admin's decisions. Both take ids, ignore deliveries that are sent or being sent, include the pre-fills of a post,
    # and return how many deliveries changed.

    def again(self, ids: Iterable[str], now: datetime) -> int:
        """Make parked and waiting deliveries due now."""

    def drop(self, ids: Iterable[str], now: datetime) -> int:
        """Never send these parked or waiting deliveries."""

    def is_stalled(self, now: datetime, patience: timedelta) -> bool:
        """Return whether nothing was sent for `patience`, although something was due or Slack answered no attempt.

        Messages held back by Slack's pace, or waiting for a closed channel, aren't due.
        """

    def prune(self, before: datetime, limit: int) -> int:
        """Delete up to `limit` deliveries sent or dropped before then, and the holds that ended; return how many."""

    def unsent(self) -> list[Delivery]:
        """Return the deliveries that are parked, waiting or being sent, oldest first."""

    def waiting_by_channel(self) -> dict[str, int]:
        """Return how many deliveries wait or are being sent, by channel; the pre-fills of posts don't count."""

    def redirect(self, old: str, new: str) -> int:
        """Send what surely wasn't sent to one channel, except in threads, to another; return how many deliveries."""

    def counts(self) -> dict[DeliveryState, int]:
        """Return how many deliveries are in each state."""

    def waiting(self, kind: DeliveryKind, post_id: str) -> list[Delivery]:
        """Return the unclaimed rows of a kind for a post."""

    def count_open(self, kind: DeliveryKind) -> int:
        """Return how many deliveries of a kind are neither sent nor parked."""

    def result(self, delivery_id: str) -> str | None:
        """Return the id in Slack of a delivery that was sent; None for any other."""

    def oldest(self) -> Delivery | None:
        """Return the longest overdue delivery that is not sent yet."""

    def parked(self) -> list[Delivery]:
        """Return parked deliveries, oldest first."""


class Channels(Protocol):
    """Channels that don't take the bot's messages now, and channels whose id changed."""

    def closed(self) -> list[ClosedChannel]:
        """Return the closed channels, the longest closed first."""

    def close(self, channel: ClosedChannel) -> None:
        """Store a closed channel, replacing an earlier row; no delivery to it is claimed before its `until`."""

    def open(self, channel: str) -> bool:
        """Forget that a channel was closed; return whether it was."""

    def change_id(self, old: str, new: str, limit: int) -> int:
        """Move deliveries and up to `limit` posts, with the reactions to them, to a channel's new id; return how many posts.

        Reactions that arrived under the new id before become untallied. 0 means that nothing is left under the old id.
        """

    def gather(self, channel: str, ts: str) -> None:
        """Move the reactions to a message that arrived under former ids of its channel, before we knew the message."""


class Agenda(Protocol):
    """Jobs: one row for each recurring job, and one for each request."""

    def get(self, job_id: str) -> Job | None:
        """Return a job, or None."""

    def all(self) -> list[Job]:
        """Return every unfinished job, by due time."""

    def plan(self, kind: str, due_at: datetime) -> None:
        """Make a recurring job due at this time, from its beginning, and reset its failures."""

    def ask(self, request: Job) -> bool:
        """Add a request; False if its id exists, finished or not."""

    def claim(self, job_id: str, run: str, now: datetime) -> Job | None:
        """Give `run`, and no earlier run, the right to write for a job; None if the job is not due, finished or gone."""

    def holds(self, job_id: str, run: str) -> bool:
        """Return whether `run` was the last to claim a job."""

    def put(self, job: Job) -> None:
        """Write a job, replacing the one with its id."""

    def left(self, job_id: str, payload: Mapping[str, Any]) -> None:
        """Store what is left of a job."""

    def remove(self, job_id: str) -> None:
        """Delete a job, if it is there."""

    def clear(self, before: datetime) -> None:
        """Delete requests finished before then."""


SCHEDULER = "scheduler"
"""The lease of the process that runs the schedule."""

SCHEDULER_LEASE = timedelta(seconds=15)
"""If a process doesn't renew it for this long, another process takes over."""


class Leases(Protocol):
    """Which process may do what only one may do (such as run the scheduler), and until when."""

    def take(self, name: str, holder: str, until: datetime, now: datetime) -> bool:
        """Take or extend a lease; False while another holder's is valid."""

    def end(self, name: str, now: datetime) -> None:
        """End a lease, whoever holds it."""

    def clear(self, prefix: str, now: datetime) -> None:
        """Delete expired leases whose names start with the prefix."""

    def get(self, name: str) -> tuple[str, datetime] | None:
        """Return the last holder of a lease and until when (it may have expired); None if nobody ever held it."""
