"""Sends posts by direct message ("Send me five to judge"): ordinary posts by direct message, chosen for one trainer.

First come posts of this round on which this trainer's vote is expected to be most informative, drawn with a logged
propensity (domain/predict/assignment.py). Reactions in direct messages count as in the channel. When those run out, new
articles are posted to the trainer, and then settled posts with few voters.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from tierbot.domain.feedback.skill import skills
from tierbot.domain.nouns import Post, Round, TierbotError
from tierbot.domain.predict import assignment
from tierbot.domain.predict.assignment import Assigner, Assignment
from tierbot.domain.predict.queue import QueueCandidate, queue, thinnest
from tierbot.use_cases.asking.ask import Ask
from tierbot.use_cases.current_votes import votes_on
from tierbot.use_cases.delivery.dispatch import invitation_of
from tierbot.use_cases.ports import Chat, Clock, Store, Transaction
from tierbot.use_cases.recent_posts import ROUNDS

FIVE = 5
_CONSIDERED = 500  # newest posts that need an opinion

MOST_UNANSWERED = 10
"""Unanswered posts in someone's direct messages beyond which no more are sent."""


class Invitations:
    """Sends trainers posts to judge, in any workspace. Slow: it calls Slack and may embed articles."""

    def __init__(
        self, store: Store, clock: Clock, ask: Ask, minimum: int, chats: Callable[[str], Chat], rng: np.random.Generator
    ) -> None:
        """`minimum` is the number of voters that a verdict needs."""
        self._store = store
        self._clock = clock
        self._ask = ask
        self._chats = chats
        self._rng = rng
        self._assigner = Assigner(minimum=minimum)

    def send(self, workspace: str, user: str, count: int = FIVE) -> int:
        """Queue up to `count` posts for a trainer's direct messages; return how many.

        Raises TierbotError if too many are unanswered there, or Slack opens no conversation.
        """
        channel = self._chats(workspace).direct(user)
        now = self._clock.now()
        with self._store.read(workspace) as tx:
            drawn = self._drawn(tx, user, channel, count)
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
            for one in drawn:
                invitation, delivery = invitation_of(one.post, user, channel, now)
                if one.post.id not in judged and tx.posts.invite(invitation):
                    why = {
                        "post_id": one.post.id,
                        "assigner": self._assigner.version,
                        "gain": round(one.gain, 4),
                        "propensity": one.propensity,
                    }
                    tx.outbox.add([replace(delivery, payload={**delivery.payload, **why})])
                    sent += 1
        sent += self._ask(workspace, count - sent, channel=channel)
        return sent + (self._send_settled(workspace, user, channel, count - sent) if sent < count else 0)

    def _send_settled(self, workspace: str, user: str, channel: str, count: int) -> int:
        now = self._clock.now()
        with self._store.begin(workspace) as tx:
            round_ = _open_round(tx)
            chosen = thinnest(_candidates(tx, user, channel, round_, _judged(tx, user, round_)), count)
            for post in chosen:
                invitation, delivery = invitation_of(post, user, channel, now)
                tx.posts.invite(invitation)
                why = {"post_id": post.id, "assigner": "settled", "propensity": 1.0}
                tx.outbox.add([replace(delivery, payload={**delivery.payload, **why})])
        return len(chosen)

    def _drawn(self, tx: Transaction, user: str, channel: str, count: int) -> list[Assignment]:
        """Draw posts of this round for a trainer."""
        round_ = _open_round(tx)
        known = _candidates(tx, user, channel, round_, _judged(tx, user, round_))[-_CONSIDERED:]
        predictions = tx.posts.predictions(one.post.prediction_id for one in known)
        votes = tx.ledger.votes(one.post.id for one in known)
        tags = tx.workspaces.tags().ids
        candidates = [
            assignment.AssignmentCandidate(
                one.post,
                {tag: predictions[one.post.prediction_id].probabilities.get(tag, 0.0) for tag in tags},
                votes[one.post.id],
                one.verdict,
            )
            for one in known
        ]
        return self._assigner.assign(candidates, count, partial(_skills(tx, round_), user), self._rng)


def _open_round(tx: Transaction) -> Round:
    round_ = tx.rounds.current()
    if round_ is None:
        raise TierbotError("No round is open yet. It opens when the bot starts (`tierbot run`).")
    return round_


def _skills(tx: Transaction, round_: Round) -> Callable[[str, str], float]:
    """Return how well each trainer knows each tag, from the settled posts of the recent rounds."""
    rounds = range(max(1, round_.number - ROUNDS + 1), round_.number + 1)
    votes = {post_id: given for number in rounds for post_id, given in tx.ledger.votes_in_round(number).items()}
    return skills((one.verdict, votes.get(one.post.id, ())) for one in tx.verdicts.settled(rounds=list(rounds)))


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
        post_id
        for post_id, post in fresh.items()
        if any(vote.user == user for vote in votes_on(tx, post, tags, everyone=True))
    }


_RECENT = 500  # messages with events not tallied yet; usually a handful


def _unanswered(tx: Transaction, user: str, channel: str, round_: Round, judged: set[str]) -> int:
    here = [post.id for post in tx.posts.in_round(round_.number) if post.channel == channel]
    here += [one.post_id for one in tx.posts.invitations(user=user) if one.created_at >= round_.opened_at]
    return len(set(here) - judged)


def _candidates(tx: Transaction, user: str, channel: str, round_: Round, judged: set[str]) -> list[QueueCandidate]:
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
    return [QueueCandidate(post, verdicts.get(post.id)) for post in posts]


def judge_next(tx: Transaction, user: str, round_: Round) -> list[Post]:
    """Return this round's posts in Slack that a trainer has not judged and that still need an opinion."""
    everything = _candidates(tx, user, "", round_, _judged(tx, user, round_))
    return queue(everything, len(everything))
