"""Reconciliation: compares Slack with the ledger, newest posts first, within Slack's rate limits.

A sweep covers all open messages in slices. When a rate limit, a missing answer or the end of a slice stops it, the job's row
stores where to resume, so no thread sleeps and a restart loses nothing.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tierbot.domain.feedback.reconciliation import missed_events
from tierbot.use_cases.current_votes import Place
from tierbot.use_cases.delivery.channels import NOT_FOUND, close_channel
from tierbot.use_cases.people.personal_data import not_voters
from tierbot.use_cases.ports import Chat, ChatError, ChatUnavailableError, Clock, RateLimitedError, Store

log = logging.getLogger(__name__)

_SLICE = 50  # messages; about as many reactions.get calls as Slack allows in a minute
_TIRED = 3  # unanswered calls in a row before a rest
_REST = 30.0  # seconds
_MOST_AGAIN = 500  # unanswered messages to come back to
WITHOUT_METHOD = frozenset({"unknown_method", "missing_scope", "method_deprecated", "no_permission", "access_denied"})
SHUT_OUT = frozenset({"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"})


@dataclass(frozen=True, slots=True)
class Sweep:
    """The result of a slice: events found, and if there is more, in how many seconds and from where to continue."""

    found: int
    again_in: float | None = None
    resume: Mapping[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class Reconciler:
    """Compares the open messages of any workspace with Slack: those sent within `open_for`, with a `pause` for each."""

    store: Store
    chats: Callable[[str], Chat]
    clock: Clock
    open_for: timedelta
    pause: timedelta
    _warned: set[str] = field(default_factory=set, init=False)

    def sweep(self, workspace: str, resume: Mapping[str, Any] | None = None) -> Sweep:
        """Compare one slice of messages, the newest, or from where `resume` (of the last Sweep) says."""
        run = self._run(workspace, resume or {})
        chat = self.chats(workspace)
        for channel, ts in run.places:
            if channel not in run.shut:
                try:
                    run.found += self._compare(workspace, chat, channel, ts)
                    run.unanswered = 0
                except RateLimitedError as fault:
                    return run.stopped(fault.retry_after)
                except ChatUnavailableError as fault:
                    log.info("Message %s in %s could not be compared with Slack: %s", ts, channel, fault)
                    run.failed(channel, ts)
                except ChatError as fault:
                    if not self._goes_on(workspace, channel, ts, fault, run):
                        return Sweep(run.found)
            run.passed += 1
            if run.unanswered >= _TIRED:
                return run.stopped(_REST)
        if run.later:
            return run.stopped(self.pause.total_seconds() * len(run.places))
        return run.stopped(_REST) if run.again else Sweep(run.found)

    def _goes_on(self, workspace: str, channel: str, ts: str, fault: ChatError, run: "_Run") -> bool:
        if fault.code in WITHOUT_METHOD:
            if workspace not in self._warned:
                self._warned.add(workspace)
                log.warning("Reactions missed while tierbot is down cannot be found: %s", fault)
            return False
        log.warning("Messages in %s cannot be compared with Slack: %s", channel, fault)
        run.shut.add(channel)
        if fault.code == NOT_FOUND:  # perhaps it has another id now
            with self.store.begin(workspace) as tx:
                if tx.posts.at(channel, ts) is not None:  # it hasn't followed its channel to that id meanwhile
                    close_channel(tx, channel, fault.code, self.clock.now())
        return fault.code not in SHUT_OUT

    def _run(self, workspace: str, resume: Mapping[str, Any]) -> "_Run":
        since = self.clock.now() - self.open_for
        with self.store.read(workspace) as tx:
            found = {(post.channel, post.ts) for post in tx.posts.open(since) if post.ts}
            found |= {(one.channel, one.ts) for one in tx.posts.invitations(since=since) if one.ts}
        below = (str(resume.get("ts", "~")), str(resume.get("channel", "")))  # "~" sorts after every digit
        again = [(str(channel), str(ts)) for channel, ts in resume.get("again", ())]
        fresh = sorted((place for place in found if place[::-1] < below), key=lambda place: place[::-1], reverse=True)
        if fresh:
            return _Run(fresh[:_SLICE], below, later=len(fresh) > _SLICE, again=again)
        left = [place for place in again if place in found]
        return _Run(left[:_SLICE], below, later=len(left) > _SLICE, again=left[_SLICE:], second=True)

    def _compare(self, workspace: str, chat: Chat, channel: str, ts: str) -> int:
        started_at = self.clock.now()
        counts = chat.reactions(channel, ts)
        if counts is None:
            return 0  # deleted in Slack: its votes stay
        with self.store.begin(workspace) as tx:
            gone, without_vote = not_voters(tx), tx.reactors.without_vote()

            def counts_for(user: str) -> bool:
                return user not in without_vote and not gone(user)

            missed = missed_events(
                channel,
                ts,
                [event for event in tx.ledger.current(channel, ts) if counts_for(event.user)],
                [(one.name, filter(counts_for, one.users), one.complete) for one in counts],
                started_at,
            )
            return sum(tx.ledger.append(event) for event in missed)


@dataclass(slots=True)
class _Run:
    """A running slice: its messages, where it began, and messages to retry. `second`: it retries messages."""

    places: list[Place]
    below: Place
    later: bool
    again: list[Place]
    second: bool = False
    found: int = 0
    passed: int = 0
    unanswered: int = 0
    shut: set[str] = field(default_factory=set)

    def failed(self, channel: str, ts: str) -> None:
        """Retry an unanswered message once; the next sweep covers it anyway."""
        self.unanswered += 1
        if not self.second and len(self.again) < _MOST_AGAIN:
            self.again.append((channel, ts))

    def stopped(self, wait: float) -> Sweep:
        """Return how to continue after `wait` seconds, below the last message compared."""
        left = [*self.places[self.passed :], *self.again] if self.second else self.again
        if not self.second and self.passed:
            self.below = self.places[self.passed - 1][::-1]
        ts, channel = self.below
        return Sweep(self.found, wait, {"ts": ts, "channel": channel, "again": [list(place) for place in left]})


def reconcile_soon(store: Store, clock: Clock, workspace: str, after: datetime | None = None) -> None:
    """Make a reconciliation due now, or `after` a time: something may have been missed until then."""
    now = clock.now()
    with store.begin(workspace) as tx:
        tx.agenda.plan("reconcile", max(now, after or now))
