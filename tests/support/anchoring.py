"""A simulated game whose voters are attracted by what is pre-filled."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from tierbot.domain.feedback.anchor_aware.aggregator import AnchorAware
from tierbot.domain.feedback.crowd.aggregators import aggregator
from tierbot.domain.feedback.crowd.table import CrowdTable
from tierbot.domain.nouns import Arm, Post, Says, Verdict, Vote

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


TAGS, SIBLINGS, TRAINERS = 64, 4, 30


ANCHORING = {"none": 0.0, "mild": 0.35, "strong": 0.67}


CROWD_METHODS = (
    "majority",
    "crowd-kit/dawid-skene",
    "crowd-kit/one-coin",
    "crowd-kit/mace",
    "hierarchical",
)


@dataclass(frozen=True)
class Game:
    """Posts, votes by post id, and the true tags by post id."""

    posts: list[Post]
    votes: Mapping[str, list[Vote]]
    truth: Mapping[str, frozenset[str]]


def sibling(rng: np.random.Generator, tag: int) -> int:
    return tag // SIBLINGS * SIBLINGS + (tag + int(rng.integers(1, SIBLINGS))) % SIBLINGS


def near_miss(rng: np.random.Generator, tag: int) -> int:
    """Return a wrong tag: a sibling every second time."""
    return sibling(rng, tag) if rng.random() < 0.5 else int((tag + rng.integers(1, TAGS)) % TAGS)


def play(
    anchoring: float, seed: int, *, posts: int = 1000, blank: float = 0.15, accuracy: float = 0.73, two: float = 0.15
) -> Game:
    """Return a simulated game; `two` is the share of posts with a second true tag."""
    rng = np.random.default_rng(seed)
    competence = rng.beta(17, 3, TRAINERS)  # mean 0.85
    unread = rng.beta(5 * anchoring, 5 * (1 - anchoring), TRAINERS) if anchoring else np.zeros(TRAINERS)
    made, votes, truth = [], {}, {}
    for number in range(posts):
        main = int(rng.integers(TAGS))
        true = [main, near_miss(rng, main)] if rng.random() < two else [main]
        shown = main if rng.random() < accuracy else near_miss(rng, main)
        arm = Arm.BLANK if rng.random() < blank else Arm.TIER
        post = Post(f"p{number:05}", "d", f"a{number}", 1, arm, blank, f"t{shown:02}", "C1", NOON)
        said = []
        for who in rng.choice(TRAINERS, size=5, replace=False):
            if arm is Arm.TIER and rng.random() < unread[who]:
                tag = shown
            elif rng.random() < competence[who]:
                tag = int(rng.choice(true))
            else:
                tag = near_miss(rng, main)
            said.append(Vote(f"U{who:02}", Says.NAMES, NOON, f"t{tag:02}"))
        made.append(post)
        votes[post.id], truth[post.id] = said, frozenset(f"t{tag:02}" for tag in true)
    return Game(made, votes, truth)


def by_crowd(game: Game, method: str) -> dict[str, str]:
    rows = ((post.id, vote.user, str(vote.tag)) for post in game.posts for vote in game.votes[post.id])
    return dict(aggregator(method).settle(CrowdTable.from_rows(rows)).chosen)


def by_anchor_aware(game: Game) -> dict[str, Verdict]:
    return AnchorAware(tags=TAGS).settle_all(game.posts, game.votes, ledger_cursor=1, now=NOON)


def best(verdict: Verdict) -> str | None:
    return min(verdict.tags, key=lambda tag: (-verdict.tags[tag], tag)) if verdict.tags else None


def measures(game: Game, named: Mapping[str, str | None]) -> dict[str, float]:
    """Return shares over displayed posts: wrong pre-fills accepted, right ones accepted, answers right, abstained."""
    displayed = [post for post in game.posts if post.arm is Arm.TIER]
    wrong = [post for post in displayed if post.shown_tag not in game.truth[post.id]]
    right = [post for post in displayed if post.shown_tag in game.truth[post.id]]
    answered = [post for post in displayed if named[post.id] is not None]
    return {
        "wrong_accepted": float(np.mean([named[post.id] == post.shown_tag for post in wrong])),
        "right_accepted": float(np.mean([named[post.id] == post.shown_tag for post in right])),
        "correct": float(np.mean([named[post.id] in game.truth[post.id] for post in answered])),
        "abstained": 1 - len(answered) / len(displayed),
    }


def calibration_error(game: Game, verdicts: Mapping[str, Verdict], bins: int = 15) -> float:
    """Return the expected calibration error of the best tag's confidence, over equal-mass bins."""
    pairs = sorted(
        (verdict.tags[str(best(verdict))], best(verdict) in game.truth[post_id])
        for post_id, verdict in verdicts.items()
        if verdict.tags
    )
    parts = np.array_split(np.array(pairs, dtype=float), bins)
    return float(sum(len(part) * abs(part[:, 0].mean() - part[:, 1].mean()) for part in parts) / len(pairs))
