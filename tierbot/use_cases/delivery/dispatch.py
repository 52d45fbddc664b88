"""Sends the outbox: every row once, even across a crash.

A row is claimed in one transaction, sent outside of any, and marked done in another. A row that may have been sent is
looked up first (look_up.py). A process whose claim has expired writes nothing about the row, and starts no call that could
outlast the claim. A 429 holds back rows of the same kind in that workspace, or look-ups; nothing else waits. Rows for
a channel that is closed to the bot wait for that channel (channels.py). Messages are paced by channel, as Slack limits them.
Those to one person are few and go at once: Slack allows short bursts.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from tierbot.domain.feedback.votes import named_by_menu
from tierbot.domain.nouns import Arm, Post, TierbotError, key
from tierbot.logs import bound
from tierbot.use_cases.delivery.channels import close_channel, closes, reopen_channel
from tierbot.use_cases.delivery.contents import prefilled
from tierbot.use_cases.delivery.look_up import MAYBE_SENT, afresh, after_page, after_wait, span_of
from tierbot.use_cases.ports import (
    LOOK_UP,
    SEARCHABLE,
    Chat,
    ChatError,
    ChatUnavailableError,
    Clock,
    Delivery,
    DeliveryKind,
    Job,
    PostView,
    RateLimitedError,
    Search,
    Store,
    Transaction,
)

log = logging.getLogger(__name__)

NOT_INSTALLED = "not_installed"
"""The code of the ChatError for a workspace where the app is not installed."""

EMOJI_MISSING = "emoji_missing"
"""The job that tells admins about missing emoji."""

_LEASE = timedelta(seconds=60)  # then another process may claim it
_CALLS = timedelta(seconds=30)  # the longest a delivery takes: two calls of 15 s, with and without the picture
_BACKOFF = (1, 5, 30, 120, 600)  # seconds between attempts while Slack does not answer
_FIXING = 60  # seconds between attempts while a person has to fix something
_TO_BE_FIXED = frozenset(  # the row is fine: it is sent once the workspace accepts messages again
    {"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", NOT_INSTALLED}
)
_NOT_INSTALLED = frozenset({"token_revoked", "account_inactive"})  # Slack may or may not have sent an event about it
_MOST_FAULTS = 5
_LOOKING = "It may have been sent; tierbot is looking for it in Slack."
_SENDS_A_MESSAGE = (DeliveryKind.POST, DeliveryKind.ANNOUNCE, DeliveryKind.INVITE)  # the same method, so the same pace
_TAKEN_OVER = "%s %s took so long that another process has claimed it; this result is discarded."

Draw = Callable[[Mapping[str, Any]], bytes]


@dataclass(eq=False)
class Dispatcher:
    """Sends the due rows of a workspace's outbox, at Slack's pace."""

    store: Store
    chats: Callable[[str], Chat]
    clock: Clock
    draw: Draw  # turns a picture's payload into a PNG, or raises TierbotError
    pause: timedelta  # after each message to a channel
    # Called with each workspace whose token Slack refuses, and Slack's error.
    shut_out: Callable[[str, str], None] = lambda *_: None

    def deliver(self, workspace: str) -> bool:
        """Send or look up the next due delivery; return whether there was one."""
        now = self.clock.now()
        with self.store.begin(workspace) as tx:
            claimed = tx.outbox.claim(now, now + _LEASE, limit=1)
        for delivery in claimed:
            with bound(workspace=workspace, delivery=delivery.id):
                self._attempt(workspace, delivery, _Attempt(now, now + _LEASE, delivery))
        return bool(claimed)

    def _attempt(self, workspace: str, delivery: Delivery, attempt: "_Attempt") -> None:
        try:
            if delivery.search is None:
                self._try(workspace, delivery, attempt)
            else:
                self._look_up(workspace, delivery, delivery.search, attempt)
        except ChatError as fault:
            self._refused(workspace, delivery, fault)
        except Exception as fault:
            # A bug of ours. If this row causes it, the others must not wait behind it forever.
            log.exception("Delivery %s (%s) failed.", delivery.id, delivery.kind)
            if attempt.failures >= _MOST_FAULTS:
                self._park(workspace, delivery, type(fault).__name__, fault, attempt.tried)
            else:
                self._put_off(workspace, delivery, attempt.backoff, fault, attempt.tried, attempt.failures)

    def _try(self, workspace: str, delivery: Delivery, attempt: "_Attempt") -> None:
        try:
            result = self._send(workspace, delivery, attempt.latest)
        except RateLimitedError as fault:
            pace = _same_pace(delivery.kind)
            self._put_off(workspace, delivery, fault.retry_after, fault, failures=delivery.failures, hold=pace)
        except ChatUnavailableError as fault:
            self._put_off(workspace, delivery, attempt.backoff, fault, attempt.tried, attempt.failures)
        else:
            self._done(workspace, delivery, result)

    def _look_up(self, workspace: str, delivery: Delivery, search: Search, attempt: "_Attempt") -> None:
        """Look at one page of the history, and record the message or where to continue."""
        chat, thread = self.chats(workspace), self._thread(workspace, delivery)
        try:
            page = chat.find(delivery.channel, delivery.id, span_of(search), thread, search.cursor)
        except RateLimitedError as fault:
            self._held_up(workspace, delivery, search, fault.retry_after, fault, delivery.failures, hold=(LOOK_UP,))
            return
        except ChatUnavailableError as fault:
            self._held_up(workspace, delivery, search, attempt.backoff, fault, attempt.failures)
            return
        except ChatError as fault:
            if fault.code != "invalid_cursor":
                raise
            following: Search | None = replace(search, cursor=None)
        else:
            if page.ts is not None:
                self._done(workspace, delivery, page.ts)
                return
            following = after_page(search, page.cursor)
        # If it isn't there, it surely wasn't sent: the next claim sends it.
        now, says = self.clock.now(), _LOOKING if following else ""
        with self.store.begin(workspace) as tx:
            if not tx.outbox.retry(delivery, now, says, search=following, failures=search.failures):
                log.warning(_TAKEN_OVER, delivery.kind, delivery.id)

    def _held_up(
        self,
        workspace: str,
        delivery: Delivery,
        search: Search,
        seconds: float,
        fault: Exception,
        failures: int,
        *,
        hold: tuple[str, ...] = (),
    ) -> None:
        """Continue the search after `seconds`, or park the delivery: it may have been sent, so it isn't sent again."""
        following = after_wait(search, seconds)
        if following is None:
            self._park(workspace, delivery, MAYBE_SENT, fault, afresh(search))
        else:
            self._put_off(workspace, delivery, seconds, fault, following, failures, hold=hold)

    def _refused(self, workspace: str, delivery: Delivery, fault: ChatError) -> None:
        """Retry without counting an attempt if someone can fix the cause; park what Slack will never accept."""
        if fault.code in _TO_BE_FIXED:
            log.warning("%s %s waits %d s: %s", delivery.kind, delivery.id, _FIXING, fault)
            self._put_off(
                workspace, delivery, _FIXING, fault, delivery.search, hold=(*_same_pace(delivery.kind), LOOK_UP)
            )
            if fault.code in _NOT_INSTALLED:
                self.shut_out(workspace, fault.code)
        elif closes(delivery.channel, fault.code):
            now = self.clock.now()
            with self.store.begin(workspace) as tx:
                if not tx.outbox.retry(delivery, now, str(fault), search=delivery.search):
                    log.warning(_TAKEN_OVER, delivery.kind, delivery.id)
                elif delivery.channel not in tx.outbox.waiting_by_channel():
                    log.info("%s %s follows its channel to a new id.", delivery.kind, delivery.id)
                elif close_channel(tx, delivery.channel, fault.code, now):
                    log.warning("Messages for %s wait: %s", delivery.channel, fault)
        else:
            self._park(workspace, delivery, fault.code, fault, delivery.search)

    def _send(self, workspace: str, delivery: Delivery, latest: datetime) -> str | None:
        """Send it. Starts no call after `latest`, when another process might claim it."""
        chat, thread = self.chats(workspace), self._thread(workspace, delivery)
        if delivery.payload.get("below") and thread is None:
            return None  # what it belongs below was not sent
        if delivery.kind is DeliveryKind.PICTURE:
            try:
                png = self.draw(delivery.payload)
            except TierbotError as fault:  # drawing again would fail again
                raise ChatError("not_drawn", str(fault)) from fault
            self._check(latest)
            said = delivery.payload
            return chat.picture(delivery.channel, png, str(said["title"]), str(said["alt"]), delivery.id)
        self._check(latest)
        if delivery.kind in (DeliveryKind.ANNOUNCE, DeliveryKind.THANK):
            return None if self._is_stale(delivery) else _say(chat, delivery, thread)
        view = self._view(workspace, delivery)
        if delivery.kind in _SENDS_A_MESSAGE:
            here = replace(view.post, channel=delivery.channel)
            return chat.post(replace(view, post=here, thread=thread), delivery.id)
        ts = delivery.payload.get("ts") or view.post.ts
        if ts is None:
            raise ChatUnavailableError(f"Post {view.post.id} is not in Slack yet.")
        if delivery.kind is DeliveryKind.UPDATE:
            chat.revise(replace(view, post=replace(view.post, channel=delivery.channel, ts=str(ts))))
        else:
            chat.react(delivery.channel, str(ts), str(delivery.payload["emoji"]))
        return None

    def _thread(self, workspace: str, delivery: Delivery) -> str | None:
        """Return the ts of the message that a delivery is a reply to, None if it isn't a reply or that wasn't sent."""
        if (below := delivery.payload.get("below")) is None:
            return delivery.payload.get("thread")
        with self.store.read(workspace) as tx:
            return tx.outbox.result(str(below))

    def _is_stale(self, delivery: Delivery) -> bool:
        """Return whether an announcement has expired: a nudge must not slip into quiet hours."""
        expires_at = delivery.payload.get("expires_at")
        return expires_at is not None and self.clock.now() > datetime.fromisoformat(expires_at)

    def _check(self, latest: datetime) -> None:
        if self.clock.now() > latest:
            raise ChatUnavailableError("Getting ready to send took too long; it will be retried.")

    def _view(self, workspace: str, delivery: Delivery) -> PostView:
        with self.store.read(workspace) as tx:
            post = _post_of(tx, delivery.payload)
            article = tx.articles.get([post.article_id]).get(post.article_id) if post else None
            tags = tx.workspaces.tags()
            # Menu votes are stored at the post's own place, wherever they were given.
            given = tx.ledger.current(post.channel, post.ts) if post and post.ts else []
            without_vote = tx.reactors.without_vote() if given else set()
        if post is None or article is None:
            raise ChatError("post_gone", f"The post of delivery {delivery.id} is no longer in the database.")
        shown = None if post.arm is Arm.BLANK else post.shown_tag
        return PostView(post, article, tags, shown, named_by_menu(one for one in given if one.user not in without_vote))

    def _done(self, workspace: str, delivery: Delivery, result: str | None) -> None:
        now = self.clock.now()
        with self.store.begin(workspace) as tx:
            if not tx.outbox.done(delivery, result, now):
                log.warning(_TAKEN_OVER, delivery.kind, delivery.id)  # the process that claimed it finds the message
                return
            if delivery.kind is DeliveryKind.POST and result is not None:
                tx.posts.sent(str(delivery.payload["post_id"]), result, now)
                # Colleagues may have reacted to a message that is found only now, before its channel's id changed.
                if delivery.search is not None and (post := _post_of(tx, delivery.payload)):
                    tx.channels.gather(post.channel, result)
            if delivery.kind is DeliveryKind.INVITE and result is not None:
                _invited(tx, delivery, result, now)
            if delivery.search is not None:
                return  # it was sent earlier, so this says nothing about the channel or the pace
            if delivery.kind in SEARCHABLE:
                reopen_channel(tx, delivery.channel, now)
            for kind in () if is_direct(delivery.channel) else _same_pace(delivery.kind):
                tx.outbox.hold(kind, now + self.pause, delivery.channel)

    def _park(
        self, workspace: str, delivery: Delivery, code: str, fault: Exception, search: Search | None = None
    ) -> None:
        log.warning("Delivery %s (%s) is parked: %s: %s", delivery.id, delivery.kind, code, fault)
        with self.store.begin(workspace) as tx:
            if not tx.outbox.park(delivery, f"{code}: {fault}", search):
                log.warning(_TAKEN_OVER, delivery.kind, delivery.id)
            elif delivery.kind is DeliveryKind.PREFILL and code == "invalid_name":
                _missing(tx, str(delivery.payload["emoji"]), self.clock.now())

    def _put_off(
        self,
        workspace: str,
        delivery: Delivery,
        seconds: float,
        fault: Exception,
        search: Search | None = None,
        failures: int = 0,
        *,
        hold: tuple[str, ...] = (),
    ) -> None:
        """Try again after `seconds`. `search`: set if it may have been sent. `hold`: the kinds that wait until then."""
        until = self.clock.now() + timedelta(seconds=seconds)
        with self.store.begin(workspace) as tx:
            if not tx.outbox.retry(delivery, until, str(fault), search=search, failures=failures):
                log.warning(_TAKEN_OVER, delivery.kind, delivery.id)
            for kind in hold:
                tx.outbox.hold(kind, until)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One attempt at a delivery, from its claim until the claim ends."""

    began: datetime
    ends: datetime
    delivery: Delivery

    @property
    def failures(self) -> int:
        """Return how many attempts in a row have failed if this one does."""
        return self.delivery.failures + 1

    @property
    def latest(self) -> datetime:
        """Return the latest time at which a call may start."""
        return self.ends - _CALLS

    @property
    def backoff(self) -> float:
        """Return the number of seconds until the next attempt."""
        return _BACKOFF[min(self.delivery.failures, len(_BACKOFF) - 1)]

    @property
    def tried(self) -> Search | None:
        """Return the search to make if this attempt has an unknown outcome."""
        unknown = self.delivery.search or Search(self.began, self.ends, failures=self.failures)
        return unknown if self.delivery.kind in SEARCHABLE else None


def _say(chat: Chat, delivery: Delivery, thread: str | None) -> str | None:
    """Post an announcement to the channel or a thread in it, or show it to one person."""
    if delivery.kind is DeliveryKind.ANNOUNCE:
        return chat.announce(delivery.channel, delivery.payload, delivery.id, thread)
    try:
        chat.whisper(delivery.channel, str(delivery.payload["user"]), delivery.payload)
    except ChatError as fault:
        if fault.code in _TO_BE_FIXED or closes(delivery.channel, fault.code):
            raise
        log.info("%s was not thanked for a late vote: %s", delivery.payload["user"], fault)  # they may have left
    return None


def _post_of(tx: Transaction, payload: Mapping[str, Any]) -> Post | None:
    """Return the post that a delivery is about; None if it, or the invitation to judge it, is gone."""
    if "invitation_id" not in payload:
        return tx.posts.get(payload["post_id"])
    invitation = tx.posts.invitation(payload["invitation_id"])
    return tx.posts.get(invitation.post_id) if invitation else None


def _invited(tx: Transaction, sent: Delivery, ts: str, now: datetime) -> None:
    """Record where an invitation is in Slack, and queue its pre-fills."""
    tx.posts.invited(sent.payload["invitation_id"], ts, now)
    post = _post_of(tx, sent.payload)
    if post is None:
        return
    tx.outbox.add(
        Delivery(
            key("prefill", sent.id, name),
            DeliveryKind.PREFILL,
            sent.channel,
            {"post_id": post.id, "emoji": name, "ts": ts},
            now,
            now,
        )
        for name in prefilled(post, tx.workspaces.tags())
    )


def _missing(tx: Transaction, emoji: str, now: datetime) -> None:
    """Request a message to the admins about a missing emoji, unless they know already."""
    if tx.workspaces.get() is None or not tx.workspaces.emoji_missing(emoji):
        return
    unclaimed = (job for job in tx.agenda.all() if job.kind == EMOJI_MISSING and job.claimed_by is None)
    if (job := next(unclaimed, None)) is not None:  # several missing emoji share one message
        tx.agenda.left(job.id, {"names": [*job.payload.get("names", ()), emoji]})
    else:
        tx.agenda.ask(Job.request(EMOJI_MISSING, key(EMOJI_MISSING, emoji, now), now, names=[emoji]))


def is_direct(channel: str) -> bool:
    """Return whether a channel is a conversation with one person."""
    return channel.startswith("D")


def _same_pace(kind: DeliveryKind) -> tuple[DeliveryKind, ...]:
    return _SENDS_A_MESSAGE if kind in _SENDS_A_MESSAGE else (kind,)
