"""Looks for a message that may have been sent, one page of the channel's history at a time.

An attempt to send it may have ended without an answer: a crash, a timeout, a 5xx. Until Slack's history shows whether the
message is there, it isn't sent again. The place of the search is in the outbox row, so a rate limit or a restart continues
it where it stopped. First come the seconds after the attempt began, then everything from two minutes before it, because
Slack stamps messages with its own clock.
"""

from dataclasses import replace
from datetime import timedelta

from tierbot.use_cases.ports import Search, Span

GIVE_UP_AFTER = timedelta(minutes=30)
"""How long Slack may hold one search up in all: thirty pages at one call a minute.

Then the delivery is parked, never sent: it can't be there twice, and it isn't lost. An admin sees it in
`tierbot outbox list`, and `retry` starts the search again.
"""

MAYBE_SENT = "maybe_sent"
"""The error of a delivery that was parked because it wasn't found in time."""

_BEFORE, _AFTER = timedelta(seconds=5), timedelta(seconds=20)  # Slack answers within 15 s, or not at all
_CLOCK_SKEW = timedelta(minutes=2)


def span_of(search: Search) -> Span:
    """Return the part of the history to look at now, by Slack's clock."""
    if search.wide:
        return search.since - _CLOCK_SKEW, search.until + _CLOCK_SKEW
    return search.since - _BEFORE, search.since + _AFTER


def after_page(search: Search, cursor: str | None) -> Search | None:
    """Return where to continue after a page without the message; None if the message isn't there."""
    if cursor is not None:
        return replace(search, cursor=cursor)
    return None if search.wide else replace(search, wide=True, cursor=None)


def after_wait(search: Search, seconds: float) -> Search | None:
    """Return the search after Slack held it up for `seconds`; None if it is time to give up."""
    waited = search.waited + seconds
    return replace(search, waited=waited) if waited <= GIVE_UP_AFTER.total_seconds() else None


def afresh(search: Search) -> Search:
    """Return the search from its beginning."""
    return Search(search.since, search.until, failures=search.failures)
