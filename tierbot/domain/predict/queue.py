"""Ranks the posts that a trainer is asked to judge next: those that need another opinion most."""

from collections.abc import Iterable
from dataclasses import dataclass

from tierbot.domain.nouns import Outcome, Post, Verdict


@dataclass(frozen=True, slots=True)
class QueueCandidate:
    """A post that the trainer hasn't judged, and its current verdict (None: nobody has voted)."""

    post: Post
    verdict: Verdict | None


def queue(candidates: Iterable[QueueCandidate], count: int) -> list[Post]:
    """Return up to `count` posts to ask a trainer about, in order of need.

    Split posts come first, those with the most voters ahead; then posts with too few voters, likewise; then posts
    without votes, oldest first. Settled posts are left out (see `thinnest`).
    """
    ranked = [(rank, one.post) for one in candidates if (rank := _rank(one)) is not None]
    return [post for _, post in sorted(ranked, key=lambda pair: pair[0])[:count]]


def thinnest(candidates: Iterable[QueueCandidate], count: int) -> list[Post]:
    """Return up to `count` settled posts, fewest voters first: one more vote makes their verdict more certain."""
    settled = [
        (one.verdict.voters, one.post.created_at, one.post.id, one.post)
        for one in candidates
        if one.verdict is not None and one.verdict.outcome is not Outcome.ABSTAINED
    ]
    return [post for *_, post in sorted(settled, key=lambda ranked: ranked[:3])[:count]]


def _rank(candidate: QueueCandidate) -> tuple[int, int, str, str] | None:
    verdict, post = candidate.verdict, candidate.post
    order = (post.created_at.isoformat(), post.id)
    if verdict is None or not verdict.voters:
        return (2, 0, *order)
    if verdict.outcome is not Outcome.ABSTAINED:
        return None
    return (0 if verdict.reason == "split" else 1, -verdict.voters, *order)
