"""Reports the bot's status from its database alone: it may run elsewhere, or not at all."""

from datetime import datetime
from typing import Any

from tierbot.domain.nouns import Origin
from tierbot.domain.rounds.boards import RoundStatus
from tierbot.domain.training.drift import drift_of
from tierbot.use_cases.people.doubts import doubts
from tierbot.use_cases.ports import SCHEDULER, SCHEDULER_LEASE, Delivery, DeliveryState, Due, Transaction
from tierbot.use_cases.rounds.round_report import round_status
from tierbot.use_cases.voting.settlement import ROUNDS

_MOST_PARKED = 20

Status = dict[str, Any]


def status_of(tx: Transaction, default_channel: str, now: datetime) -> Status:
    """Return the status of the transaction's workspace as plain data; times are datetimes.

    default_channel: where it plays if no channel was chosen there; empty for none.
    """
    known, current = tx.workspaces.get(), tx.rounds.current()
    channel = known.plays_in(default_channel) if known else default_channel
    switches = known.settings if known else {}
    return {
        "workspace": {"id": known.id if known else None, "name": known.name if known else None}
        | {"stopped_at": known.stopped_at if known else None},
        "channel": channel or None,
        **_running(tx, now),
        "paused": bool(switches.get("paused", False)),
        "last_reaction_at": _last_reaction(tx),
        "round": _round(tx, round_status(tx, current)) if current else None,
        "model": _model(tx),
        "outbox": _outbox(tx, now),
        "parked": [_parked(delivery) for delivery in tx.outbox.parked()[-_MOST_PARKED:]],
        "jobs": [_job(due) for due in tx.agenda.all()],
        "feeds": _feeds(tx),
        "journey": switches.get("journey"),
        "drift": _drift(tx),
        "doubts": [
            {"id": one.id, "users": list(one.users), "evidence": one.evidence} for one in doubts(tx) if one.in_force
        ],
    }


def _running(tx: Transaction, now: datetime) -> Status:
    held = tx.leases.get(SCHEDULER)
    if held is None:
        return {"running": False, "process": None, "last_tick_at": None}
    holder, until = held
    return {"running": until > now, "process": holder, "last_tick_at": until - SCHEDULER_LEASE}


def _last_reaction(tx: Transaction) -> datetime | None:
    newest = tx.ledger.newest(Origin.EVENT)
    return newest.received_at if newest else None


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


def _model(tx: Transaction) -> Status | None:
    champion = tx.models.champion()
    if champion is None:
        return None
    return {"id": champion.id, "made_at": champion.created_at, "parent": champion.parent}


def _drift(tx: Transaction) -> Status:
    current = tx.rounds.current()
    last = range(max(1, current.number - ROUNDS + 1), current.number + 1) if current else ()
    return drift_of(tx.verdicts.settled(rounds=list(last))).as_dict()


def _outbox(tx: Transaction, now: datetime) -> Status:
    counts, oldest = tx.outbox.counts(), tx.outbox.oldest()
    late = max(0.0, (now - oldest.due_at).total_seconds()) if oldest else 0.0
    return {
        "waiting": counts[DeliveryState.PENDING] + counts[DeliveryState.SENDING],
        "sent": counts[DeliveryState.DONE],
        "parked": counts[DeliveryState.PARKED],
        "oldest_due_at": oldest.due_at if oldest else None,
        "oldest_late_seconds": round(late, 1),
        "oldest_error": oldest.error if oldest else None,
    }


def _parked(delivery: Delivery) -> Status:
    return {
        "id": delivery.id,
        "kind": str(delivery.kind),
        "channel": delivery.channel,
        "created_at": delivery.created_at,
        "slack_says": delivery.error,
    }


def _job(due: Due) -> Status:
    return {"job": due.job, "due_at": due.due_at, "ran_at": due.ran_at, "asked_by": due.request.get("by")}


def _feeds(tx: Transaction) -> Status:
    listed = tx.feeds.all()
    return {
        "listed": len(listed),
        "broken": [
            {"name": one.feed.name, "url": one.feed.url, "problem": one.problem, "polled_at": one.polled_at}
            for one in listed
            if one.problem
        ],
    }
