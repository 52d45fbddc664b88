"""What chaos fails by: the promises, each by name, and the rules that find one broken. No processes here."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_LONGEST_CALL = 30.0  # seconds between the beginning of a comparison and Slack's answer to it
_STORY = re.compile(r"https://n\.example/\d+")


class Promise(StrEnum):
    """What a bot must keep, whatever happens."""

    STORED = "an acknowledged event is in the ledger"
    ONLY_MISSED = "reconciliation finds only what was missed"
    ONCE = "a message is there once"
    ALL_SENT = "every message is sent"
    LEDGER = "the ledger is the colleagues' record"
    VOTES = "the votes are those of the record"


class Broken(AssertionError):  # noqa: N818 - it reads as what happened
    """A promise that was broken."""

    def __init__(self, promise: Promise, details: object) -> None:
        super().__init__(f"{promise.name} doesn't hold ({promise}): {details}")
        self.promise = promise


@dataclass(frozen=True)
class Happened:
    """A reaction by the colleagues' record, and what became of its event; times in seconds since the epoch."""

    ts: str
    user: str
    name: str
    added: bool
    at: float
    became: str
    acked_at: float | None

    def is_missed(self, at: float) -> bool:
        """Say whether the bot had not acknowledged it at this time."""
        return self.acked_at is None or self.acked_at >= at


@dataclass(frozen=True)
class Found:
    """A row of the ledger that reconciliation added; `at` is when that comparison began."""

    ts: str
    user: str
    name: str
    added: bool
    at: float


def happened(
    acts: Iterable[Mapping[str, Any]], events: Iterable[Mapping[str, Any]], left: Mapping[str, float]
) -> list[Happened]:
    """Join the colleagues' record with what became of the events. Raises KeyError for a reaction without one.

    `left` tells when the channel lost which id. An event that says an id that was lost before it was acknowledged counts as
    missed: it is in the ledger, but the post may have moved to the new id by then.
    """
    by_ts = {event["event_ts"]: event for event in events}
    joined = []
    for act in acts:
        if act["act"] in {"react", "unreact"}:
            one, event = act["details"], by_ts[act["details"]["event_ts"]]
            when, added = float(one["event_ts"]), act["act"] == "react"
            fate = event["became"], event["acked_at"]
            if fate[1] is not None and fate[1] >= left.get(one["channel"], fate[1] + 1):
                fate = "acknowledged under a former id", None
            joined.append(Happened(one["ts"], act["user"], one["name"], added, when, *fate))
    return joined


def explained(found: Iterable[Found], record: Iterable[Happened]) -> Counter[str]:
    """Return how many rows were missed events of each kind. Raises Broken for a row that nothing explains.

    A row says that Slack and the ledger differed, so the reaction's last event before Slack answered was missing from the
    ledger. It was dropped, given up or never sent, or it was still on its way. One event explains one row.
    """
    events: defaultdict[tuple[str, str, str], list[Happened]] = defaultdict(list)
    for one in sorted(record, key=lambda one: one.at):
        events[one.ts, one.user, one.name].append(one)
    causes: Counter[str] = Counter()
    left = []
    for row in sorted(found, key=lambda row: row.at):
        own = events[row.ts, row.user, row.name]
        before = [one for one in own if one.at <= row.at]
        candidates = before[-1:] + [one for one in own if row.at < one.at <= row.at + _LONGEST_CALL]
        cause = next((one for one in candidates if one.added == row.added and one.is_missed(row.at)), None)
        if cause is None:
            left.append(f"{row} of {own}")
        else:
            own.remove(cause)
            causes[cause.became if cause.acked_at is None else "on its way"] += 1
    if left:
        raise Broken(Promise.ONLY_MISSED, f"{len(left)} rows, such as {left[:3]}")
    return causes


def content(message: Mapping[str, Any]) -> str:
    """Return what a message says: a post's story, whatever else it shows by now, or else all of it."""
    files = [file["title"] for file in message.get("files", ())]
    shown = f"{message.get('text')} {message.get('blocks')} {files or ''}"
    story = _STORY.search(shown)
    return story[0] if story else shown


def mark_of(message: Mapping[str, Any]) -> str | None:
    """Return the id of the delivery that a message belongs to, by its metadata."""
    metadata = message.get("metadata")
    return str(metadata["event_payload"]["delivery_id"]) if metadata else None


def check_once(places: Mapping[str, Sequence[Mapping[str, Any]]], bot: str, again: int = 0) -> None:
    """Raise Broken if two of the bot's messages have one content or one mark; `places` are channels with their messages.

    Threads are part of their channel. What one person is told may be told to another, and notices of trouble may be repeated
    to one person as often as there was trouble: `again` times, each with a mark of its own.
    """
    said: defaultdict[tuple[str, str], list[str | None]] = defaultdict(list)
    for channel, messages in places.items():
        direct = channel if channel.startswith("D") else ""
        for message in messages:
            if message.get("user") == bot:
                said[direct, content(message)].append(mark_of(message))
    twice = [
        text
        for (direct, text), marks in said.items()
        if len(marks) > (1 + again if direct and None not in marks else 1)
    ]
    marked = Counter(mark for marks in said.values() for mark in marks if mark)
    twice += [mark for mark, times in marked.items() if times > 1]
    if twice:
        raise Broken(Promise.ONCE, twice[:3])
