"""Nudges: at most one a day to people who used to judge, each recorded with the trainer before it is sent."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import takewhile
from typing import Any

from tierbot.domain.nouns import Round, key
from tierbot.settings import Settings
from tierbot.use_cases.asking.invitations import judge_next
from tierbot.use_cases.asking.push_schedule import is_open, open_from
from tierbot.use_cases.delivery.announcing import announce
from tierbot.use_cases.ports import Again, Chat, ChatError, Clock, Job, Store, Transaction

log = logging.getLogger(__name__)

JOB = "nudge"
FORMER_ROUNDS = 3
"""Someone who judged in none of the last FORMER_ROUNDS rounds has left the game and gets no nudge."""

MOST_A_ROUND = 2
"""Nudges per person and round: after ignoring two, they sit this round out."""

_FIRST_AFTER = timedelta(days=1)
_APART = timedelta(hours=20)  # between two nudges to one person, in case the schedule is changed
_FIRST_DAY = timedelta(days=1)  # of a round: too early for a reminder
_STEP, _STEPS = timedelta(minutes=5), 12  # a nudge expires after an hour, or when quiet hours start


@dataclass(eq=False)
class Nudges:
    """A job: sends the day's nudges in any workspace."""

    store: Store
    clock: Clock
    settings: Settings
    chats: Callable[[str], Chat]

    def plan(self, workspace: str) -> None:
        """Schedule the next day's nudges, or remove them if the settings turn nudges off."""
        with self.store.begin(workspace) as tx:
            if not self.settings.nudges:
                tx.agenda.remove(JOB)
            elif tx.agenda.get(JOB) is None:
                tx.agenda.plan(JOB, open_from(self.settings, self.clock.now() + _FIRST_AFTER))

    def __call__(self, workspace: str, job: Job) -> Again | None:  # noqa: ARG002 - jobs share one signature
        """Send the day's nudges; in quiet hours, try again at their end."""
        now = self.clock.now()
        expires_at = _good_until(self.settings, now)
        if expires_at <= now:
            return Again(open_from(self.settings, now + _STEP))
        self.nudge(workspace, expires_at)
        return None

    def nudge(self, workspace: str, expires_at: datetime) -> int:
        """Nudge recent judges who haven't judged in this round, have posts to judge and allow it; return how many."""
        now = self.clock.now()
        with self.store.read(workspace) as tx:
            round_ = tx.rounds.current()
            if round_ is None or now - round_.opened_at < _FIRST_DAY:
                return 0
            lately = _judged_lately(tx, round_)
            waiting = {user: len(judge_next(tx, user)) for user in lately if _may_nudge(tx, user, round_, now)}
        sent = 0
        for user, count in sorted(waiting.items()):
            if count:
                sent += self._nudge_one(workspace, user, round_, count, expires_at)
        return sent

    def _nudge_one(self, workspace: str, user: str, round_: Round, count: int, expires_at: datetime) -> bool:
        try:
            channel = self.chats(workspace).direct(user)
        except ChatError as fault:  # they may have left the team; other errors fail the job, which is retried
            log.info("%s gets no nudge: %s", user, fault)
            return False
        now = self.clock.now()
        day = now.astimezone(self.settings.zone).date().isoformat()
        with self.store.begin(workspace) as tx:
            if not _may_nudge(tx, user, round_, now):  # opted out just now
                return False
            trainer = tx.trainers.get(user)
            before = trainer.notes.get("nudged") or {}
            times = 1 + (before["times"] if before.get("round") == round_.number else 0)
            nudged = {"at": now.isoformat(), "round": round_.number, "times": times}
            tx.trainers.put(replace(trainer, notes={**trainer.notes, "nudged": nudged}))
            news = {"kind": "nudge", "round": round_.number, "waiting": count, "expires_at": expires_at.isoformat()}
            announce(tx, key("nudge", user, day), news, channel, now)
        return True


def _judged_lately(tx: Transaction, round_: Round) -> set[str]:
    """Return who judged in one of the last rounds and not in this one."""
    former = {
        line.user
        for number in range(max(1, round_.number - FORMER_ROUNDS), round_.number)
        for line in tx.rounds.standings(number)
    }
    judging = {vote.user for votes in tx.ledger.votes_in_round(round_.number).values() for vote in votes}
    return former - judging


def _may_nudge(tx: Transaction, user: str, round_: Round, now: datetime) -> bool:
    trainer = tx.trainers.get(user)
    before: dict[str, Any] = trainer.notes.get("nudged") or {}
    if trainer.opted_out:
        return False
    if before and now - datetime.fromisoformat(before["at"]) < _APART:
        return False
    return bool(before.get("round") != round_.number or before["times"] < MOST_A_ROUND)


def _good_until(settings: Settings, now: datetime) -> datetime:
    """Return until when a nudge may be sent: an hour at most, and never into quiet hours; `now` if not at all."""
    moments = (now + step * _STEP for step in range(_STEPS + 1))
    return max(takewhile(partial(is_open, settings), moments), default=now)
