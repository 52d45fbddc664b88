"""What a post puts into the outbox: its message, the emoji pre-filled on it, and the revisions that follow menu votes."""

from datetime import datetime
from functools import partial

from tierbot.domain.nouns import Arm, Post, Thread, key
from tierbot.domain.tags import TagSpace
from tierbot.use_cases.current_votes import cursor_of, places_of
from tierbot.use_cases.ports import Delivery, DeliveryKind, Transaction

_PREFILLS = {Arm.BASIC: ("+1", "-1", "confused"), Arm.BLANK: ()}


def deliveries_of(post: Post, tags: TagSpace, due_at: datetime, thread: Thread | None = None) -> list[Delivery]:
    """Return the deliveries of a post: the message, in a thread if one is given, then its pre-fills."""
    delivery = partial(Delivery, channel=post.channel, created_at=post.created_at, due_at=due_at)
    message = {"post_id": post.id, "thread": thread.ts} if thread else {"post_id": post.id}
    prefills = (
        delivery(key("prefill", post.id, name), DeliveryKind.PREFILL, payload={"post_id": post.id, "emoji": name})
        for name in prefilled(post, tags)
    )
    return [delivery(key("post", post.id), DeliveryKind.POST, payload=message), *prefills]


def prefilled(post: Post, tags: TagSpace) -> tuple[str, ...]:
    """Return the emoji that are pre-filled on a post, by its arm."""
    return _PREFILLS.get(post.arm, (tags[post.shown_tag].short_name,))


def revisions_of(tx: Transaction, post: Post, now: datetime) -> list[Delivery]:
    """Return deliveries that update a post's messages with the votes when sent, except where one already waits."""
    waiting = {(one.channel, one.payload["ts"]) for one in tx.outbox.waiting(DeliveryKind.UPDATE, post.id)}
    cursor = cursor_of(tx, post)
    return [
        Delivery(
            key("update", channel, ts, cursor), DeliveryKind.UPDATE, channel, {"post_id": post.id, "ts": ts}, now, now
        )
        for channel, ts in places_of(tx, post)
        if (channel, ts) not in waiting
    ]
