"""From reaction events to votes, with thanks for votes that are too late to score.

A round is frozen in a transaction that first reads every recorded event. So an unread event on a post of a frozen round was
recorded after the freeze, or its voter was unknown then: it is late. Every vote either scores or is thanked, whatever its
timestamp and source.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import cache

from tierbot.domain.feedback.votes import Variant, reading, superseded
from tierbot.domain.nouns import Post, ReactionEvent, Round, Vote, key
from tierbot.domain.tags import TagSpace
from tierbot.use_cases.current_votes import Place, cursor_of, votes_of_voters
from tierbot.use_cases.delivery.announcing import announce
from tierbot.use_cases.ports import DeliveryKind, Transaction

_REMEMBERED = 50  # rounds stored per person, to thank them once each
_MOST_WAITING = 10_000  # messages; as many posts as no round has

TALLIED_AT_ONCE = 4
"""Messages in one transaction: reactions that arrive meanwhile wait for it."""


def tally(tx: Transaction, now: datetime) -> int:
    """Derive the votes of up to TALLIED_AT_ONCE messages with unread events; return how many messages."""
    messages = tx.ledger.untallied(TALLIED_AT_ONCE, waiting=False)
    # Most messages of a busy channel aren't posts, so what only posts need is read once there is one.
    tags, current = cache(tx.workspaces.tags), cache(tx.rounds.current)
    for place in messages:
        cursor = tx.ledger.cursor(*place)
        post = tx.posts.at(*place)
        if post is not None:  # otherwise it isn't our message: the event stays in the ledger and doesn't count
            _tally_post(tx, post, place, tags(), current(), now)
        tx.ledger.tallied(*place, cursor)
    return len(messages)


def _tally_post(
    tx: Transaction, post: Post, place: Place, tags: TagSpace, current: Round | None, now: datetime
) -> None:
    """Derive the votes of those whose events are new: a person's votes depend on nobody else's events."""
    unread = tx.ledger.unread(*place)
    users = {event.user for event in unread}
    votes = votes_of_voters(tx, users, post, tags)
    if current is not None and post.round_number < current.number:
        scored = {_substance(vote) for vote in tx.ledger.votes([post.id])[post.id]}
        new = [vote for vote in votes if _substance(vote) not in scored]
        _thank(tx, post, _late(unread, new, post, tags), now)
    tx.ledger.replace_votes(post.id, votes, cursor_of(tx, post), users)
    tx.ledger.supersede(superseded(tx.ledger.current_of(users, *place, voters=False)))


def tally_waiting(tx: Transaction) -> int:
    """Derive the votes on messages that wait for a look-up, without the voters who aren't known yet.

    The messages keep waiting. Return how many posts have new votes.
    """
    tags, changed = tx.workspaces.tags(), 0
    for place in tx.ledger.untallied(_MOST_WAITING, waiting=True):
        post = tx.posts.at(*place)
        if post is not None and tx.ledger.cursors([post.id])[post.id] < cursor_of(tx, post):
            users = {event.user for event in tx.ledger.unread(*place)}
            tx.ledger.replace_votes(post.id, votes_of_voters(tx, users, post, tags), cursor_of(tx, post), users)
            changed += 1
    return changed


def _substance(vote: Vote) -> tuple[str, str, str | None]:
    return vote.user, vote.says, vote.tag


def _late(unread: Iterable[ReactionEvent], votes: Iterable[Vote], post: Post, tags: TagSpace) -> dict[str, str]:
    """Return who voted with these events and hasn't withdrawn the vote, each with the channel."""
    standing = {vote.user for vote in votes}
    return {
        event.user: event.channel
        for event in unread
        if event.added
        and event.user in standing
        and reading(Variant(event.user, event.name, event.source), post, tags) is not None
    }


def _thank(tx: Transaction, post: Post, voters: dict[str, str], now: datetime) -> None:
    """Queue an ephemeral thank-you to each of these voters, once per round."""
    number = post.round_number
    for user, channel in voters.items():
        trainer = tx.trainers.get(user)
        thanked = list(trainer.notes.get("thanked") or ())
        if number in thanked:
            continue
        kept = [*thanked, number][-_REMEMBERED:]
        tx.trainers.put(replace(trainer, notes={**trainer.notes, "thanked": kept}))
        news = {"kind": "late_vote", "user": user, "round": number, "teaches": not tx.posts.is_final(post.id)}
        announce(tx, key("late", user, number), news, channel, now, kind=DeliveryKind.THANK)
