"""What people ask of the game: a leaderboard, their own score, how the round is going."""

from dataclasses import dataclass
from datetime import datetime

from tierbot.domain.nouns import Estimate, Round, Standing


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """Standings of one round, or of all time (`round_number` None); frozen ones never change."""

    round_number: int | None
    frozen: bool
    closes_at: datetime | None
    champion: str | None
    sharpshooter: str | None
    standings: tuple[Standing, ...]


@dataclass(frozen=True, slots=True)
class MyScore:
    """One trainer's own view of the current round. `ahead` is the next trainer with a higher score."""

    user: str
    round_number: int
    standing: Standing | None
    ahead: Standing | None
    trainers: int
    streak: int  # days in a row, today or yesterday the last, with at least one article judged


@dataclass(frozen=True, slots=True)
class RoundStatus:
    """How a round is going: counts of posts, and progressive accuracy on all posts and on the blank arm."""

    round: Round
    posts: int
    judged: int  # posts with at least one vote
    named: int  # posts settled to named tags
    wrong: int  # posts settled to wrong-but-unnamed
    abstained: int
    trainers: int
    accuracy: Estimate
    blank_accuracy: Estimate


@dataclass(frozen=True, slots=True)
class RoundAccuracy:
    """A round's progressive accuracy: on all its posts, and on the blank arm's randomly chosen ones."""

    number: int
    all: Estimate
    blank: Estimate


@dataclass(frozen=True, slots=True)
class Home:
    """What App Home shows one trainer. `progress` is by round, oldest first; `model` the version in service."""

    score: MyScore
    board: Leaderboard
    progress: tuple[RoundAccuracy, ...]
    model: str | None
    opted_out: bool
