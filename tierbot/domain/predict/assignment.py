"""Assigns posts to trainers: mostly the most needed ones, with some uniform draws that the log can learn from."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from tierbot.domain.nouns import Outcome, Post, Verdict

VERSION = "need-1"
EXPLORE = 0.1  # the share of uniform draws


class Candidate(NamedTuple):
    """A post that the trainer hasn't judged, and its current verdict (None: nobody has voted)."""

    post: Post
    verdict: Verdict | None


class Assignment(NamedTuple):
    """A post for a trainer, and the probability of this draw given the earlier ones, in (0, 1]."""

    post: Post
    propensity: float


def assign(
    candidates: Iterable[Candidate], count: int, rng: np.random.Generator, explore: float = EXPLORE
) -> list[Assignment]:
    """Draw up to `count` unsettled posts, one by one: the most needed one, or with `explore` any of them."""
    left = most_needed(candidates)
    drawn = []
    for _ in range(min(count, len(left))):
        pi = np.full(len(left), explore / len(left))
        pi[0] += 1 - explore
        at = int(rng.choice(len(left), p=pi / pi.sum()))
        drawn.append(Assignment(left.pop(at), float(pi[at])))
    return drawn


def most_needed(candidates: Iterable[Candidate]) -> list[Post]:
    """Return unsettled posts: split, then with too few voters, most voters first; then unvoted ones, oldest first."""
    ranked = [(rank, one.post) for one in candidates if (rank := _rank(one)) is not None]
    return [post for _, post in sorted(ranked, key=lambda pair: pair[0])]


def thinnest(candidates: Iterable[Candidate], count: int) -> list[Post]:
    """Return up to `count` settled posts, fewest voters first: one more vote makes their verdict more certain."""
    settled = [
        (verdict.voters, post.created_at, post.id, post)
        for post, verdict in candidates
        if verdict is not None and verdict.outcome is not Outcome.ABSTAINED
    ]
    return [post for *_, post in sorted(settled, key=lambda ranked: ranked[:3])[:count]]


def _rank(candidate: Candidate) -> tuple[int, int, str, str] | None:
    post, verdict = candidate
    order = (post.created_at.isoformat(), post.id)
    if verdict is None or not verdict.voters:
        return (2, 0, *order)
    if verdict.outcome is not Outcome.ABSTAINED:
        return None
    return (0 if verdict.reason == "split" else 1, -verdict.voters, *order)
