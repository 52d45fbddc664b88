"""The nouns of TIER, as frozen data: no I/O, no clock, no randomness.

Every other module speaks in these. One word means one thing here, in the database, in commands and in
the documentation (see docs/design.md). Times are aware UTC datetimes; probabilities lie in [0, 1].
"""

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
"""Before anything happened."""

_Z95 = 1.959963984540054


class TierbotError(Exception):
    """A fault that a person can mend: its text says what is wrong, where, and what to do."""


def key(*parts: object) -> str:
    """Return a short stable id for a natural key (16 hex digits), so that writing twice is writing once."""
    return hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).hexdigest()


def from_slack_ts(ts: str) -> datetime:
    """Turn Slack's "1700000000.123456" into an aware UTC datetime, exact to the microsecond."""
    seconds, _, fraction = ts.partition(".")
    return datetime.fromtimestamp(int(seconds), UTC).replace(microsecond=int(fraction[:6].ljust(6, "0") or 0))


def to_slack_ts(moment: datetime) -> str:
    """Turn an aware datetime into Slack's "seconds.microseconds"."""
    return f"{int(moment.timestamp())}.{moment.microsecond:06d}"


# --- what is judged -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tag:
    """A topic with the emoji that stands for it."""

    id: str
    name: str
    short_name: str  # Slack's name of the emoji, without colons
    character: str
    description: str
    siblings: tuple[str, ...] = ()
    retired_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Thread:
    """A place in Slack where something is asked: below the message with this ts."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True)
class Article:
    """One thing to classify: a story, a message, a caption. `copies` counts the duplicates folded into it.

    asked_by: who asked for it to be judged, asked_in: where (None: in the channel, when its turn comes). check_tag:
    what is asked is whether this tag is true, and no other.
    """

    id: str
    title: str
    text: str
    url: str
    source: str
    received_at: datetime
    published_at: datetime | None = None
    image_url: str | None = None
    copies: int = 1
    asked_by: str | None = None
    asked_in: Thread | None = None
    check_tag: str | None = None

    @property
    def content(self) -> str:
        """What the classifier reads: the title, then the text."""
        return f"{self.title}. {self.text}" if self.text else self.title


@dataclass(frozen=True, slots=True)
class GivenLabel:
    """What an article is about according to an archive that was labelled elsewhere: true tags with weights in (0, 1].

    `source` names the archive: tags that occur nowhere in it were no choice there.
    """

    article_id: str
    tags: Mapping[str, float]
    source: str
    given_at: datetime


@dataclass(frozen=True, slots=True)
class Copy:
    """The same story met again: elsewhere, or told anew. `id` is a natural key, so that it counts once."""

    id: str
    article_id: str
    source: str


# --- what is predicted and asked ------------------------------------------------------------------


class Arm(StrEnum):
    """How a post asks. Drawn at random with a logged probability."""

    TIER = "tier"  # the shown tag is named, its emoji pre-filled
    BASIC = "basic"  # the shown tag is named; 👍 👎 😕 pre-filled
    BLANK = "blank"  # nothing is named or pre-filled: the unbiased control


@dataclass(frozen=True, slots=True)
class Selection:
    """How an article was chosen to be asked about, and with what probability (0 < p ≤ 1)."""

    strategy: str
    probability: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model version said of an article, and what the policy made of it.

    probabilities: the model's p over tag ids (sums to 1). policy_probabilities: π over tag ids, the
    distribution that `shown_tag` was drawn from. propensity = π(shown_tag). `metadata` holds what an auditor
    asks for later: timings, the random draw, what boundaries said, how duplicates were folded.
    """

    id: str
    article_id: str
    model_version: str
    policy: str
    shown_tag: str
    propensity: float
    probabilities: Mapping[str, float]
    policy_probabilities: Mapping[str, float]
    selection: Selection
    created_at: datetime
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def top_tag(self) -> str:
        """The model's argmax: what accuracy is measured on (the policy may have shown another)."""
        return max(self.probabilities.items(), key=itemgetter(1, 0))[0]


@dataclass(frozen=True, slots=True)
class Post:
    """A prediction put to colleagues. `ts` and `posted_at` are None until Slack has taken it."""

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
    """A post put to one trainer by direct message. What they react there is a vote on the post.

    `ts` and `sent_at` are None until Slack has taken it.
    """

    id: str
    post_id: str
    user: str
    channel: str
    created_at: datetime
    ts: str | None = None
    sent_at: datetime | None = None


# --- what colleagues say --------------------------------------------------------------------------


class Source(StrEnum):
    """How a vote was given."""

    REACTION = "reaction"
    MENU = "menu"


