"""Sends posts by direct message ("Send me five to judge"): ordinary posts, chosen for one trainer.

First come posts of this round that need another opinion, drawn with a logged propensity (domain/predict/assignment.py).
Reactions in direct messages count as in the channel. When those run out, new articles are posted to the trainer, and then
settled posts with few voters.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from tierbot.domain.nouns import Invitation, Post, Round, TierbotError, key
from tierbot.domain.predict.assignment import VERSION, Candidate, assign, most_needed, thinnest
from tierbot.use_cases.asking.ask import Ask
from tierbot.use_cases.current_votes import votes_on
from tierbot.use_cases.ports import Chat, Clock, Delivery, DeliveryKind, Store, Transaction
from tierbot.use_cases.recent_posts import open_round

FIVE = 5
_RECENT = 500  # messages with events not tallied yet; usually a handful

MOST_UNANSWERED = 10
"""With this many unanswered posts in their direct messages, a trainer gets no more."""


@dataclass(eq=False)
class Invitations:
    """Sends trainers posts to judge, in any workspace. Slow: it calls Slack and may embed articles."""

    store: Store
    clock: Clock
    ask: Ask
    chats: Callable[[str], Chat]
    rng: np.random.Generator

    def send(self, workspace: str, user: str, count: int = FIVE) -> int:
        """Queue up to `count` posts for a trainer's direct messages; return how many.

        Raises TierbotError if too many are unanswered there, or if Slack can't open the conversation.
        """
        channel = self.chats(workspace).direct(user)
        now = self.clock.now()
        with self.store.read(workspace) as tx:
            candidates = _candidates(tx, user, channel)
        drawn = assign(candidates, count, self.rng)
        sent = 0
        with self.store.begin(workspace) as tx:
            round_ = open_round(tx)
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
        sent += self.ask(workspace, count - sent, channel=channel)
        return sent + (self._send_settled(workspace, user, channel, count - sent) if sent < count else 0)

    def _send_settled(self, workspace: str, user: str, channel: str, count: int) -> int:
        now = self.clock.now()
        with self.store.begin(workspace) as tx:
            chosen = thinnest(_candidates(tx, user, channel), count)
            for post in chosen:
                _invite(tx, post, user, channel, now, {"assigner": "settled", "propensity": 1.0})
        return len(chosen)


def _invite(tx: Transaction, post: Post, user: str, channel: str, now: datetime, why: Mapping[str, object]) -> bool:
    """Queue an invitation to judge a post, which records why it was chosen; False if this person was invited before."""
    invitation = Invitation(key("invite", post.id, user), post.id, user, channel, now)
    if not tx.posts.invite(invitation):
        return False
    payload = {"invitation_id": invitation.id, "post_id": post.id, **why}
    tx.outbox.add([Delivery(invitation.id, DeliveryKind.INVITE, channel, payload, now, now)])
    return True


def _judged(tx: Transaction, user: str, round_: Round) -> set[str]:
    """Return the ids of this round's posts that the trainer has voted on, tallied or not."""
    votes, tags = tx.ledger.votes_in_round(round_.number), tx.workspaces.tags()
    for place in tx.ledger.untallied(_RECENT):
        post = tx.posts.at(*place)
        if post is not None:
            votes.setdefault(post.id, []).extend(votes_on(tx, post, tags))
    return {post_id for post_id, given in votes.items() if any(vote.user == user for vote in given)}


def _unanswered(tx: Transaction, user: str, channel: str, round_: Round, judged: set[str]) -> int:
    here = [post.id for post in tx.posts.in_round(round_.number) if post.channel == channel]
    here += [one.post_id for one in tx.posts.invitations(user=user) if one.created_at >= round_.opened_at]
    return len(set(here) - judged)


def _candidates(tx: Transaction, user: str, channel: str = "") -> list[Candidate]:
    """Return this round's posts in Slack, outside of `channel`, that a trainer has neither judged nor been sent."""
    round_ = open_round(tx)
    known = _judged(tx, user, round_) | {one.post_id for one in tx.posts.invitations(user=user)}
    posts = [
        post
        for post in tx.posts.in_round(round_.number)
        if post.ts and post.id not in known and post.channel != channel
    ]
    # A tag request stays in its thread: it may come from a private channel.
    articles = tx.articles.get({post.article_id for post in posts})
    posts = [post for post in posts if articles[post.article_id].asked_in is None]
    verdicts = tx.verdicts.latest(post.id for post in posts)
    return [Candidate(post, verdicts.get(post.id)) for post in posts]


def judge_next(tx: Transaction, user: str) -> list[Post]:
    """Return those of a trainer's candidates that still need an opinion, the most needed first."""
    return most_needed(_candidates(tx, user))
