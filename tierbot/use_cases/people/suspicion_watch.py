"""Searches the votes once a day for people who play the game instead of judging.

A doubt takes effect immediately (see doubts.py), and admins get one message with the evidence and how to overrule it.
Nobody
is excluded, and no score changes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from tierbot.domain.feedback.suspicion import Suspicion, Watch
from tierbot.domain.nouns import Post, ReactionEvent
from tierbot.use_cases.delivery.direct_messages import DirectMessages
from tierbot.use_cases.people.doubts import doubt_of, renew
from tierbot.use_cases.ports import Clock, Doubt, Job, Store, Transaction
from tierbot.use_cases.recent_posts import recent_posts

JOB = "watch"
_MOST_NEWS = 10


def watch_votes(store: Store, clock: Clock, messages: DirectMessages, rule: str, workspace: str, _: Job) -> None:
    """Search the votes, store the doubts, tell the admins about new ones. The `rule` in force determines their effect."""
    now = clock.now()
    with store.read(workspace) as tx:
        found, known = suspicions_in(tx), {one.id for one in tx.doubts.all()}
    fresh = [one for one in (doubt_of(suspicion, now) for suspicion in found) if one.id not in known]
    about = ("doubts", *(one.id for one in fresh), now.date().isoformat())
    told = messages.to_admins(workspace, _news_of(fresh, rule), *about) if fresh else []
    with store.begin(workspace) as tx:
        renew(tx, found, now)
        tx.outbox.add(told)


def _news_of(fresh: Sequence[Doubt], rule: str) -> dict[str, Any]:
    return {
        "kind": "doubts",
        "doubts": [{**asdict(one), "noticed_at": one.noticed_at.isoformat()} for one in fresh[:_MOST_NEWS]],
        "more": max(0, len(fresh) - _MOST_NEWS),
        "halved": rule == "plain",
    }


def suspicions_in(tx: Transaction) -> list[Suspicion]:
    """Search the votes on recent posts."""
    posts = recent_posts(tx)
    votes = {post_id: given for post_id, given in tx.ledger.votes([post.id for post in posts]).items() if given}
    voted = [post for post in posts if post.id in votes]
    return Watch().suspicions(voted, votes, _events(tx, voted))


def _events(tx: Transaction, posts: Sequence[Post]) -> Iterator[ReactionEvent]:
    for post in posts:
        if post.ts is not None:
            yield from tx.ledger.events_by_voters(post.channel, post.ts)
