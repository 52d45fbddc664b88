"""Encodes the live game's votes as arrays: the sets of tags that each post could have, and who voted for what.

A hypothesis is a set of one to three tags of a post, or "none of those that anyone named". All sets over a post's
few candidates are listed, so em.py needs no approximation.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from tierbot.domain.feedback.crowd.table import Floats, Ints
from tierbot.domain.nouns import Arm, Post, Says, Vote

MOST_TRUE = 3
MOST_CANDIDATES = 6  # the most supported tags of a post; 6 give 42 hypotheses


@dataclass(frozen=True, slots=True)
class VotedPost:
    """A post with its current votes, in any order."""

    post: Post
    votes: tuple[Vote, ...]

    @property
    def names_shown(self) -> bool:
        """Whether voters saw the shown tag."""
        return self.post.arm is not Arm.BLANK


def candidates(asked: VotedPost) -> tuple[str, ...]:
    """Return the tags that may be true: those named and, if voters saw it, the shown one; best supported first."""
    support = Counter(vote.tag for vote in asked.votes if vote.tag is not None)
    named = sorted(support, key=lambda tag: (-support[tag], tag))
    if not asked.names_shown:
        return tuple(named[:MOST_CANDIDATES])
    others = [tag for tag in named if tag != asked.post.shown_tag]
    return (asked.post.shown_tag, *others[: MOST_CANDIDATES - 1])


@dataclass(frozen=True, eq=False)
class Encoded:
    """All posts as arrays. A pair is one vote × one hypothesis of its post.

    Hypotheses, ordered by post: `start` (posts + 1,), where each post's begin; `members` (hypotheses, MOST_TRUE),
    tag indices, `tags` for "another tag", `tags + 1` for padding; `size` and `has_shown` (hypotheses,).
    Votes: `said_user`, `said_tag` (−1 for a rejection), `said_shown` (it names the tag on display), `said_post`.
    Pairs: `pair_said`, `pair_hypothesis`, `pair_right` (the vote is right under the hypothesis).
    """

    users: tuple[str, ...]
    tags: int
    sets: tuple[tuple[tuple[str, ...], ...], ...]  # per post, in order of its hypotheses
    post_shows: Ints
    post_shown_tag: Ints
    start: Ints
    members: Ints
    size: Ints
    has_shown: Ints
    said_post: Ints
    said_user: Ints
    said_tag: Ints
    said_shown: Ints
    pair_said: Ints
    pair_hypothesis: Ints
    pair_right: Ints

    @property
    def hypothesis_post(self) -> Ints:
        """The post of each hypothesis."""
        return np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))

    def per_post(self, values: Floats) -> Floats:
        """Sum (hypotheses,) over each post."""
        return np.asarray(np.add.reduceat(values, self.start[:-1]))

    def normalized(self, logs: Floats) -> Floats:
        """Return exp(logs), (hypotheses,), summing to 1 over each post."""
        post = self.hypothesis_post
        raised = np.exp(logs - np.maximum.reduceat(logs, self.start[:-1])[post])
        return np.asarray(raised / self.per_post(raised)[post])


def encode(asked: Sequence[VotedPost], *, tags: int | None = None) -> Encoded:
    """Encode posts and votes as arrays; `tags` is the size of the tag space, if it is known."""
    tag_names = tuple(sorted({a.post.shown_tag for a in asked} | {v.tag for a in asked for v in a.votes if v.tag}))
    users = tuple(sorted({vote.user for a in asked for vote in a.votes}))
    tag_at, user_at = ({name: at for at, name in enumerate(names)} for names in (tag_names, users))
    sets = tuple(tuple(_sets(candidates(a))) for a in asked)
    start = np.concatenate([[0], np.cumsum([len(of_post) for of_post in sets])]).astype(np.intp)
    total = max(tags or 0, len(tag_names) + 1)
    members = np.full((start[-1], MOST_TRUE), total + 1, dtype=np.intp)
    for row, hypothesis in enumerate(h for of_post in sets for h in of_post):
        members[row, : max(len(hypothesis), 1)] = [tag_at[tag] for tag in hypothesis] or [total]
    said = list(_said(asked, tag_at, user_at))
    columns = np.array(said, dtype=np.intp).reshape(-1, 4).T
    shown = np.array([tag_at[a.post.shown_tag] for a in asked], dtype=np.intp)
    post_of = np.repeat(np.arange(len(asked)), np.diff(start))
    has_shown = (members == shown[post_of][:, None]).any(axis=1)
    pair_said, pair_hypothesis = _pairs(columns[0], start)
    pair_tag = columns[2][pair_said]
    named = (members[pair_hypothesis] == pair_tag[:, None]).any(axis=1)
    return Encoded(
        users=users,
        tags=total,
        sets=sets,
        post_shows=np.array([a.names_shown for a in asked], dtype=np.intp),
        post_shown_tag=shown,
        start=start,
        members=members,
        size=(members <= total).sum(axis=1),
        has_shown=has_shown.astype(np.intp),
        said_post=columns[0],
        said_user=columns[1],
        said_tag=columns[2],
        said_shown=columns[3],
        pair_said=pair_said,
        pair_hypothesis=pair_hypothesis,
        pair_right=np.where(pair_tag < 0, ~has_shown[pair_hypothesis], named).astype(np.intp),
    )


def _sets(tags: Sequence[str]) -> Iterable[tuple[str, ...]]:
    yield ()  # none of these
    for size in range(1, min(MOST_TRUE, len(tags)) + 1):
        yield from combinations(tags, size)


def _said(
    asked: Sequence[VotedPost], tag_at: dict[str, int], user_at: dict[str, int]
) -> Iterable[tuple[int, int, int, int]]:
    """Yield (post, user, tag or −1, whether it names the tag on display) for each vote, in order, except unsure ones."""
    for at, a in enumerate(asked):
        known = set(candidates(a))
        for vote in sorted(a.votes, key=lambda vote: (vote.user, vote.says, vote.tag or "")):
            if vote.tag is not None and vote.tag in known:
                on_display = a.names_shown and vote.tag == a.post.shown_tag
                yield at, user_at[vote.user], tag_at[vote.tag], int(on_display)
            elif vote.says is Says.REJECTS and a.names_shown:
                yield at, user_at[vote.user], -1, 0


def _pairs(said_post: Ints, start: Ints) -> tuple[Ints, Ints]:
    """Return, for each vote and each hypothesis of its post, the indices of both."""
    many = np.diff(start)[said_post]
    pair_said = np.repeat(np.arange(len(said_post)), many)
    within = np.arange(len(pair_said)) - np.repeat(np.cumsum(many) - many, many)
    return pair_said, start[said_post][pair_said] + within
