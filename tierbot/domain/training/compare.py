"""Gathers what the judge needs of two models: their answers to the fair posts, and the tags that the challenger forgot."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.training.judge import LEVEL, Answers, worse_p

_NEWEST = 30  # posts per tag on which forgetting is checked


def answers(probabilities: NDArray[np.float64], true: NDArray[np.bool_]) -> Answers:
    """Return the answers that p, (n, T), give to n posts with these true tags, (n, T)."""
    hits = true[np.arange(len(true)), probabilities.argmax(axis=1)]
    chances = np.clip((probabilities * true).sum(axis=1), 0.0, 1.0)
    return Answers(hits.tolist(), chances.tolist())


def newest_of_each_tag(true: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return the rows of the newest 30 posts of each tag; true: (n, T), oldest first."""
    kept = np.zeros(len(true), dtype=bool)
    for column in true.T:
        kept[np.flatnonzero(column)[-_NEWEST:]] = True
    return np.flatnonzero(kept)


def forgotten(
    challenger: NDArray[np.float64], champion: NDArray[np.float64], true: NDArray[np.bool_], tag_ids: Sequence[str]
) -> str | None:
    """Return a tag that the challenger has practically lost, as measured by the champion; None if there is none.

    challenger, champion: p of n posts, (n, T). A model recognizes a true tag of a post if it is among its k likeliest tags, k
    being the number of the post's true tags. A tag is lost if the challenger recognizes it on at most half as many posts as
    the champion, and the sign test on these posts calls it worse, at LEVEL for all tags together. On a hundred fair posts,
    nobody can see that a tag is lost which one post in fifty has. So these may be any posts, also some that a model learned
    from: anchored verdicts and posts that a model has seen shift a tag's share by some points, losing it by most of them.
    """
    ours, theirs = _recognized(challenger, true), _recognized(champion, true)
    lost: list[tuple[int, str]] = []
    for column, tag in enumerate(tag_ids):
        now, before = ours[:, column], theirs[:, column]
        wins, losses = int((now & ~before).sum()), int((before & ~now).sum())
        if 2 * now.sum() <= before.sum() and worse_p(wins, losses) * len(tag_ids) < LEVEL:
            lost.append((losses - wins, tag))
    return max(lost)[1] if lost else None


def _recognized(probabilities: NDArray[np.float64], true: NDArray[np.bool_]) -> NDArray[np.bool_]:
    ranks = (-probabilities).argsort(axis=1, kind="stable").argsort(axis=1)
    return np.asarray(true & (ranks < true.sum(axis=1, keepdims=True)))
