"""Announcements to a workspace's channel, queued in the transaction of the event they announce."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tierbot.use_cases.ports import Delivery, DeliveryKind, Transaction


def channel_of(tx: Transaction, default: str) -> str:
    """Return the channel that the workspace uses: the one chosen there, else `default`; empty if there is none yet."""
    known = tx.workspaces.get()
    return known.plays_in(default) if known else default


def announce(
    tx: Transaction,
    delivery_id: str,
    news: Mapping[str, Any],
    channel: str,
    now: datetime,
    *,
    kind: DeliveryKind = DeliveryKind.ANNOUNCE,
    priority: int | None = None,
    after_id: str | None = None,
    below: str | None = None,
) -> None:
    """Queue news for a channel, once per id; nothing while no channel is chosen. See Delivery for priority.

    `below`: the id of another announcement, in whose thread it is posted.
    """
    if channel:
        payload = {**news, "below": below} if below else dict(news)
        tx.outbox.add(
            [Delivery(delivery_id, kind, channel, payload, now, now, priority=priority, after_id=below or after_id)]
        )
