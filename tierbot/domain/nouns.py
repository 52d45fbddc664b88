"""Defines the nouns of TIER as frozen data. Times are aware UTC datetimes; probabilities are in [0, 1]."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from math import sqrt
from operator import itemgetter
from typing import Any

DAWN = datetime(1970, 1, 1, tzinfo=UTC)
"""Earlier than any event."""

Z95 = 1.959963984540054
"""The normal quantile of a 95% interval."""


class TierbotError(Exception):
    """An error that a person can fix: its text says what is wrong, where, and what to do."""


class StoppedError(TierbotError):
    """A signal ended a process before its work began, which isn't a failure."""


def key(*parts: object) -> str:
    """Return a short, stable id for a natural key (16 hex digits), which makes writes idempotent."""
    return hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).hexdigest()


def from_slack_ts(ts: str) -> datetime:
    """Turn Slack's "1700000000.123456" into an aware UTC datetime, exact to the microsecond."""
    seconds, _, fraction = ts.partition(".")
    return datetime.fromtimestamp(int(seconds), UTC).replace(microsecond=int(fraction[:6].ljust(6, "0") or 0))


def to_slack_ts(moment: datetime) -> str:
    """Turn an aware datetime into Slack's "seconds.microseconds"."""
    return f"{int(moment.timestamp())}.{moment.microsecond:06d}"


@dataclass(frozen=True, slots=True)
class Tag:
    """A topic and its emoji."""

    id: str
    name: str
    short_name: str  # Slack's name of the emoji, without colons
    character: str
    description: str
    siblings: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()  # other words that people search for
    retired_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Thread:
    """A Slack thread in which a question is asked: the replies to the message with this ts."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True)
class Article:
    """One thing to classify: a story, a message, a caption. `copies` counts the duplicates folded into it."""

    id: str
    title: str
    text: str
    url: str
    source: str
    received_at: datetime
    published_at: datetime | None = None
    image_url: str | None = None
    copies: int = 1
    asked_by: str | None = None  # the user who requested tags for it
    asked_in: Thread | None = None  # the thread to ask in (None: in the channel, when its turn comes)
    check_tag: str | None = None  # ask only whether this tag is true
    feeds: tuple[str, ...] = ()  # the URLs of the feeds that carry it

    @property
    def content(self) -> str:
        """The classifier's input: the title, then the text."""
        return f"{self.title}. {self.text}" if self.text else self.title


@dataclass(frozen=True, slots=True)
class GivenLabel:
    """An article's true tags, weights in (0, 1]; a tag that never occurs in an archive wasn't an option there."""

    article_id: str
    tags: Mapping[str, float]
    source: str
    given_at: datetime


@dataclass(frozen=True, slots=True)
class Copy:
    """Another copy of an article, from another source or reworded. `id` is a natural key, so it counts once."""

    id: str
    article_id: str
    source: str


class Arm(StrEnum):
    """How a post asks; drawn at random with a logged probability."""

    TIER = "tier"  # the shown tag is named, its emoji pre-filled
    BASIC = "basic"  # the shown tag is named; 👍 👎 😕 pre-filled
    BLANK = "blank"  # nothing is named or pre-filled: the unbiased control


RANDOM = "random"  # from the sampling frame: a fair sample of what arrives
REST = "rest"  # at random, too, but from outside the frame
TRENDING = "trending"
MARGIN = "margin"
DIVERSE = "diverse"


@dataclass(frozen=True, slots=True)
class Selection:
    """How an article was selected for posting, and with what probability (0 < p ≤ 1)."""

    strategy: str  # RANDOM, REST, TRENDING, MARGIN or DIVERSE
    probability: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """A model version's prediction for an article, and the tag that the policy chose to show."""

    id: str
    article_id: str
    model_version: str
    policy: str
    shown_tag: str
    propensity: float  # π(shown_tag)
    probabilities: Mapping[str, float]  # the model's p over tag ids (sums to 1)
    policy_probabilities: Mapping[str, float]  # π over tag ids, the distribution that `shown_tag` was drawn from
    selection: Selection
    created_at: datetime
    metadata: Mapping[str, Any] = field(default_factory=dict)  # for audits, such as timings and masked tags

    @property
    def top_tag(self) -> str:
        """The model's argmax, on which accuracy is measured (the policy may have shown another tag)."""
        return max(self.probabilities.items(), key=itemgetter(1, 0))[0]


@dataclass(frozen=True, slots=True)
class Post:
    """A prediction posted to Slack. `ts` and `posted_at` are None until Slack has accepted it."""

    id: str
    prediction_id: str
    article_id: str
    round_number: int
    arm: Arm
    arm_probability: float
    shown_tag: str
    channel: str
    created_at: datetime
    ts: str | None = None
    posted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Invitation:
    """A post sent to one trainer as a direct message; reactions there are votes on the post."""

    id: str
    post_id: str
    user: str
    channel: str
    created_at: datetime
    ts: str | None = None  # until Slack has accepted it
    sent_at: datetime | None = None


