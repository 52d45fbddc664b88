"""The views of the game: the leaderboard, a trainer's own score, the status of a round."""

from dataclasses import dataclass
from datetime import datetime

from tierbot.domain.nouns import Estimate, Round, Standing
from tierbot.domain.rounds.figures import RoundFigures


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """The standings of one round, or of all time (`round_number` None); frozen standings never change."""

    round_number: int | None
    frozen: bool
    closes_at: datetime | None
    champion: str | None
    sharpshooter: str | None
    standings: tuple[Standing, ...]


@dataclass(frozen=True, slots=True)
class MyScore:
    """One trainer's view of the current round. ahead: the trainer with the next higher score."""

    user: str
    round_number: int
    standing: Standing | None
    ahead: Standing | None
    trainers: int
    streak: int  # days in a row, up to today or yesterday, with at least one article judged


@dataclass(frozen=True, slots=True)
class RoundStatus:
    """The status of a round: counts of posts, and the model's progressive accuracy on all and on blank posts."""

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
class Queue:
    """What is waiting to be posted.

    waiting: articles never posted and not held back. requested: posts still to make of the pushes that admins asked for.
    unsent: posts on their way to Slack. next_push: when the next scheduled push is due. paused: scheduled posts are paused.
    """

    waiting: int
    requested: int
    unsent: int
    next_push: datetime | None
    paused: bool

    def posts_of(self, count: int) -> int:
        """Return how many posts a push of `count` more articles can make."""
        return max(0, min(count, self.waiting - self.requested))


@dataclass(frozen=True, slots=True)
class Push:
    """The answer to a request for `count` posts.

    posts: how many will be made. queue: what waited before. seconds: until they are in Slack, at the pace of the settings.
    quiet: scheduled posts are off at this hour.
    """

    count: int
    posts: int
    queue: Queue
    seconds: float
    quiet: bool


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What a retraining can learn from.

    verdicts: posts settled to a label. new: those settled since the newest model was made. imported: there are imported
    labels. judged: posts of this round with a vote. untrainable: the external predictor in service, if it can't be trained.
    """

    verdicts: int
    new: int
    imported: bool
    judged: int
    untrainable: str | None = None


@dataclass(frozen=True, slots=True)
class Home:
    """What App Home shows one trainer. progress: by round, oldest first; model: the live version."""

    score: MyScore
    board: Leaderboard
    progress: tuple[RoundFigures, ...]
    model: str | None
    opted_out: bool
    queue: Queue
