"""Tells the admins once about feeds that take more processor time or memory than a feed may; they are tried again later."""

from dataclasses import replace

from tierbot.domain.articles.feeds import FeedResult
from tierbot.use_cases.delivery.direct_messages import DirectMessages
from tierbot.use_cases.ports import Clock, Store

_MOST_NAMED = 10  # feeds in a message


def tell_of_costly_feeds(store: Store, clock: Clock, messages: DirectMessages, workspace: str) -> None:
    """Write one message about all such feeds that the admins don't know of; after a crash, the next poll does it."""
    now = clock.now()
    with store.read(workspace) as tx:
        found = [one for one in tx.feeds.all() if one.memory.costly and not one.memory.told]
    if not found:
        return
    named = [
        {"url": one.feed.url, "problem": (one.problem or "").removeprefix(f"{one.feed.url}: ")}
        for one in found[:_MOST_NAMED]
    ]
    news = {"kind": "costly_feeds", "feeds": named, "more": len(found) - len(named)}
    about = ("costly feeds", *(one.feed.url for one in found), now.date().isoformat())
    told = messages.to_admins(workspace, news, *about)
    with store.begin(workspace) as tx:
        for one in found:
            known = FeedResult(one.feed, (), replace(one.memory, told=True), one.problem, one.notes)
            tx.feeds.polled(known, one.polled_at or now, 0)
        tx.outbox.add(told)
