"""Reads menu votes from the ledger, and computes the changes that a new choice makes."""

from collections import Counter
from collections.abc import Collection, Iterable

from tierbot.domain.feedback.votes import standing
from tierbot.domain.nouns import ReactionEvent, Source


def chosen_by(user: str, events: Iterable[ReactionEvent]) -> frozenset[str]:
    """Return the tag ids that a user currently names by menu."""
    return frozenset(name for who, name, source in standing(events) if who == user and source is Source.MENU)


def named_by_menu(events: Iterable[ReactionEvent]) -> dict[str, int]:
    """Return how many people name each tag by menu, most first."""
    counts = Counter(name for _, name, source in standing(events) if source is Source.MENU)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def changes(before: Collection[str], after: Collection[str]) -> list[tuple[str, bool]]:
    """Return (tag id, added) for each change that a new choice makes, removals first."""
    return sorted(((tag, tag in after) for tag in set(before) ^ set(after)), key=lambda change: (change[1], change[0]))