class Source(StrEnum):
    """How a vote was cast."""

    REACTION = "reaction"
    MENU = "menu"


class Origin(StrEnum):
    """How we learned of an event: from Slack as it happened, or later by reconciliation."""

    EVENT = "event"
    RECONCILED = "reconciled"


@dataclass(frozen=True, slots=True)
class ReactionEvent:
    """One reaction added or removed, as it arrived. The ledger is append-only: these never change."""

    event_id: str
    channel: str
    ts: str
    user: str
    name: str  # Slack's raw emoji name, skin tone included; for Source.MENU, a tag id
    added: bool
    happened_at: datetime
    received_at: datetime
    source: Source = Source.REACTION
    origin: Origin = Origin.EVENT


class Says(StrEnum):
    """What a vote says about a post."""

    NAMES = "names"  # this tag is true
    REJECTS = "rejects"  # the shown tag is wrong; the right one isn't named
    UNSURE = "unsure"  # unsure, or several tags


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's current vote on one post. `tag` is set if and only if `says` is NAMES."""

    user: str
    says: Says
    at: datetime  # when the earliest variant that still counts was added
    tag: str | None = None


class Outcome(StrEnum):
    """What a post's votes settle to."""

    NAMED = "named"  # one or more true tags
    WRONG = "wrong"  # the shown tag is wrong; the right one isn't named
    ABSTAINED = "abstained"  # see Verdict.reason


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the votes on one post settle to; deterministic in (ledger_cursor, aggregator). Counts are raw."""

    post_id: str
    outcome: Outcome
    tags: Mapping[str, float]  # true tags with weights in (0, 1], empty unless outcome is NAMED
    reward: float | None  # in [0, 1], None without voters
    weight: float  # how much the verdict counts in training, in [0, 1); it grows with the number of voters
    voters: int
    support: Mapping[str, int]
    rejects: int
    unsure: int
    aggregator: str
    ledger_cursor: int
    settled_at: datetime
    reason: str | None = None  # "too_few" or "split" for an abstention
    model_versions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SettledPost:
    """A post with its newest verdict, but without the two distributions: 100,000 of these fit in memory."""

    post: Post
    verdict: Verdict
    model_version: str
    top_tag: str  # the model's argmax, on which accuracy is measured
    propensity: float
    selection: Selection


@dataclass(frozen=True, slots=True)
class Round:
    """About a week of play. Its standings never change once they are frozen."""

    number: int
    opened_at: datetime
    closes_at: datetime
    frozen_at: datetime | None = None
    champion: str | None = None  # 🏆 most articles judged
    sharpshooter: str | None = None  # 🎯 best agreement with settled verdicts


@dataclass(frozen=True, slots=True)
class Standing:
    """One trainer's row in the standings of a round, or of all time."""

    rank: int
    user: str
    score: int
    judged: int
    agreed: int  # of the `settled` articles, those on which the trainer named a true tag or rejected a wrong one
    settled: int

    @property
    def agreement(self) -> float | None:
        """Agreed / settled, in [0, 1]; None if nothing has settled."""
        return self.agreed / self.settled if self.settled else None


@dataclass(frozen=True, slots=True)
class Trainer:
    """A colleague who reacts: what is stored about them. Score, streak and reliability are derived."""

    user: str
    name: str = ""  # shown instead of a mention to people who don't want to be pinged
    opted_out: bool = False  # of mentions and nudges
    notes: Mapping[str, Any] = field(default_factory=dict)  # what the bot has already done for them (JSON)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share of n observations with its 95% interval (Wilson); all None if n is 0."""

    n: int
    value: float | None
    low: float | None
    high: float | None

    @classmethod
    def of_share(cls, hits: float, n: int) -> Estimate:
        """Return hits / n with its 95% interval."""
        if n == 0:
            return cls(0, None, None, None)
        return cls(n, hits / n, *wilson_interval(hits / n, n))


def wilson_interval(share: float, n: float) -> tuple[float, float]:
    """Return the 95% interval of a share of n > 0 observations (Wilson, JASA 1927), which stays in [0, 1]."""
    bottom = 1 + Z95**2 / n
    middle = (share + Z95**2 / (2 * n)) / bottom
    half = Z95 * sqrt(max(0.0, share * (1 - share)) / n + Z95**2 / (4 * n**2)) / bottom
    # near 0 and 1, rounding could exclude the share itself
    return min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half))


class ModelState(StrEnum):
    """The state of a model version. Each workspace has one champion at a time."""

    CHALLENGER = "challenger"
    CHAMPION = "champion"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A model's card: its lineage, its data and its metrics. The weights are stored separately, by sha256."""

    id: str
    number: int
    parent: str | None
    state: ModelState
    encoder_digest: str
    sha256: str
    created_at: datetime
    card: Mapping[str, Any]
