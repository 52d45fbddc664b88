"""Computes the report's figures: pure functions from settled posts and votes to frozen data, without drawing.

Shares carry their 95 % interval and what they rest on; unknown figures are None, never zero.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, tzinfo
from typing import Any

import numpy as np

from tierbot.domain.feedback.crowd.agreement import krippendorff_alpha, masi
from tierbot.domain.nouns import Arm, Estimate, Outcome, Post, Says, SettledPost, Vote
from tierbot.domain.rounds.figures import RoundFigures
from tierbot.domain.tags import TagSpace
from tierbot.domain.training.drift import Drift
from tierbot.domain.training.judge import hit
from tierbot.domain.training.offpolicy import Log, PolicyValue, doubly_robust, ips, snips

BINS = 10
"""Bins of the reliability diagram, of equal width."""


@dataclass(frozen=True, slots=True)
class Judged(SettledPost):
    """A settled post with the model's p of its top tag and of the shown tag, in [0, 1]."""

    top_probability: float
    shown_probability: float


# --- tags -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TagFigures:
    """How well a tag did when it was shown: its mean reward, in [0, 1]."""

    tag: str
    label: str  # emoji and name
    reward: Estimate


@dataclass(frozen=True, slots=True)
class Confusion:
    """How often one tag was predicted when another was true. among: posts on which `true` was true."""

    guessed: str
    true: str
    count: int
    among: int
    siblings: bool


def label_of(tags: TagSpace, tag: str) -> str:
    """Return a tag's emoji and name, or its id if it is unknown."""
    return f"{tags[tag].character} {tags[tag].name}" if tag in tags else tag


def rewards_by_tag(judged: Iterable[Judged], tags: TagSpace) -> tuple[TagFigures, ...]:
    """Return the mean reward of each shown tag, the lowest first.

    The interval is Wilson's of a share with that mean: no rewards within [0, 1] vary more, so it is never too narrow.
    """
    rewards: defaultdict[str, list[float]] = defaultdict(list)
    for item in judged:
        if item.verdict.reward is not None:
            rewards[item.post.shown_tag].append(item.verdict.reward)
    found = [
        TagFigures(tag, label_of(tags, tag), Estimate.of_share(sum(given), len(given)))
        for tag, given in sorted(rewards.items())
    ]
    return tuple(sorted(found, key=lambda one: (one.reward.value or 0.0, one.tag)))


def confusions(judged: Iterable[Judged], tags: TagSpace) -> tuple[Confusion, ...]:
    """Return the model's mistakes, most frequent first.

    A post with several true tags counts under the one that most voters named.
    """
    wrong: Counter[tuple[str, str]] = Counter()
    among: Counter[str] = Counter()
    for item in judged:
        if item.verdict.outcome is not Outcome.NAMED:
            continue
        true = max(item.verdict.tags, key=lambda tag: (item.verdict.tags[tag], tag))
        among[true] += 1
        if item.top_tag not in item.verdict.tags:
            wrong[item.top_tag, true] += 1
    return tuple(
        Confusion(guessed, true, count, among[true], _siblings(tags, guessed, true))
        for (guessed, true), count in sorted(wrong.items(), key=lambda pair: (-pair[1], pair[0]))
    )


def _siblings(tags: TagSpace, one: str, other: str) -> bool:
    return (one in tags and other in tags[one].siblings) or (other in tags and one in tags[other].siblings)


# --- calibration ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bin:
    """Posts whose likeliest tag had a probability in [low, high): its mean, and the share that was right."""

    low: float
    high: float
    said: float
    true: Estimate


@dataclass(frozen=True, slots=True)
class Calibration:
    """How well p is calibrated. error: expected calibration error; brier: mean (p - hit)²; both None without posts.

    Naeini, Cooper & Hauskrecht, AAAI 2015; Brier, Monthly Weather Review 1950.
    """

    n: int
    bins: tuple[Bin, ...]
    error: float | None
    brier: float | None


def calibration(judged: Iterable[Judged]) -> Calibration:
    """Return how often the likeliest tag was right, by its predicted probability."""
    told = [
        (item.top_probability, found)
        for item in judged
        if (found := hit(item.top_tag, item.post.shown_tag, item.verdict)) is not None
    ]
    if not told:
        return Calibration(0, (), None, None)
    said, true = np.array([p for p, _ in told]), np.array([found for _, found in told], dtype=float)
    place = np.minimum((said * BINS).astype(int), BINS - 1)
    bins = []
    for number in range(BINS):
        mine = place == number
        if n := int(mine.sum()):
            share = Estimate.of_share(float(true[mine].sum()), n)
            bins.append(
                Bin(
                    number / BINS,
                    (number + 1) / BINS,
                    float(np.clip(said[mine].mean(), number / BINS, (number + 1) / BINS)),
                    share,
                )
            )
    error = sum(one.true.n * abs(one.said - (one.true.value or 0.0)) for one in bins) / len(told)
    return Calibration(len(told), tuple(bins), error, float(((said - true) ** 2).mean()))


