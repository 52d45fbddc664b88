"""When scheduled posts go out: every few hours, or at the hours when colleagues vote most.

Never in quiet hours. A learned hour is drawn from those around the fixed one; each draw is stored with its propensity for
off-policy estimates.
"""

from datetime import datetime, timedelta

import numpy as np

from tierbot.domain.predict.posting_hours import choose_slot, voters_by_hour
from tierbot.domain.rounds.calendar import is_quiet, next_open
from tierbot.settings import Settings, parse_hours
from tierbot.use_cases.ports import PushDraw, Transaction
from tierbot.use_cases.recent_posts import recent_rounds

_MOST_KEPT = 500
_STEPS = 5  # candidate times, evenly from half to one and a half times the usual pause


def next_push(settings: Settings, after: datetime) -> datetime:
    """Return when the next push is due by the clock, outside of quiet hours and days off."""
    return open_from(settings, after + timedelta(hours=settings.push_every_hours))


def open_from(settings: Settings, moment: datetime) -> datetime:
    """Return the first moment from `moment` on that is outside of quiet hours and days off."""
    return next_open(moment, parse_hours(settings.quiet_hours), settings.weekdays, settings.zone)


def is_open(settings: Settings, moment: datetime) -> bool:
    """Return whether a moment is outside of quiet hours and days off."""
    return not is_quiet(moment, parse_hours(settings.quiet_hours), settings.weekdays, settings.zone)


def chosen_push(tx: Transaction, settings: Settings, after: datetime, rng: np.random.Generator) -> datetime:
    """Draw the time of the next push, based on when colleagues voted in recent rounds; store the draw."""
    pause = timedelta(hours=settings.push_every_hours)
    moments = [after + pause * (0.5 + step / (_STEPS - 1)) for step in range(_STEPS)]
    open_ = [at for at in moments if is_open(settings, at)]
    slots = [(at, at.astimezone(settings.zone).hour) for at in open_ or [next_push(settings, after)]]
    slot = choose_slot(slots, voters_by_hour(_found(tx, settings)), rng)
    tx.workspaces.add_draw(PushDraw(slot.at, slot.expected, slot.propensity), _MOST_KEPT)
    return slot.at


def _found(tx: Transaction, settings: Settings) -> list[tuple[int, int]]:
    found = []
    for number in recent_rounds(tx):
        votes = tx.ledger.votes_in_round(number)
        found += [
            (post.posted_at.astimezone(settings.zone).hour, len({vote.user for vote in votes.get(post.id, ())}))
            for post in tx.posts.in_round(number)
            if post.posted_at is not None
        ]
    return found
