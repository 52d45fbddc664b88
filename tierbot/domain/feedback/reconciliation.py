"""Turns what Slack has and the ledger lacks into events, stamped when the comparison began: later ones win."""

from collections.abc import Iterable
from datetime import datetime

from tierbot.domain.feedback.votes import standing
from tierbot.domain.nouns import Origin, ReactionEvent, Source, key


def missed_events(
    channel: str,
    ts: str,
    ledger: Iterable[ReactionEvent],
    reactions: Iterable[tuple[str, Iterable[str], bool]],
    started_at: datetime,
) -> list[ReactionEvent]:
    """Return the events that make the ledger match Slack's reactions: (raw name, users, complete).

    A removal is inferred only from a complete list of users. The same comparison gives the same event ids.
    """
    held = {(variant.user, variant.name) for variant in standing(ledger) if variant.source is Source.REACTION}
    shown: set[tuple[str, str]] = set()
    cut_short: set[str] = set()
    for name, users, complete in reactions:
        shown.update((user, name) for user in users)
        if not complete:
            cut_short.add(name)
    changes = [(user, name, True) for user, name in shown - held]
    changes += [(user, name, False) for user, name in held - shown if name not in cut_short]
    return [
        ReactionEvent(
            event_id=key("reconciled", channel, ts, user, name, added, started_at.isoformat()),
            channel=channel,
            ts=ts,
            user=user,
            name=name,
            added=added,
            happened_at=started_at,
            received_at=started_at,
            origin=Origin.RECONCILED,
        )
        for user, name, added in sorted(changes)
    ]