class Origin(StrEnum):
    """How the event came to us: as it happened, or found when comparing with Slack."""

    EVENT = "event"
    RECONCILED = "reconciled"


@dataclass(frozen=True, slots=True)
class ReactionEvent:
    """One add or remove, as it arrived. The ledger keeps these forever and changes none of them.

    For Source.MENU `name` is a tag id; for Source.REACTION it is Slack's raw emoji name, tone included.
    """

    event_id: str
    channel: str
    ts: str
    user: str
    name: str
    added: bool
    happened_at: datetime
    received_at: datetime
    source: Source = Source.REACTION
    origin: Origin = Origin.EVENT


class Says(StrEnum):
    """What a vote says of a post."""

    NAMES = "names"  # this tag is true
    REJECTS = "rejects"  # the shown tag is wrong; which is right stays unnamed
    UNSURE = "unsure"  # unsure, or several


@dataclass(frozen=True, slots=True)
class Vote:
    """The current state of one person's say on one post. `tag` is set exactly when `says` is NAMES.

    `at` is when the earliest still-standing variant was given.
    """

    user: str
    says: Says
    at: datetime
    tag: str | None = None


# --- what it settles to ---------------------------------------------------------------------------


class Outcome(StrEnum):
    """What a post's votes settle to."""

    NAMED = "named"  # one or several true tags
    WRONG = "wrong"  # the shown tag is wrong, the right one unnamed
    ABSTAINED = "abstained"  # see Verdict.reason


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the votes on one post settle to; deterministic in (ledger_cursor, aggregator, model_versions).

    tags: true tags with weights in (0, 1], empty unless outcome is NAMED. reward: in [0, 1], None without
    voters. weight: how much this verdict counts in training, in [0, 1), growing with the voters. The raw
    counts stand beside them. `reason` is "too_few" or "split" for an abstention.
    """

    post_id: str
    outcome: Outcome
    tags: Mapping[str, float]
    reward: float | None
    weight: float
    voters: int
    support: Mapping[str, int]
    rejects: int
    unsure: int
    aggregator: str
    ledger_cursor: int
    settled_at: datetime
    reason: str | None = None
    model_versions: tuple[str, ...] = ()


# --- the game -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Round:
    """About a week of play. Frozen standings never change again."""

    number: int
    opened_at: datetime
    closes_at: datetime
    frozen_at: datetime | None = None
    champion: str | None = None  # 🏆 most articles judged
    sharpshooter: str | None = None  # 🎯 best agreement with settled verdicts


@dataclass(frozen=True, slots=True)
class Standing:
    """One trainer's line in the standings of a round (or of all time).

    agreement: share of `settled` judged articles on which the trainer named a true tag (or rejected a wrong
    one), None if nothing settled.
    """

    rank: int
    user: str
    score: int
    judged: int
    agreed: int
    settled: int

    @property
    def agreement(self) -> float | None:
        """Agreed over settled, in [0, 1]."""
        return self.agreed / self.settled if self.settled else None


@dataclass(frozen=True, slots=True)
class Trainer:
    """A colleague who reacts, as far as they told us something; score, streak and reliability are derived.

    name: what they go by, to be shown where a mention would ping someone who does not want it. opted_out: of
    mentions and nudges. notes: what was done for them (JSON), so that it is not done twice.
    """

    user: str
    name: str = ""
    opted_out: bool = False
    notes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share with its 95 % interval (Wilson), and how many it rests on. None without observations."""

    n: int
    value: float | None
    low: float | None
    high: float | None

    @classmethod
    def of_share(cls, hits: float, n: int) -> Estimate:
        """Return hits / n with its 95 % interval (Wilson, JASA 1927), which behaves at both ends."""
        if n == 0:
            return cls(0, None, None, None)
        share, bottom = hits / n, 1 + _Z95**2 / n
        middle = (share + _Z95**2 / (2 * n)) / bottom
        half = _Z95 * sqrt(share * (1 - share) / n + _Z95**2 / (4 * n**2)) / bottom
        # nearly 0 and 1 at the ends, where rounding could leave the share itself outside
        return cls(n, share, min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half)))


# --- models ---------------------------------------------------------------------------------------


class ModelState(StrEnum):
    """Where a model version stands. One champion at a time answers for the workspace."""

    CHALLENGER = "challenger"
    CHAMPION = "champion"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """Weights (kept beside, by sha256) and the card that says where they come from and what was measured."""

    id: str
    number: int
    parent: str | None
    state: ModelState
    encoder_digest: str
    sha256: str
    created_at: datetime
    card: Mapping[str, Any]
