"""Derives the current votes from the ledger: from the set of its events, whatever their order or repetition."""

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

from tierbot.domain.nouns import Arm, Post, ReactionEvent, Says, Source, Vote
from tierbot.domain.tags import TagSpace
from tierbot.domain.tags.emoji import APPROVE, REJECT, UNSURE


class Variant(NamedTuple):
    """A reaction that a user adds and removes on its own: 👍 and 👍🏽 are two variants of one vote."""

    user: str
    name: str
    source: Source


def standing(events: Iterable[ReactionEvent]) -> dict[Variant, datetime]:
    """Return the variants that are set, by each one's latest event (ties: by event id), and when it was added."""
    return {variant: event.happened_at for variant, event in _latest(events).items() if event.added}


def superseded(events: Collection[ReactionEvent]) -> set[str]:
    """Return the ids of events that a later one of the same variant overrides; without them, the same variants are set."""
    return {event.event_id for event in events} - {event.event_id for event in _latest(events).values()}


def _latest(events: Iterable[ReactionEvent]) -> dict[Variant, ReactionEvent]:
    latest: dict[Variant, ReactionEvent] = {}
    for event in events:
        variant = Variant(event.user, event.name, event.source)
        known = latest.get(variant)
        if known is None or (known.happened_at, known.event_id) < (event.happened_at, event.event_id):
            latest[variant] = event
    return latest


def reading(variant: Variant, post: Post, tags: TagSpace) -> tuple[Says, str | None] | None:
    """Return the meaning of a variant on a post, (says, tag id), or None; on a blank post, 👍 👎 😕 have none."""
    if variant.source is Source.MENU:
        return (Says.NAMES, variant.name) if variant.name in tags else None
    tag = tags.by_emoji(variant.name)
    if tag is not None:
        return Says.NAMES, tag.id
    if post.arm is Arm.BLANK:
        return None
    answers: dict[str, tuple[Says, str | None]] = {
        APPROVE: (Says.NAMES, post.shown_tag),
        REJECT: (Says.REJECTS, None),
        UNSURE: (Says.UNSURE, None),
    }
    return answers.get(tags.base_name(variant.name))


def votes_of(events: Iterable[ReactionEvent], post: Post, tags: TagSpace) -> list[Vote]:
    """Derive the votes on a post from its events: one per user and meaning, from the time of the earliest variant."""
    meanings = ((variant, at, reading(variant, post, tags)) for variant, at in standing(events).items())
    return merged([[Vote(variant.user, said[0], at, said[1]) for variant, at, said in meanings if said is not None]])


def merged(places: Iterable[Iterable[Vote]]) -> list[Vote]:
    """Merge the votes on one post from several messages: equal votes of a user become one, the earliest."""
    earliest: dict[tuple[str, Says, str | None], Vote] = {}
    for vote in (vote for votes in places for vote in votes):
        identity = (vote.user, vote.says, vote.tag)
        if identity not in earliest or vote.at < earliest[identity].at:
            earliest[identity] = vote
    return sorted(earliest.values(), key=lambda vote: (vote.at, vote.user, vote.says, vote.tag or ""))


def chosen_by_menu(user: str, events: Iterable[ReactionEvent]) -> frozenset[str]:
    """Return the tag ids that a user currently names by menu."""
    return frozenset(name for who, name, source in standing(events) if who == user and source is Source.MENU)


def named_by_menu(events: Iterable[ReactionEvent]) -> dict[str, int]:
    """Return how many people name each tag by menu, most first."""
    counts = Counter(name for _, name, source in standing(events) if source is Source.MENU)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def menu_changes(before: Collection[str], after: Collection[str]) -> list[tuple[str, bool]]:
    """Return (tag id, added) for each change that a new choice makes, removals first."""
    return sorted(((tag, tag in after) for tag in set(before) ^ set(after)), key=lambda change: (change[1], change[0]))
