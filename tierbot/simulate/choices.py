"""What a backtest can be told, and the deciders that the names stand for. Defaults are the live bot's."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tierbot.domain.feedback import PlainRule
from tierbot.domain.nouns import Post, TierbotError, Verdict, Vote
from tierbot.domain.predict.asking import Asker
from tierbot.domain.predict.policy import EpsilonPolicy
from tierbot.domain.predict.selection import SelectionMix
from tierbot.domain.training.fit import FitSettings
from tierbot.domain.training.selective import RewardTerms
from tierbot.simulate.archive import ArchiveTooSmallError, LabeledArchive
from tierbot.simulate.trainers import SimulatedTrainer

Settler = Callable[[Sequence[Post], Mapping[str, Sequence[Vote]], datetime], Mapping[str, Verdict]]
"""Settles posts, given the votes on each by post id, at a moment; returns verdicts by post id."""

_USUAL_START = 500
_LARGEST_WINDOW = 5  # the window takes at most a fifth of the archive
_PROBED = 1000  # later rows that a start model's accuracy is measured on


class UnknownChoiceError(TierbotError):
    """A name that stands for no policy, selection, aggregator or learner."""


@dataclass(frozen=True, slots=True)
class Learner:
    """How a challenger is fitted, how much the start model's rows count when they are replayed, which rewards teach."""

    fit: FitSettings = field(default_factory=FitSettings)
    replay_weight: float = 0.5
    rewards: RewardTerms = field(default_factory=RewardTerms)


# The first of each is the default; those are what `loop.Loop` makes of the default settings.
POLICIES: Mapping[str, EpsilonPolicy] = {
    "explore": EpsilonPolicy(first=0.15, last=0.05),
    "greedy": EpsilonPolicy(first=0.0, last=0.0),
}
SELECTIONS: Mapping[str, SelectionMix] = {
    "mix": SelectionMix(),
    "random": SelectionMix(random=1.0),
    "margin": SelectionMix(random=0.1, margin=1.0, warmup=0),  # a share of plain random always
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
    """What to replay and how.

    start: rows that the start model learns from (None: 500, of a small archive a tenth; 0: a cold model), or
    start_accuracy: as many as it takes to reach this accuracy on the rows after them. window: the last rows, never
    shown (at most a fifth of the archive). arrivals: articles that come in for each one asked about.
    most_waiting: of those that wait, the newest so many are considered. rounds: None until the archive ends.
    trainers: "default", "perfect", the path of a file, or trainers. minimum_voters: a team of one has 1.
    """

    start: int | None = None
    start_accuracy: float | None = None
    window: int = 3000
    posts_per_round: int = 500
    rounds: int | None = None
    arrivals: float = 2.0
    most_waiting: int = 2000
    trainers: str | tuple[SimulatedTrainer, ...] = "default"
    policy: str = "explore"
    selection: str = "mix"
    aggregator: str = "plain"
    learner: str = "default"
    blank_share: float = 0.15
    basic_share: float = 0.0
    minimum_voters: int = 2
    judge_on: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value, most in (
            ("start", self.start, None),
            ("start accuracy", self.start_accuracy, 1),
            ("window", self.window, None),
        ):
            if value is not None and not (value >= 0 and (most is None or value <= most)):
                raise UnknownChoiceError(
                    f"The backtest's {name} is {value}. Give a number from 0{' to 1' * (most == 1)}."
                )
        for name, value in (
            ("posts per round", self.posts_per_round),
            ("rounds", self.rounds),
            ("minimum of voters", self.minimum_voters),
        ):
            if value is not None and value < 1:
                raise UnknownChoiceError(f"The backtest's {name} is {value}. Give 1 or more.")
        if not self.arrivals >= 1:
            raise UnknownChoiceError(f"The backtest's arrivals are {self.arrivals} per post. Give 1 or more.")
        _known("policy", self.policy, POLICIES)
        _known("selection", self.selection, SELECTIONS)
        _known("learner", self.learner, LEARNERS)
        _known("aggregator", self.aggregator, AGGREGATORS)


def _known(what: str, name: str, names: Mapping[str, object] | Sequence[str]) -> None:
    if name not in names:
        raise UnknownChoiceError(f"There is no {what} {name!r}. Choose one of: {', '.join(names)}.")


def asker_of(settings: BacktestSettings) -> Asker:
    """Return how posts are asked about."""
    return Asker(
        policy=POLICIES[settings.policy],
        mix=SELECTIONS[settings.selection],
        blank_share=settings.blank_share,
        basic_share=settings.basic_share,
    )


def learner_of(settings: BacktestSettings) -> Learner:
    """Return how challengers are made."""
    return LEARNERS[settings.learner]


def settler_of(settings: BacktestSettings, team: int, tags: int) -> Settler:
    """Return how votes settle, for a team of so many and so many tags."""
    minimum = min(settings.minimum_voters, max(1, team))
    if settings.aggregator == "anchor-aware" and minimum > 1:  # whoever judges alone can be compared with nobody
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
    """Return how many rows the start model gets and how many the window has.

    `accuracy(n, rows)` is that of a start model from the first n rows on the given later ones. Raises
    ArchiveTooSmallError if nothing is left to ask about, or the start accuracy is not reached.
    """
    count = len(archive)
    window = min(settings.window, count // _LARGEST_WINDOW)
    if settings.start_accuracy is not None:
        start = _start_for(settings.start_accuracy, count - window, accuracy)
    else:
        start = min(_USUAL_START, count // 10) if settings.start is None else settings.start
    if start + window >= count:
        raise ArchiveTooSmallError(
            f"The archive has {count} labeled articles: a start of {start} and a window of {window} leave none to ask "
            "about. Lower --start or --window, or give a larger archive."
        )
    return start, window


def _start_for(wanted: float, end: int, accuracy: Callable[[int, range], float]) -> int:
    """Return the fewest start rows (within a tenth) whose model is as accurate as wanted on the rows after them."""

    def reached(start: int) -> float:
        return accuracy(start, range(start, min(start + _PROBED, end)))

    few, many = 0, 50
    best = reached(0) if end else 0.0
    if best >= wanted and end:
        return 0
    while many < end:
        best = max(best, now := reached(many))
        if now >= wanted:
            break
        few, many = many, 2 * many
    else:
        raise ArchiveTooSmallError(
            f"No start model from this archive is {wanted:.0%} accurate: {few} rows give {best:.0%}. "
            "Lower --start-accuracy, or give --start."
        )
    while many - few > max(10, many // 10):
        middle = (few + many) // 2
        few, many = (few, middle) if reached(middle) >= wanted else (middle, many)
    return many
