"""What is waiting for Slack or an admin: `/tier` and `tierbot status` list it, so that nothing gets stuck unnoticed."""

from dataclasses import dataclass
from datetime import datetime

from tierbot.use_cases.delivery.channels import waiting_in
from tierbot.use_cases.ports import ClosedChannel, DeliveryState, Transaction
from tierbot.use_cases.voting.voters import unknown_voters


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is stuck until someone acts, or is delayed.

    channels: closed channels, each with how many messages wait for it. parked: messages that wait for an admin's decision.
    maybe_sent: messages that may be in Slack already and are looked for. voters: people whose votes wait until Slack has
    said who they are; normally for seconds.
    """

    channels: tuple[tuple[ClosedChannel, int], ...] = ()
    parked: int = 0
    maybe_sent: int = 0
    voters: int = 0


def what_waits(tx: Transaction, default_channel: str, now: datetime) -> Waiting:
    """Return what is waiting in a workspace."""
    unsent = tx.outbox.unsent()
    return Waiting(
        channels=tuple(waiting_in(tx, default_channel)),
        parked=sum(one.state is DeliveryState.PARKED for one in unsent),
        maybe_sent=sum(one.search is not None and one.state is DeliveryState.PENDING for one in unsent),
        voters=len(unknown_voters(tx, now)),
    )