# --- people ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Agreement:
    """The agreement of a round's trainers on posts of an arm (None: any): Krippendorff's α over `posts` posts."""

    round: int
    arm: Arm | None
    posts: int
    alpha: float | None


@dataclass(frozen=True, slots=True)
class Activity:
    """When colleagues vote, in their own time zone. week: 7 rows (Monday first) of 24 hours; days: votes by date."""

    zone: str
    week: tuple[tuple[int, ...], ...]
    days: tuple[tuple[date, int], ...]


@dataclass(frozen=True, slots=True)
class TrainerFigures:
    """A trainer: posts judged, and how often they agreed with the verdicts (a Beta posterior's mean, interval)."""

    name: str
    judged: int
    settled: int
    reliability: float
    low: float
    high: float


def agreement(number: int, posts: Iterable[Post], votes: Mapping[str, Sequence[Vote]], arm: Arm | None) -> Agreement:
    """Return α over the sets of tags that each voter named, with the MASI distance; other votes are left out."""
    units = []
    for post in posts:
        if arm is None or post.arm is arm:
            named: defaultdict[str, set[str]] = defaultdict(set)
            for vote in votes.get(post.id, ()):
                if vote.says is Says.NAMES and vote.tag is not None:
                    named[vote.user].add(vote.tag)
            units.append([frozenset(tags) for tags in named.values()])
    compared = [answers for answers in units if len(answers) > 1]
    return Agreement(number, arm, len(compared), krippendorff_alpha(compared, masi))


def activity(moments: Iterable[datetime], zone: tzinfo) -> Activity:
    """Count votes by hour of the week and by day."""
    week, days = np.zeros((7, 24), dtype=int), Counter[date]()
    for moment in moments:
        local = moment.astimezone(zone)
        week[local.weekday(), local.hour] += 1
        days[local.date()] += 1
    return Activity(str(zone), tuple(tuple(map(int, row)) for row in week), tuple(sorted(days.items())))


# --- policies, models -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PolicyFigures:
    """A policy's mean reward, estimated by one method. arm: on which posts; None: on all."""

    policy: str
    arm: Arm | None
    value: PolicyValue


def policy_values(judged: Sequence[Judged], arm: Arm | None) -> tuple[PolicyFigures, ...]:
    """Return the reward of the live policy, and the estimated reward of always showing the likeliest tag.

    The reward model of the doubly robust estimate is the model's own p. Empty without rewarded posts.
    """
    rewarded = [i for i in judged if i.verdict.reward is not None and (arm is None or i.post.arm is arm)]
    if not rewarded:
        return ()
    rewards = np.array([item.verdict.reward for item in rewarded], dtype=float)
    shown, top = (
        np.array([getattr(item, name) for item in rewarded]) for name in ("shown_probability", "top_probability")
    )
    propensities = np.array([item.propensity for item in rewarded])
    greedily = np.array([item.top_tag == item.post.shown_tag for item in rewarded], dtype=float)
    log = Log(rewards, propensities, greedily)
    logged = ips(Log(rewards, propensities, propensities))
    greedy = (ips(log), snips(log), doubly_robust(log, shown, top))
    return (PolicyFigures("logged", arm, logged), *(PolicyFigures("greedy", arm, value) for value in greedy))


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """A model version in the lineage. promoted: the judge's decision; None without one (the first version)."""

    id: str
    number: int
    parent: str | None
    state: str
    created_at: datetime
    promoted: bool | None
    reason: str
    verdicts: int | None
    accuracy: Estimate  # progressive, of the posts that it predicted


@dataclass(frozen=True, slots=True)
class ModelMove:
    """A version that a person promoted. back: whether it is a rollback to the parent of the live one."""

    at: datetime
    before: str
    after: str
    back: bool


@dataclass(frozen=True, slots=True)
class HeldFigures:
    """How many articles a boundary's rule held back."""

    boundary: str
    rule: str
    count: int


# --- everything -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of a workspace's last rounds, oldest first."""

    workspace: str
    made_at: datetime
    rounds: tuple[RoundFigures, ...]
    posts: int
    votes: int
    verdicts: int
    abstained: int
    labels: Mapping[str, str]  # tag → emoji and name, of the tags below
    tags: tuple[TagFigures, ...]
    confusions: tuple[Confusion, ...]
    calibration: Calibration
    honest_calibration: Calibration  # of randomly chosen posts of the blank arm
    agreement: tuple[Agreement, ...]
    activity: Activity
    trainers: tuple[TrainerFigures, ...]
    policies: tuple[PolicyFigures, ...]
    models: tuple[ModelFigures, ...]  # newest first
    moves: tuple[ModelMove, ...]  # newest first
    held_back: tuple[HeldFigures, ...]
    drift: Drift

    @property
    def champion(self) -> ModelFigures | None:
        """The live version."""
        return next((one for one in self.models if one.state == "champion"), None)

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as JSON: times and days become ISO 8601."""
        found: dict[str, Any] = json.loads(json.dumps(asdict(self), default=_iso))
        return found


def _iso(value: date) -> str:
    return value.isoformat()
