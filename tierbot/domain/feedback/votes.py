"""Derives the current votes from the ledger of reaction events.

The result depends only on the set of events, not on their order or repetition, so late, repeated or reordered
deliveries change nothing (tests/domain/feedback checks this property).
"""

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
    """Return the variants that are currently set, and when each was last added.

    The latest event of a variant counts, by `happened_at` and then by event id.
    """
    latest: dict[Variant, ReactionEvent] = {}
    for event in events:
        variant = Variant(event.user, event.name, event.source)
        known = latest.get(variant)
        if known is None or (known.happened_at, known.event_id) < (event.happened_at, event.event_id):
            latest[variant] = event
    return {variant: event.happened_at for variant, event in latest.items() if event.added}


def reading(variant: Variant, post: Post, tags: TagSpace) -> tuple[Says, str | None] | None:
    """Return the meaning of a variant on a post: (says, tag id), or None.

    A tag's emoji names that tag in every arm. 👍 👎 😕 count only in the arms that show a prediction: in the blank
    arm, there is nothing to approve.
    """
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


def votes_of(
    events: Iterable[ReactionEvent], post: Post, tags: TagSpace, *, ignore: Collection[str] = ()
) -> list[Vote]:
    """Derive the votes on a post from its events, except those of users in `ignore` (the bot itself).

    A user who says the same thing in several variants has one vote, from the time of the earliest.
    """
    meanings = ((variant, at, reading(variant, post, tags)) for variant, at in standing(events).items())
    return merged(
        [
            [
                Vote(variant.user, meaning[0], at, meaning[1])
                for variant, at, meaning in meanings
                if meaning is not None and variant.user not in ignore
            ]
        ]
    )


def merged(places: Iterable[Iterable[Vote]]) -> list[Vote]:
    """Merge the votes on one post from several messages: equal votes of a user become one, the earliest."""
    earliest: dict[tuple[str, Says, str | None], Vote] = {}
    for vote in (vote for votes in places for vote in votes):
        identity = (vote.user, vote.says, vote.tag)
        if identity not in earliest or vote.at < earliest[identity].at:
            earliest[identity] = vote
    return sorted(earliest.values(), key=lambda vote: (vote.at, vote.user, vote.says, vote.tag or ""))
