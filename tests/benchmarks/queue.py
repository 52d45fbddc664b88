"""Who gets what, and when to post: our assignment and our hours against random assignment and fixed hours.

Run: python -m tests.benchmarks.queue [--seeds 20] [--json]        (some minutes of one core)

Queue: 300 posts over 40 tags, a model that is right on about 60%; 16 trainers, each good at some tags (expertise per
tag from Beta(2.4, 1.6), as colleagues from different desks), ask for five at a time until so many votes are cast.
Measured: posts settled to the truth.
Hours: a team of 12 with the activity of trainers.toml, a third of it eight hours behind; eight weeks of 15 posts a
day; fixed: every three hours from nine to six as by default; ours: as many pushes, each at the hour drawn among those
that the quiet hours leave. Measured: voters on a post, and posts with two or more, in the last four weeks.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from tierbot.domain.feedback import PlainRule
from tierbot.domain.nouns import Arm, Outcome, Post, Says, Verdict, Vote
from tierbot.domain.predict.assignment import Candidate, assign
from tierbot.domain.predict.posting_hours import choose_slot, voters_by_hour
from tierbot.simulate.teams import load_trainers
from tierbot.simulate.trainers import HOURS

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TAGS, POSTS, TRAINERS, FIVE = 40, 300, 16, 5
RULE = PlainRule()
POLICIES = ("random", "ours")


@dataclass
class World:
    """Posts, what is true of them, and what the trainers know, (trainers, tags)."""

    posts: list[Post]
    truth: list[int]
    knows: np.ndarray


def world(rng: np.random.Generator) -> World:
    posts, truth = [], []
    for number in range(POSTS):
        true = int(rng.integers(TAGS))
        logits = rng.normal(size=TAGS)
        logits[true] += 3.2
        p = np.exp(1.5 * logits)
        p /= p.sum()
        shown = f"t{int(p.argmax()):02}"
        made = NOON + timedelta(minutes=number)
        posts.append(Post(f"p{number:03}", "d", "a", 1, Arm.BLANK, 0.15, shown, "C1", made, str(number), made))
        truth.append(true)
    return World(posts, truth, rng.beta(2.4, 1.6, size=(TRAINERS, TAGS)))


def play(policy: str, seed: int, votes_cast: int) -> float:
    """Return the share of posts that have settled to the truth, and nothing else, after so many votes."""
    rng = np.random.default_rng([seed, 1])
    game = world(np.random.default_rng([seed, 0]))
    votes: list[list[Vote]] = [[] for _ in game.posts]
    verdicts: list[Verdict | None] = [None] * POSTS
    cast = 0
    while cast < votes_cast:
        who = int(rng.integers(TRAINERS))
        user = f"U{who:02}"
        mine = [at for at in range(POSTS) if all(vote.user != user for vote in votes[at])]
        for at in _chosen(policy, mine, game, verdicts, rng):
            knows = rng.random() < game.knows[who, game.truth[at]]
            tag = game.truth[at] if knows else int(rng.integers(TAGS))
            votes[at].append(Vote(user, Says.NAMES, NOON, f"t{tag:02}"))
            verdicts[at] = RULE.settle(game.posts[at], votes[at], ledger_cursor=1, now=NOON)
            cast += 1
    right = [
        v is not None and v.outcome is Outcome.NAMED and set(v.tags) == {f"t{t:02}"}
        for v, t in zip(verdicts, game.truth, strict=True)
    ]
    return float(np.mean(right))


def _chosen(policy: str, mine: list[int], game: World, verdicts: list[Verdict | None], rng: np.random.Generator):
    place = {game.posts[at].id: at for at in mine}
    made = [Candidate(game.posts[at], verdicts[at]) for at in mine]
    drawn = [place[one.post.id] for one in assign(made, FIVE, rng)] if policy == "ours" else []
    return drawn or [int(at) for at in rng.permutation(mine)[:FIVE]]


# --- hours ----------------------------------------------------------------------------------------

OPEN = range(9, 18)  # the default quiet hours leave these
FIXED = (9, 12, 15)
WEEKS, DAYS, A_PUSH = 8, 5, 5


def hours(policy: str, seed: int) -> tuple[float, float]:
    """Return (voters on a post, share of posts with two or more) in the last half of the weeks."""
    rng = np.random.default_rng([seed, 2])
    team = load_trainers(None, np.random.default_rng([seed, 3]))
    shifted = [
        replace(one, activity=tuple(one.activity[(hour - 8) % HOURS] for hour in range(HOURS))) if at % 3 == 0 else one
        for at, one in enumerate(team)
    ]
    busy = np.array([one.activity for one in shifted]).T * np.random.default_rng([seed, 4]).uniform(0.3, 1.0, len(team))
    found: list[tuple[int, int]] = []
    late: list[int] = []
    for day in range(WEEKS * DAYS):
        for push in range(len(FIXED)):
            hour = FIXED[push]
            if policy == "learned":
                slots = [
                    (NOON.replace(hour=0) + timedelta(days=day, hours=h), h) for h in OPEN[push * 3 : push * 3 + 3]
                ]
                hour = choose_slot(slots, voters_by_hour(found), rng).at.hour
            for _ in range(A_PUSH):
                voters = int((rng.random(len(team)) < busy[hour]).sum())
                found.append((hour, voters))
                if day >= WEEKS * DAYS // 2:
                    late.append(voters)
    return float(np.mean(late)), float(np.mean(np.array(late) >= 2))


def _over(values: Sequence[float]) -> tuple[float, float]:
    array = np.array(values)
    return float(array.mean()), float(1.96 * array.std(ddof=1) / np.sqrt(len(array)))


def main() -> None:
    """Print a line for each policy, and its gain over the others on the same seeds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows: list[dict[str, object]] = []
    for votes in (600, 900):
        found = {policy: [play(policy, seed, votes) for seed in range(options.seeds)] for policy in POLICIES}
        for policy, values in found.items():
            against = _over(np.subtract(values, found["random"]).tolist())
            rows.append(
                {
                    "what": f"queue, {votes} votes",
                    "policy": policy,
                    "settled_right": _over(values),
                    "over_random": against,
                }
            )
    timed = {policy: [hours(policy, seed) for seed in range(options.seeds)] for policy in ("fixed", "learned")}
    for policy, pairs in timed.items():
        more = _over([mine[0] - other[0] for mine, other in zip(pairs, timed["fixed"], strict=True)])
        rows.append(
            {
                "what": "hours",
                "policy": policy,
                "voters": _over([p[0] for p in pairs]),
                "two_or_more": _over([p[1] for p in pairs]),
                "over_fixed": more,
            }
        )
    for row in rows:
        cells = (f"{k} {v[0]:.3f} ±{v[1]:.3f}" if isinstance(v, tuple) else f"{v:16}" for k, v in row.items())
        print(json.dumps(row) if options.json else "  ".join(cells))


if __name__ == "__main__":
    main()
