"""Defines a backtest's settings, and the policies and learners behind their names. The defaults are the live bot's."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import inf

from tierbot.domain.feedback import PlainRule
from tierbot.domain.nouns import Post, TierbotError, Verdict, Vote
from tierbot.domain.predict.policy import EpsilonPolicy
from tierbot.domain.predict.selection import SelectionMix
from tierbot.domain.training.fit import FitSettings
from tierbot.domain.training.selective import RewardTerms
from tierbot.simulate.archive import ArchiveTooSmallError, LabeledArchive
from tierbot.simulate.trainers import SimulatedTrainer

# posts, their votes by post id, and the time → verdicts by post id
Settler = Callable[[Sequence[Post], Mapping[str, Sequence[Vote]], datetime], Mapping[str, Verdict]]

_DEFAULT_START = 500
_LARGEST_WINDOW = 5  # the window is at most 1/5 of the archive
_PROBED = 1000  # rows on which a start model's accuracy is measured


class UnknownChoiceError(TierbotError):
    """An unknown policy, selection, aggregator or learner, or a number out of range."""


@dataclass(frozen=True, slots=True)
class Learner:
    """How a challenger is fitted, the weight of the start model's rows when replayed, and the reward terms."""

    fit: FitSettings = field(default_factory=FitSettings)
    replay_weight: float = 0.5
    rewards: RewardTerms = field(default_factory=RewardTerms)


# The first of each is the default, as in the live bot.
POLICIES: Mapping[str, EpsilonPolicy] = {
    "explore": EpsilonPolicy(first=0.15, last=0.05),
    "greedy": EpsilonPolicy(first=0.0, last=0.0),
}
SELECTIONS: Mapping[str, SelectionMix] = {
    "mix": SelectionMix(),
    "random": SelectionMix(random=1.0),
    "margin": SelectionMix(random=0.1, margin=1.0, warmup=0),  # always with a random share
    "diverse": SelectionMix(random=0.1, margin=0.0, warmup=0),
}
LEARNERS: Mapping[str, Learner] = {
    "default": Learner(),
    "embeddings": Learner(FitSettings(most_words=0)),
    "no-replay": Learner(replay_weight=0.0),
    "selective-reward": Learner(rewards=RewardTerms(strength=1.0)),
}
AGGREGATORS = ("plain", "anchor-aware")


@dataclass(frozen=True, slots=True)
class BacktestSettings:
    """What to replay, and how.

    The start model learns from `start` rows (None: 500, or 1/10 of a small archive; 0: a cold model), or from as many as
    it takes to reach the `start_accuracy` on the following rows.
    """

    start: int | None = None
    start_accuracy: float | None = None
    window: int = 3000  # the last rows, never shown (at most 1/5 of the archive)
    posts_per_round: int = 500
    rounds: int | None = None  # None until the archive ends
    arrivals: float = 2.0  # articles that arrive per post
    most_waiting: int = 2000  # only this many of the newest waiting articles are considered
    trainers: str | tuple[SimulatedTrainer, ...] = "default"  # or "perfect", or a file's path
    policy: str = "explore"
    selection: str = "mix"
    aggregator: str = "plain"
    learner: str = "default"
    blank_share: float = 0.15
    basic_share: float = 0.0
    minimum_voters: int = 2  # 1 for a team of one
    seed: int = 0

    def __post_init__(self) -> None:
        limits: tuple[tuple[str, float | None, float, float], ...] = (
            ("start", self.start, 0, inf),
            ("start accuracy", self.start_accuracy, 0, 1),
            ("window", self.window, 0, inf),
            ("posts per round", self.posts_per_round, 1, inf),
            ("rounds", self.rounds, 1, inf),
            ("minimum of voters", self.minimum_voters, 1, inf),
            ("arrivals per post", self.arrivals, 1, inf),
        )
        for name, value, low, high in limits:
            if value is not None and not low <= value <= high:
                bounds = f"from {low:g} to {high:g}" if high < inf else f"of at least {low:g}"
                raise UnknownChoiceError(f"The backtest's {name} is {value}. Use a number {bounds}.")
        choices: tuple[tuple[str, str, Iterable[str]], ...] = (
            ("policy", self.policy, POLICIES),
            ("selection", self.selection, SELECTIONS),
            ("learner", self.learner, LEARNERS),
            ("aggregator", self.aggregator, AGGREGATORS),
        )
        for what, name, names in choices:
            if name not in names:
                raise UnknownChoiceError(f"Unknown {what} {name!r}. Choose one of: {', '.join(names)}.")


def settler_of(settings: BacktestSettings, team: int, tags: int) -> Settler:
    """Return the aggregator, given the number of trainers and of tags."""
    minimum = min(settings.minimum_voters, max(1, team))
    if settings.aggregator == "anchor-aware" and minimum > 1:  # a single trainer can't be compared with others
        from tierbot.domain.feedback.anchor_aware.aggregator import AnchorAware  # noqa: PLC0415 - its numerics are needed here only

        aware = AnchorAware(minimum=minimum, tags=tags)
        return lambda posts, votes, now: aware.settle_all(posts, votes, ledger_cursor=0, now=now)
    rule = PlainRule(minimum=minimum)
    return lambda posts, votes, now: {
        post.id: rule.settle(post, votes[post.id], ledger_cursor=0, now=now) for post in posts
    }


def split_of(
    archive: LabeledArchive, settings: BacktestSettings, accuracy: Callable[[int, range], float]
) -> tuple[int, int]:
    """Return the number of rows for the start model and for the window; ArchiveTooSmallError if that leaves none.

    accuracy(n, rows): the accuracy, on later rows, of a start model from the first n rows.
    """
    count = len(archive)
    window = min(settings.window, count // _LARGEST_WINDOW)
    if settings.start_accuracy is not None:
        start = _start_for(settings.start_accuracy, count - window, accuracy)
    else:
        start = min(_DEFAULT_START, count // 10) if settings.start is None else settings.start
    if start + window >= count:
        raise ArchiveTooSmallError(
            f"The archive has {count} labeled articles: a start of {start} and a window of {window} leave none to ask "
            "about. Lower --start or --window, or use a larger archive."
        )
    return start, window


def _start_for(target: float, end: int, accuracy: Callable[[int, range], float]) -> int:
    """Return the fewest start rows (within 10%) whose model reaches the target accuracy on the following rows."""

    def reached(start: int) -> float:
        return accuracy(start, range(start, min(start + _PROBED, end)))

    few, many = 0, 50
    best = reached(0) if end else 0.0
    if best >= target and end:
        return 0
    while many < end:
        best = max(best, now := reached(many))
        if now >= target:
            break
        few, many = many, 2 * many
    else:
        raise ArchiveTooSmallError(
            f"No start model from this archive reaches {target:.0%} accuracy: {few} rows reach {best:.0%}. "
            "Lower --start-accuracy, or use --start."
        )
    while many - few > max(10, many // 10):
        middle = (few + many) // 2
        few, many = (few, middle) if reached(middle) >= target else (middle, many)
    return many
