"""What one trainer is asked to judge next: what most needs one more opinion. A pure function."""

from collections.abc import Iterable
from dataclasses import dataclass

from tierbot.domain.nouns import Outcome, Post, Verdict

_SPLIT = "split"


@dataclass(frozen=True, slots=True)
class QueueCandidate:
    """A post that the trainer has not judged, with what it settled to so far (None: nobody has voted)."""

    post: Post
    verdict: Verdict | None


def queue(candidates: Iterable[QueueCandidate], count: int) -> list[Post]:
    """Return up to `count` posts to ask a trainer about, the most needed opinion first.

    First the contested ones, where colleagues disagree, the most disputed ahead; then those that lack a voter or
    two, nearest to settling ahead; then those nobody has judged, oldest ahead. What has settled is left alone:
    see `thinnest`.
    """
    ranked = [(rank, one.post) for one in candidates if (rank := _rank(one)) is not None]
    return [post for _, post in sorted(ranked, key=lambda pair: pair[0])[:count]]


def thinnest(candidates: Iterable[QueueCandidate], count: int) -> list[Post]:
    """Return up to `count` settled posts, those with the fewest voters ahead: one more makes their verdict surer."""
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
    return (0 if verdict.reason == _SPLIT else 1, -verdict.voters, *order)
