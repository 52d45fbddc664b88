"""Compute the report's figures from settled posts and votes. Unknown values are None, never zero."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any

import numpy as np
import orjson

from tierbot.domain.feedback.crowd.agreement import krippendorff_alpha, masi
from tierbot.domain.nouns import Arm, Estimate, Outcome, Post, Says, SettledPost, Vote
from tierbot.domain.rounds.figures import RoundFigures
from tierbot.domain.tags import TagSpace
from tierbot.domain.training.drift import Drift
from tierbot.domain.training.judge import hit
from tierbot.domain.training.offpolicy import Log, PolicyValue, doubly_robust, ips, snips

BINS = 10  # of the reliability diagram, of equal width


@dataclass(frozen=True, slots=True)
class Judged(SettledPost):
    """A settled post with the model's p of its top tag and of the shown tag, in [0, 1]."""

    top_probability: float
    shown_probability: float


@dataclass(frozen=True, slots=True)
class TagFigures:
    """A tag's mean reward on the posts that showed it, in [0, 1]."""

    tag: str
    label: str  # emoji and name
    reward: Estimate


@dataclass(frozen=True, slots=True)
class Confusion:
    """How often `guessed` was predicted when `true` was true. `among`: posts on which `true` was true."""

    guessed: str
    true: str
    count: int
    among: int
    siblings: bool


def label_of(tags: TagSpace, tag: str) -> str:
    """Return a tag's emoji and name, or its id if it is unknown."""
    return f"{tags[tag].character} {tags[tag].name}" if tag in tags else tag


def rewards_by_tag(judged: Iterable[Judged], tags: TagSpace) -> tuple[TagFigures, ...]:
    """Return the mean reward of each shown tag, lowest first; Wilson's interval is never too narrow for rewards."""
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
    """Return the model's mistakes, most frequent first; of several true tags, the one that most voters named counts."""
    wrong: Counter[tuple[str, str]] = Counter()
    among: Counter[str] = Counter()
    for item in judged:
        if item.verdict.outcome is not Outcome.NAMED:
            continue
        true = max(item.verdict.tags, key=lambda tag: (item.verdict.tags[tag], tag))
        among[true] += 1
        if item.top_tag not in item.verdict.tags:
            wrong[item.top_tag, true] += 1
    siblings = {frozenset((tag.id, other)) for tag in tags for other in tag.siblings}
    return tuple(
        Confusion(guessed, true, count, among[true], frozenset((guessed, true)) in siblings)
        for (guessed, true), count in sorted(wrong.items(), key=lambda pair: (-pair[1], pair[0]))
    )


@dataclass(frozen=True, slots=True)
class Bin:
    """Posts whose likeliest tag had a probability in [low, high): `predicted`, its mean, and the share that was true."""

    low: float
    high: float
    predicted: float
    true: Estimate


@dataclass(frozen=True, slots=True)
class Calibration:
    """How well p is calibrated (Naeini, Cooper & Hauskrecht, AAAI 2015; Brier, Monthly Weather Review 1950)."""

    n: int
    bins: tuple[Bin, ...]
    error: float | None  # expected calibration error; None without posts
    brier: float | None  # mean (p − hit)²


def calibration(judged: Iterable[Judged]) -> Calibration:
    """Return how often the likeliest tag was true, by the model's probability for it."""
    conclusive = [
        (item.top_probability, found)
        for item in judged
        if (found := hit(item.top_tag, item.post.shown_tag, item.verdict)) is not None
    ]
    if not conclusive:
        return Calibration(0, (), None, None)
    p, true = np.array([p for p, _ in conclusive]), np.array([found for _, found in conclusive], dtype=float)
    place = np.minimum((p * BINS).astype(int), BINS - 1)
    bins = []
    for number in range(BINS):
        mine = place == number
        if n := int(mine.sum()):
            share = Estimate.of_share(float(true[mine].sum()), n)
            low, high = number / BINS, (number + 1) / BINS
            bins.append(Bin(low, high, float(p[mine].mean().clip(low, high)), share))  # rounding may leave the bin
    error = sum(one.true.n * abs(one.predicted - (one.true.value or 0.0)) for one in bins) / len(conclusive)
    return Calibration(len(conclusive), tuple(bins), error, float(((p - true) ** 2).mean()))


@dataclass(frozen=True, slots=True)
class Agreement:
    """Krippendorff's α of a round's trainers over `posts` posts of an arm (None: all arms)."""

    round: int
    arm: Arm | None
    posts: int
    alpha: float | None


@dataclass(frozen=True, slots=True)
class Activity:
    """When colleagues vote, in time zone `zone`. week: 7 rows (Monday first) of 24 hours; days: votes by date."""

    zone: str
    week: tuple[tuple[int, ...], ...]
    days: tuple[tuple[date, int], ...]


@dataclass(frozen=True, slots=True)
class TrainerFigures:
    """A trainer's judged posts and agreement with verdicts (a Beta posterior's mean and interval)."""

    name: str
    judged: int
    settled: int
    reliability: float
    low: float
    high: float


def agreement(number: int, posts: Iterable[Post], votes: Mapping[str, Sequence[Vote]], arm: Arm | None) -> Agreement:
    """Return α over the tag sets that voters named, with MASI distance; votes that name no tag are left out."""
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


@dataclass(frozen=True, slots=True)
class PolicyFigures:
    """A policy's reward per post, estimated with one method on posts of an arm (None: all arms)."""

    policy: str
    arm: Arm | None
    value: PolicyValue


def policy_values(judged: Sequence[Judged], arm: Arm | None) -> tuple[PolicyFigures, ...]:
    """Return the logged policy's reward, and estimates for always showing the likeliest tag; empty without rewards."""
    rewarded = [i for i in judged if i.verdict.reward is not None and (arm is None or i.post.arm is arm)]
    if not rewarded:
        return ()
    rewards = np.array([item.verdict.reward for item in rewarded], dtype=float)
    shown = np.array([item.shown_probability for item in rewarded])
    top = np.array([item.top_probability for item in rewarded])
    propensities = np.array([item.propensity for item in rewarded])
    greedily = np.array([item.top_tag == item.post.shown_tag for item in rewarded], dtype=float)
    log = Log(rewards, propensities, greedily)
    logged = ips(Log(rewards, propensities, propensities))
    greedy = (ips(log), snips(log), doubly_robust(log, shown, top))
    return (PolicyFigures("logged", arm, logged), *(PolicyFigures("greedy", arm, value) for value in greedy))


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """A model version in the lineage. promoted: the promotion test's decision, None if there was no test."""

    id: str
    number: int
    parent: str | None
    state: str
    created_at: datetime
    promoted: bool | None
    reason: str
    verdicts: int | None
    accuracy: Estimate  # progressive validation, on the posts that it predicted


@dataclass(frozen=True, slots=True)
class ModelMove:
    """A version put into service by a person. back: whether this rolled back to the previous version's parent."""

    at: datetime
    before: str
    after: str
    back: bool


@dataclass(frozen=True, slots=True)
class HeldFigures:
    """The number of articles that a boundary's rule held back."""

    boundary: str
    rule: str
    count: int


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
    labels: Mapping[str, str]  # tag → emoji and name
    tags: tuple[TagFigures, ...]
    confusions: tuple[Confusion, ...]
    calibration: Calibration
    unbiased_calibration: Calibration  # on randomly selected posts of the blank arm
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
        """The version in service."""
        return next((one for one in self.models if one.state == "champion"), None)

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as plain JSON data, with times and dates in ISO 8601."""
        return dict(orjson.loads(orjson.dumps(self)))
