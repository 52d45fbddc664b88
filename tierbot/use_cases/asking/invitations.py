"""Sends posts by direct message ("Send me five to judge"): ordinary posts by direct message, chosen for one trainer.

First come posts of this round that need another opinion, drawn with a logged propensity (domain/predict/assignment.py).
Reactions in direct messages count as in the channel. When those run out, new articles are posted to the trainer, and then
settled posts with few voters.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np

from tierbot.domain.nouns import Post, Round, TierbotError
from tierbot.domain.predict.assignment import VERSION, Candidate, assign, most_needed, thinnest
from tierbot.use_cases.asking.ask import Ask
from tierbot.use_cases.current_votes import votes_on
from tierbot.use_cases.delivery.dispatch import invitation_of
from tierbot.use_cases.ports import Chat, Clock, Store, Transaction

FIVE = 5

MOST_UNANSWERED = 10
"""Unanswered posts in someone's direct messages beyond which no more are sent."""


class Invitations:
    """Sends trainers posts to judge, in any workspace. Slow: it calls Slack and may embed articles."""

    def __init__(
        self, store: Store, clock: Clock, ask: Ask, chats: Callable[[str], Chat], rng: np.random.Generator
    ) -> None:
        self._store = store
        self._clock = clock
        self._ask = ask
        self._chats = chats
        self._rng = rng

    def send(self, workspace: str, user: str, count: int = FIVE) -> int:
        """Queue up to `count` posts for a trainer's direct messages; return how many.

        Raises TierbotError if too many are unanswered there, or Slack opens no conversation.
        """
        channel = self._chats(workspace).direct(user)
        now = self._clock.now()
        with self._store.read(workspace) as tx:
            round_ = _open_round(tx)
            candidates = _candidates(tx, user, channel, round_, _judged(tx, user, round_))
        drawn = assign(candidates, count, self._rng)
        sent = 0
        with self._store.begin(workspace) as tx:
            round_ = _open_round(tx)
            judged = _judged(tx, user, round_)
            unanswered = _unanswered(tx, user, channel, round_, judged)
            if unanswered + count > MOST_UNANSWERED:
                raise TierbotError(
                    f"You still have {unanswered} posts to judge in your messages with me. "
                    "Judge some of them first, then ask again."
                )
            for post, propensity in drawn:
                if post.id not in judged:
                    why = {"assigner": VERSION, "propensity": propensity}
                    sent += _invite(tx, post, user, channel, now, why)
        sent += self._ask(workspace, count - sent, channel=channel)
        return sent + (self._send_settled(workspace, user, channel, count - sent) if sent < count else 0)

    def _send_settled(self, workspace: str, user: str, channel: str, count: int) -> int:
        now = self._clock.now()
        with self._store.begin(workspace) as tx:
            round_ = _open_round(tx)
            chosen = thinnest(_candidates(tx, user, channel, round_, _judged(tx, user, round_)), count)
            for post in chosen:
                _invite(tx, post, user, channel, now, {"assigner": "settled", "propensity": 1.0})
        return len(chosen)


def _invite(tx: Transaction, post: Post, user: str, channel: str, now: datetime, why: dict[str, Any]) -> bool:
    """Queue a post for a trainer's direct messages, unless it was sent there before; `why` is logged with it."""
    invitation, delivery = invitation_of(post, user, channel, now)
    if not tx.posts.invite(invitation):
        return False
    tx.outbox.add([replace(delivery, payload={**delivery.payload, "post_id": post.id, **why})])
    return True


def _open_round(tx: Transaction) -> Round:
    round_ = tx.rounds.current()
    if round_ is None:
        raise TierbotError("No round is open yet. It opens when the bot starts (`tierbot run`).")
    return round_


def _judged(tx: Transaction, user: str, round_: Round) -> set[str]:
    """Return the ids of this round's posts that the trainer has voted on, tallied or not."""
    voted = {
        post_id
        for post_id, votes in tx.ledger.votes_in_round(round_.number).items()
        if any(v.user == user for v in votes)
    }
    tags = tx.workspaces.tags()
    fresh = {post.id: post for place in tx.ledger.untallied(_RECENT) if (post := tx.posts.at(*place)) is not None}
    return voted | {
        post_id for post_id, post in fresh.items() if any(vote.user == user for vote in votes_on(tx, post, tags))
    }


_RECENT = 500  # messages with events not tallied yet; usually a handful


def _unanswered(tx: Transaction, user: str, channel: str, round_: Round, judged: set[str]) -> int:
    here = [post.id for post in tx.posts.in_round(round_.number) if post.channel == channel]
    here += [one.post_id for one in tx.posts.invitations(user=user) if one.created_at >= round_.opened_at]
    return len(set(here) - judged)


def _candidates(tx: Transaction, user: str, channel: str, round_: Round, judged: set[str]) -> list[Candidate]:
    invited = {one.post_id for one in tx.posts.invitations(user=user)}
    posts = [
        post
        for post in tx.posts.in_round(round_.number)
        if post.ts and post.id not in judged and post.id not in invited and post.channel != channel
    ]
    # A tag request stays in its thread: it may come from a private channel.
    articles = tx.articles.get({post.article_id for post in posts})
    posts = [post for post in posts if articles[post.article_id].asked_in is None]
    verdicts = tx.verdicts.latest(post.id for post in posts)
    return [Candidate(post, verdicts.get(post.id)) for post in posts]


def judge_next(tx: Transaction, user: str, round_: Round) -> list[Post]:
    """Return this round's posts in Slack that a trainer has not judged and that still need an opinion."""
    return most_needed(_candidates(tx, user, "", round_, _judged(tx, user, round_)))
