"""Simulates a team's reactions to a post: when each trainer looks, what they see by then, what they click. Pure."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from tierbot.domain.nouns import Arm, Post, ReactionEvent, key
from tierbot.domain.tags import TagSpace
from tierbot.domain.tags.emoji import APPROVE, REJECT, UNSURE
from tierbot.simulate.trainers import Act, SimulatedTrainer, View, decide, looks_after


class Seen(NamedTuple):
    """A post as colleagues see it, and the true tags of its article."""

    post: Post
    true_tags: tuple[str, ...]
    posted_at: datetime  # in the workspace's local time


def prefilled(post: Post, tags: TagSpace) -> tuple[str, ...]:
    """Return the emoji that the bot pre-fills on a post, according to its arm."""
    return {Arm.TIER: (tags[post.shown_tag].short_name,), Arm.BASIC: (APPROVE, REJECT, UNSURE), Arm.BLANK: ()}[post.arm]


def reactions_to(
    seen: Seen, team: Sequence[SimulatedTrainer], tags: TagSpace, judged_today: Counter[str], rng: np.random.Generator
) -> list[ReactionEvent]:
    """Return a team's reactions to a post by time; count those who react in judged_today, by trainer's name."""
    post = seen.post
    looks = sorted((looks_after(trainer, rng), number) for number, trainer in enumerate(team))
    there = prefilled(post, tags)
    shown = None if post.arm is Arm.BLANK else post.shown_tag
    acts: list[tuple[float, str, Act]] = []
    for delay, number in looks:
        trainer = team[number]
        visible = _visible(acts, delay) if trainer.herding else {}
        view = View(
            post.arm, shown, there, visible, seen.true_tags, tags, seen.posted_at.hour, judged_today[trainer.name]
        )
        decided = decide(trainer, view, rng, delay)
        judged_today[trainer.name] += bool(decided)
        acts += [(act.delay_seconds, trainer.name, act) for act in decided]
    acts.sort(key=lambda item: item[0])
    return [_event(seen, number, user, act) for number, (_, user, act) in enumerate(acts)]


def _visible(acts: Sequence[tuple[float, str, Act]], until: float) -> Counter[str]:
    visible: Counter[str] = Counter()
    for at, _, act in acts:
        if at <= until:
            visible[act.name] += 1 if act.added else -1
    return +visible


def _event(seen: Seen, number: int, user: str, act: Act) -> ReactionEvent:
    at = seen.posted_at + timedelta(seconds=act.delay_seconds)
    post = seen.post
    event_id = key(post.id, number)
    return ReactionEvent(event_id, post.channel, post.ts or post.id, user, act.name, act.added, at, at, act.source)
