"""The watch over the game: once a day the votes are searched for those who play it instead of judging.

What is found is in force at once (see doubts.py) and told to the admins, once each, with its evidence and how to
overrule it. Nobody is shut out and no score is touched.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from tierbot.domain.feedback.suspicion import Suspicion, Watch
from tierbot.domain.nouns import Post, ReactionEvent, TierbotError, key
from tierbot.use_cases.loop import Loop, log
from tierbot.use_cases.people.doubts import Doubt, doubt_of, doubts, renew
from tierbot.use_cases.ports import (
    Chat,
    ChatUnavailableError,
    Delivery,
    DeliveryKind,
    Due,
    RateLimitedError,
    Transaction,
)
from tierbot.use_cases.voting.settlement import MOST_POSTS, ROUNDS

JOB = "watch"
EVERY = timedelta(days=1)
_MOST_TOLD, _MOST_NEWS = 10, 10


class SuspicionWatch:
    """A job of the scheduler's, in any workspace."""

    def __init__(self, chats: Callable[[str], Chat], admins: Callable[[str], Sequence[str]]) -> None:
        """`admins` lists the user ids to tell in a workspace."""
        self._chats = chats
        self._admins = admins

    def __call__(self, loop: Loop, workspace: str, due: Due) -> None:  # noqa: ARG002 - jobs share one signature
        """Look, keep what was found, tell the admins what is new."""
        now = loop.clock.now()
        with loop.store.read(workspace) as tx:
            found, known = suspicions_in(tx), {one.id for one in doubts(tx)}
        fresh = [one for one in (doubt_of(suspicion, now) for suspicion in found) if one.id not in known]
        messages = list(self._messages(loop, workspace, fresh)) if fresh else []
        with loop.store.begin(workspace) as tx:
            renew(tx, found, now)
            tx.outbox.add(messages)
            tx.agenda.set(Due(JOB, now + EVERY, now))

    def _messages(self, loop: Loop, workspace: str, fresh: Sequence[Doubt]) -> Iterator[Delivery]:
        now, news = loop.clock.now(), news_of(fresh, loop.settings.aggregator)
        for user in self._told(workspace):
            try:
                channel = self._chats(workspace).direct(user)
            except (RateLimitedError, ChatUnavailableError):
                raise  # the scheduler tries the whole again
            except TierbotError as fault:
                log.info("%s cannot be told of doubts: %s", user, fault)
                continue
            delivery_id = key("doubts", user, *(one.id for one in fresh), now.date().isoformat())
            yield Delivery(delivery_id, DeliveryKind.ANNOUNCE, channel, news, now, now)

    def _told(self, workspace: str) -> Sequence[str]:
        try:
            return list(self._admins(workspace))[:_MOST_TOLD]
        except TierbotError as fault:
            log.warning("The admins cannot be listed, so nobody is told of doubts: %s", fault)
            return ()


def news_of(fresh: Sequence[Doubt], aggregator: str) -> dict[str, Any]:
    """Return what admins are told, for the outbox."""
    return {
        "kind": "doubts",
        "doubts": [asdict(one) for one in fresh[:_MOST_NEWS]],
        "more": max(0, len(fresh) - _MOST_NEWS),
        "halved": aggregator == "plain",
    }


def suspicions_in(tx: Transaction, watch: Watch | None = None) -> list[Suspicion]:
    """Search the votes of the open round and the four before it."""
    posts = recent_posts(tx)
    votes = {post_id: given for post_id, given in tx.ledger.votes([post.id for post in posts]).items() if given}
    voted = [post for post in posts if post.id in votes]
    return (watch or Watch()).suspicions(voted, votes, _events(tx, voted))


def recent_posts(tx: Transaction) -> list[Post]:
    """Return the posts of the open round and the four before it, the newest first and not too many."""
    current = tx.rounds.current()
    newest = current.number if current else 0
    posts: list[Post] = []
    for number in range(newest, max(0, newest - ROUNDS), -1):
        posts += tx.posts.in_round(number)[::-1][: MOST_POSTS - len(posts)]
    return posts


def _events(tx: Transaction, posts: Sequence[Post]) -> Iterator[ReactionEvent]:
    for post in posts:
        if post.ts is not None:
            yield from tx.ledger.events(post.channel, post.ts)
