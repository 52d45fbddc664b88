"""Report the bot's status from its database alone, because the bot may run elsewhere or not at all."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from tierbot.domain.articles.boundaries import Boundaries
from tierbot.domain.nouns import Origin
from tierbot.domain.rounds.boards import Queue, RoundStatus
from tierbot.domain.tags import TagSpace
from tierbot.domain.training.drift import drift_of
from tierbot.use_cases.asking.queue import queue_of
from tierbot.use_cases.delivery.channels import reason_of
from tierbot.use_cases.game.waiting import Waiting, what_waits
from tierbot.use_cases.ports import SCHEDULER, SCHEDULER_LEASE, DeliveryState, Transaction, Workspace
from tierbot.use_cases.recent_posts import ROUNDS
from tierbot.use_cases.rounds.round_report import round_status

_MOST_PARKED = 20

Status = dict[str, Any]


def status_of(
    tx: Transaction,
    default_channel: str,
    now: datetime,
    boundaries: Callable[[TagSpace], Boundaries],
    *,
    ask_unclear: bool,
) -> Status:
    """Return a workspace's status as plain data, with times as datetimes.

    default_channel may be empty. boundaries: reads the rules in force. ask_unclear: as in the settings.
    """
    known, current = tx.workspaces.get(), tx.rounds.current()
    channel = known.plays_in(default_channel) if known else default_channel
    holder, until = tx.leases.get(SCHEDULER) or (None, None)
    newest, smoke_test, champion = tx.ledger.newest(Origin.EVENT), tx.workspaces.smoke_test(), tx.models.champion()
    waiting = what_waits(tx, default_channel, now)
    recent = range(max(1, current.number - ROUNDS + 1), current.number + 1) if current else ()
    return {
        "workspace": {name: getattr(known, name, None) for name in ("id", "name", "stopped_at")},
        "channel": channel or None,
        "running": until is not None and until > now,
        "process": holder,
        "last_tick_at": until and until - SCHEDULER_LEASE,
        "paused": known is not None and known.paused,
        "last_reaction_at": newest.received_at if newest else None,
        "round": _round(tx, round_status(tx, current)) if current else None,
        "model": ({"id": champion.id, "made_at": champion.created_at, "parent": champion.parent} if champion else None),
        "articles": _articles(queue_of(tx, boundaries, ask_unclear=ask_unclear), tx),
        "outbox": _outbox(tx, now, waiting),
        "voters_waiting": waiting.voters,
        "closed_channels": _closed_channels(waiting),
        "parked": _parked(tx),
        "jobs": _jobs(tx),
        "feeds": _feeds(tx),
        "smoke_test": asdict(smoke_test) if smoke_test else None,
        "drift": drift_of(tx.verdicts.settled(rounds=list(recent))).as_dict(),
        "doubts": [
            {"id": one.id, "users": list(one.users), "evidence": one.evidence}
            for one in tx.doubts.all()
            if one.in_force
        ],
    }


def _closed_channels(found: Waiting) -> list[Status]:
    return [
        {"channel": one.channel, "code": one.why, "why": reason_of(one.why), "since": one.since, "waiting": waiting}
        for one, waiting in found.channels
    ]


def _parked(tx: Transaction) -> list[Status]:
    return [
        {
            "id": one.id,
            "kind": str(one.kind),
            "channel": one.channel,
            "created_at": one.created_at,
            "slack_says": one.error,
        }
        for one in tx.outbox.parked()[-_MOST_PARKED:]
    ]


def _jobs(tx: Transaction) -> list[Status]:
    return [
        {
            "job": job.kind,
            "due_at": job.due_at,
            "ran_at": job.ran_at,
            "asked_by": job.asked_by,
            "failed": job.attempts,
            "error": job.error,
        }
        for job in tx.agenda.all()
    ]


def _feeds(tx: Transaction) -> Status:
    feeds = tx.feeds.all()
    broken = [
        {"name": one.feed.name, "url": one.feed.url, "problem": one.problem, "polled_at": one.polled_at}
        for one in feeds
        if one.problem
    ]
    return {"listed": len(feeds), "broken": broken}


def _round(tx: Transaction, status: RoundStatus) -> Status:
    votes = tx.ledger.votes_in_round(status.round.number)
    return {
        "number": status.round.number,
        "opened_at": status.round.opened_at,
        "closes_at": status.round.closes_at,
        "posts": status.posts,
        "votes": sum(len(given) for given in votes.values()),
        "trainers": status.trainers,
        "judged": status.judged,
        "verdicts": {"named": status.named, "wrong": status.wrong, "abstained": status.abstained},
    }


def _articles(queue: Queue, tx: Transaction) -> Status:
    return {
        "waiting": queue.waiting,
        "posts_unsent": queue.unsent,
        "pushes": [
            {
                "asked_by": job.asked_by,
                "asked_at": job.asked_at,
                "posts": job.payload.get("of"),
                "left": job.payload.get("count"),
            }
            for job in tx.agenda.all()
            if job.kind == "push" and not job.recurs
        ],
    }


def _outbox(tx: Transaction, now: datetime, waiting: Waiting) -> Status:
    counts, oldest = tx.outbox.counts(), tx.outbox.oldest()
    late = max(0.0, (now - oldest.due_at).total_seconds()) if oldest else 0.0
    return {
        "waiting": counts[DeliveryState.PENDING] + counts[DeliveryState.SENDING],
        "sent": counts[DeliveryState.DONE],
        "parked": counts[DeliveryState.PARKED],
        "maybe_sent": waiting.maybe_sent,
        "oldest_due_at": oldest.due_at if oldest else None,
        "oldest_late_seconds": round(late, 1),
        "oldest_error": oldest.error if oldest else None,
    }


def overview_of(tx: Transaction, workspace: Workspace, default_channel: str) -> Status:
    """Return a workspace's summary as plain data, with times as datetimes."""
    counts, current = tx.outbox.counts(), tx.rounds.current()
    return {
        "id": workspace.id,
        "name": workspace.name,
        "enterprise": workspace.enterprise,
        "channel": workspace.plays_in(default_channel) or None,
        "stopped_at": workspace.stopped_at,
        "paused": workspace.paused,
        "round": current.number if current else None,
        "posts": len(tx.posts.in_round(current.number)) if current else 0,
        "waiting": counts[DeliveryState.PENDING] + counts[DeliveryState.SENDING],
        "parked": counts[DeliveryState.PARKED],
    }


def state_in_words(found: Status) -> str:
    """Describe a workspace's state in a few words."""
    if found["stopped_at"]:
        return f"stopped {found['stopped_at']:%Y-%m-%d %H:%M}, not installed"
    if not found["channel"]:
        return "no channel yet"
    return "paused" if found["paused"] else "active"
