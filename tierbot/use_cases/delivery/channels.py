"""Channels that are closed to the bot (it was removed, they were archived, deleted or made private), and changed ids.

Messages for such a channel wait, without using up attempts. Admins are told once what to do. Slack's events
open a channel again; in case an event is lost, one message is tried each minute.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tierbot.domain.nouns import key
from tierbot.use_cases.delivery.announcing import channel_of
from tierbot.use_cases.delivery.direct_messages import DirectMessages
from tierbot.use_cases.ports import Again, Chat, Clock, ClosedChannel, Job, Store, Transaction

log = logging.getLogger(__name__)

CLOSED, MOVED = "channel_closed", "channel_moved"
"""The jobs that tell admins about a closed channel, and that follow a channel to its new id."""

NOT_FOUND = "channel_not_found"
REASONS = {
    "not_in_channel": "the bot isn't in the channel. Invite it there, or choose another channel with /tier channel",
    "is_archived": "the channel is archived. Unarchive it, or choose another channel with /tier channel",
    NOT_FOUND: (
        "Slack doesn't find the channel: it was deleted, or it is private and the bot isn't in it. Invite the bot there, "
        "or choose another channel with /tier channel"
    ),
    "restricted_action": "a workspace setting keeps the bot from posting there. Change it, or choose another channel",
}
"""Why a channel is closed, by Slack's code, and what to do about it."""

_RESTRICTED = ("restricted_action", "no_access")  # Slack has several codes that begin like the first
_TRY_AGAIN = timedelta(seconds=60)
_MOVED_AT_ONCE = 500  # posts
_LATELY = timedelta(days=60)


def closes(channel: str, code: str) -> bool:
    """Return whether an error of Slack means that a channel is closed to the bot; a direct message never is."""
    return not channel.startswith("D") and (code in REASONS or code.startswith(_RESTRICTED))


def reason_of(code: str) -> str:
    """Return in words why a channel is closed, and what to do."""
    return REASONS.get(code, REASONS["restricted_action"])


def close_channel(tx: Transaction, channel: str, why: str, now: datetime) -> bool:
    """Hold messages for a channel, and have the admins told if the closure or its reason is new; return whether it is.

    A new reason matters, because the id of a channel from which the bot was removed may change: the job that tells the
    admins looks for the new id first.
    """
    known = _known(tx, channel)
    new = known is None or known.why != why
    tx.channels.close(ClosedChannel(channel, why, known.since if known else now, now + _TRY_AGAIN))
    if new:
        tx.agenda.ask(Job.request(CLOSED, key(CLOSED, channel, now), now, channel=channel))
    return new


def _known(tx: Transaction, channel: str) -> ClosedChannel | None:
    return next((one for one in tx.channels.closed() if one.channel == channel), None)


def reopen_channel(tx: Transaction, channel: str, now: datetime) -> bool:
    """Send the messages that wait for a channel, and request a search for missed reactions; return whether it was closed."""
    reopened = tx.channels.open(channel)
    if reopened:
        log.info("Messages for %s are sent again.", channel)
        tx.agenda.plan("reconcile", now)
    return reopened


def waiting_in(tx: Transaction, default_channel: str) -> list[tuple[ClosedChannel, int]]:
    """Return the closed channels that matter, each with how many messages wait for it: the workspace's may have none."""
    waiting, own = tx.outbox.waiting_by_channel(), channel_of(tx, default_channel)
    found = ((one, waiting.get(one.channel, 0)) for one in tx.channels.closed())
    return [(one, count) for one, count in found if count or one.channel == own]


def leave_closed(tx: Transaction, former: str, channel: str) -> None:
    """Send what waits for a closed channel to another one; only replies in its threads stay."""
    if _known(tx, former) is not None:
        tx.outbox.redirect(former, channel)


@dataclass(eq=False)
class ChannelNews:
    """Handles Slack's news about channels. Only the workspace's own channel and those with waiting messages matter."""

    store: Store
    clock: Clock
    default_channel: str

    def closed(self, workspace: str, channel: str, why: str) -> None:
        """Record that the bot can't post in a channel any more; `why` is the code with which Slack would refuse."""
        with self.store.begin(workspace) as tx:
            if channel == channel_of(tx, self.default_channel) or channel in tx.outbox.waiting_by_channel():
                close_channel(tx, channel, why, self.clock.now())

    def opened(self, workspace: str, channel: str) -> None:
        """Record that the bot may be able to post in a channel again."""
        with self.store.begin(workspace) as tx:
            reopen_channel(tx, channel, self.clock.now())

    def changed_id(self, workspace: str, old: str, new: str) -> None:
        """Follow a channel to its new id."""
        with self.store.begin(workspace) as tx:
            request_move(tx, old, new, self.clock.now())


def request_move(tx: Transaction, old: str, new: str, now: datetime) -> None:
    """Have everything that is stored under a channel's old id moved to the new one."""
    tx.agenda.ask(Job.request(MOVED, key(MOVED, old, new, now), now, old=old, new=new))


def move_channel(store: Store, clock: Clock, default_channel: str, workspace: str, job: Job) -> Again | None:
    """Move a channel's messages and posts, with their reactions, to its new id, some at a time."""
    old, new, now = str(job.payload["old"]), str(job.payload["new"]), clock.now()
    with store.begin(workspace) as tx:
        known = tx.workspaces.get()
        if known is not None and known.plays_in(default_channel) == old:
            tx.workspaces.put(replace(known, channel=new))
            tx.workspaces.audit("slack", "change channel id", old, new, now)
        if tx.channels.change_id(old, new, _MOVED_AT_ONCE) == _MOVED_AT_ONCE:
            return Again(now, job.payload)
        tx.channels.open(old)
        tx.channels.open(new)
        tx.agenda.plan("reconcile", now)
    return None


def tell_of_closed_channel(
    store: Store,
    clock: Clock,
    chats: Callable[[str], Chat],
    messages: DirectMessages,
    default_channel: str,
    workspace: str,
    job: Job,
) -> None:
    """Tell the admins what to do about a closed channel, unless it is open again, is unused or has only changed its id."""
    channel, lately = str(job.payload["channel"]), clock.now() - _LATELY
    with store.read(workspace) as tx:
        known, team = _known(tx, channel), tx.workspaces.get()
        waiting = dict(waiting_in(tx, default_channel)).get(known) if known else None
        newest = next((post.ts for post in tx.posts.open(lately) if post.channel == channel and post.ts), None)
    if known is None:
        return
    if known.why == NOT_FOUND and newest is not None:  # the event about its new id may have been lost
        found = chats(workspace).channel_with(newest)
        if found is not None and found != channel:
            with store.begin(workspace) as tx:
                request_move(tx, channel, found, clock.now())
            return
    if waiting is None:
        return
    news = {"kind": CLOSED, "channel": channel, "why": known.why, "waiting": waiting, "bot": team and team.bot_user}
    told = messages.to_admins(workspace, news, CLOSED, channel, known.since)
    with store.begin(workspace) as tx:
        tx.outbox.add(told)
