"""TfIdfWeights the ledger: reaction events → who says what of a post right now.

The result depends on the set of events only, not on the order in which they arrived or how often, so that
a late, repeated or re-ordered delivery changes nothing (tests/feedback holds this as a law).
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from tierbot.domain.nouns import Arm, Post, ReactionEvent, Says, Source, Vote
from tierbot.domain.tags import TagSpace, base_name
from tierbot.domain.tags.emoji import APPROVE, REJECT, UNSURE


class Variant(NamedTuple):
    """One thing a user can add and remove by itself: 👍 and 👍🏽 are two variants of one vote."""

    user: str
    name: str
    source: Source


def standing(events: Iterable[ReactionEvent]) -> dict[Variant, datetime]:
    """Return the variants that stand, with the moment each was last added.

    The latest event of a variant decides, by `happened_at` and then by event id.
    """
    latest: dict[Variant, ReactionEvent] = {}
    for event in events:
        variant = Variant(event.user, event.name, event.source)
        known = latest.get(variant)
        if known is None or (known.happened_at, known.event_id) < (event.happened_at, event.event_id):
            latest[variant] = event
    return {variant: event.happened_at for variant, event in latest.items() if event.added}


def reading(variant: Variant, post: Post, tags: TagSpace) -> tuple[Says, str | None] | None:
    """Return what a variant says of a post: (says, tag id); None if it says nothing.

    A tag's emoji names that tag in every arm. 👍 👎 😕 speak only where a prediction is named: in the blank
    arm there is nothing to approve.
    """
    if variant.source is Source.MENU:
        return (Says.NAMES, variant.name) if variant.name in tags else None
    tag = tags.by_emoji(variant.name)
    if tag is not None:
        return Says.NAMES, tag.id
    if post.arm is Arm.BLANK:
        return None
    spoken: dict[str, tuple[Says, str | None]] = {
        APPROVE: (Says.NAMES, post.shown_tag),
        REJECT: (Says.REJECTS, None),
        UNSURE: (Says.UNSURE, None),
    }
    return spoken.get(base_name(variant.name))


def votes_of(
    events: Iterable[ReactionEvent], post: Post, tags: TagSpace, *, ignore: Collection[str] = ()
) -> list[Vote]:
    """Derive the votes on a post from its events; `ignore` are user ids that are no voters (the bot itself).

    Each (user, what is said) counts once, however many variants say it, from the earliest that stands.
    """
    said: dict[tuple[str, Says, str | None], datetime] = {}
    for variant, at in standing(events).items():
        meaning = None if variant.user in ignore else reading(variant, post, tags)
        if meaning is not None:
            identity = (variant.user, *meaning)
            said[identity] = min(at, said.get(identity, at))
    return _ordered(said)


def merged(places: Iterable[Iterable[Vote]]) -> list[Vote]:
    """Put together the votes on one post in several messages: each is one vote, from the earliest place it stands."""
    said: dict[tuple[str, Says, str | None], datetime] = {}
    for votes in places:
        for vote in votes:
            identity = (vote.user, vote.says, vote.tag)
            said[identity] = min(vote.at, said.get(identity, vote.at))
    return _ordered(said)


def _ordered(said: Mapping[tuple[str, Says, str | None], datetime]) -> list[Vote]:
    votes = [Vote(user=user, says=says, tag=tag, at=at) for (user, says, tag), at in said.items()]
    return sorted(votes, key=lambda vote: (vote.at, vote.user, vote.says, vote.tag or ""))
