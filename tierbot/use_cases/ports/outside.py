"""Ports to everything but the database: the clock, the encoder, feeds, Slack, predictors, model files, the meter."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from tierbot.domain.articles.feeds import Feed, FeedMemory, FeedResult
from tierbot.domain.nouns import Article, ModelVersion, Post, TierbotError
from tierbot.domain.tags import TagSpace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tierbot.domain.predict.model import Predictor
    from tierbot.domain.training.external_predictor import Lesson, Taught


class Clock(Protocol):
    """The current time, always aware UTC, and a monotonic time, because the machine's clock may be set back or forward."""

    def now(self) -> datetime:
        """Return the current time, aware UTC."""

    def monotonic(self) -> float:
        """Return seconds that only increase, for waits within this process."""


class Encoder(Protocol):
    """Turns texts into sentence embeddings."""

    @property
    def digest(self) -> str:
        """A sha256 over what determines the embeddings (weights, tokenizer, truncation); stored with each."""

    @property
    def dimension(self) -> int:
        """Length of an embedding."""

    def encode(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Return unit-length embeddings, shape (len(texts), dimension)."""


class Feeds(Protocol):
    """The open web's feeds."""

    def poll(
        self, feeds: Sequence[Feed], memory: Mapping[str, FeedMemory], now: datetime
    ) -> Iterable[Sequence[FeedResult]]:
        """Read all feeds in parallel; return a result for each, some at a time. memory: their last states, by address."""


class ChatError(TierbotError):
    """The chat service permanently refused a call; `code` is its own (`channel_not_found`)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class RateLimitedError(TierbotError):
    """The chat service asks for a pause of `retry_after` seconds before `method` is called again in this workspace."""

    def __init__(self, method: str, retry_after: float) -> None:
        super().__init__(f"{method}: rate limited for {retry_after:g} s")
        self.method = method
        self.retry_after = retry_after


class ChatUnavailableError(TierbotError):
    """No answer, or a 5xx: the call may or may not have happened."""


Span = tuple[datetime, datetime]
"""From when to when, both included."""


@dataclass(frozen=True, slots=True)
class PostView:
    """Everything a post's message shows. `tag_id` is None in the blank arm.

    named_by_menu: how many people named each tag (by id) by menu. thread: the ts of the thread's first message, None for the
    channel itself.
    """

    post: Post
    article: Article
    tags: TagSpace
    tag_id: str | None
    named_by_menu: Mapping[str, int] = field(default_factory=dict)
    thread: str | None = None


@dataclass(frozen=True, slots=True)
class ReactionCount:
    """One emoji on one message. `complete`: `users` is not truncated."""

    name: str
    users: tuple[str, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a look-up: the message's ts if it is there, else the cursor of the next page (None: no more pages)."""

    ts: str | None
    cursor: str | None = None


class Chat(Protocol):
    """A Slack workspace to write to. Every method raises ChatError, RateLimitedError or ChatUnavailableError."""

    def post(self, view: PostView, delivery_id: str) -> str:
        """Send a post's message, marked with `delivery_id`; return its ts."""

    def revise(self, view: PostView) -> None:
        """Update a sent post's message; does nothing if the message is gone."""

    def react(self, channel: str, ts: str, emoji: str) -> None:
        """Add the bot's own reaction unless it is there."""

    def announce(
        self, channel: str, announcement: Mapping[str, Any], delivery_id: str, thread: str | None = None
    ) -> str:
        """Send an announcement (kinds: adapters/slack/messages/announcements.py), marked with `delivery_id`; return its ts."""

    def whisper(self, channel: str, user: str, announcement: Mapping[str, Any]) -> None:
        """Show an announcement in a channel to one user only. It cannot be found again: after a crash it may repeat."""

    def picture(self, channel: str, png: bytes, title: str, alt: str, delivery_id: str) -> str:
        """Share a picture, marked with `delivery_id`, `alt` for screen readers; return its file's id."""

    def find(
        self, channel: str, delivery_id: str, span: Span, thread: str | None = None, cursor: str | None = None
    ) -> Page:
        """Look on one page, the first or that of a cursor, for the message marked with `delivery_id`, sent within a span.

        thread: the ts of its thread's first message. One call to Slack.
        """

    def channel_with(self, ts: str) -> str | None:
        """Return which of the bot's channels has a message of the bot with this ts; None if none has."""

    def direct(self, user: str) -> str:
        """Return the id of the direct message channel with a user."""

    def is_colleague(self, user: str) -> bool:
        """Return whether a user is an active member of this workspace, not a bot or someone from another company."""

    def emoji_aliases(self) -> dict[str, str]:
        """Return the workspace's own aliases of emoji: alias → the name that it stands for."""

    def reactions(self, channel: str, ts: str) -> list[ReactionCount] | None:
        """Return the current reactions on a message; None if the message is gone."""


@dataclass(frozen=True, slots=True)
class InstalledPredictor:
    """An installed external predictor; version: its distribution's."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class LoadedPredictor:
    """An imported external predictor. digest: a sha256 over its code and, if known, its weights."""

    name: str
    version: str
    digest: str
    predictor: "Predictor"


class Predictors(Protocol):
    """The external predictors in this environment."""

    def installed(self) -> list[InstalledPredictor]:
        """Return the installed predictors, usable or not."""

    def load(self, name: str) -> LoadedPredictor:
        """Return a predictor. Raises PredictorError if it is not installed or cannot be used."""

    def teach(self, lesson: "Lesson") -> "Taught":
        """Train a predictor. Raises PredictorError, or TrainingInterruptedError if it ended without a result."""


class ModelFiles(Protocol):
    """Models as files: the bootstrap model that ships, and the champion for others to load."""

    def bootstrap(self) -> tuple[ModelVersion, bytes]:
        """Return the bootstrap model: its version and weights."""

    def bootstrap_rows(self) -> bytes | None:
        """Return the features of the bootstrap model's labeled rows, which retraining replays; None if it has none."""

    def publish(self, version: ModelVersion, weights: bytes, workspace: str) -> None:
        """Write a workspace's champion as files, atomically replacing the previous one; does nothing if it's there."""


class Meter(Protocol):
    """Collects counts and timings of one process, without naming people. Thread-safe; methods never raise."""

    def answered(self, kind: str, seconds: float, *, acknowledged: bool, lag: float | None) -> None:
        """Record after how many seconds a payload of this kind was answered.

        lag: seconds from the event in Slack to its row in the ledger, where both are known.
        """

    def rate_limited(self, method: str) -> None:
        """Record that Slack answered a Web API method with 429."""

    def worked(self, work: str, seconds: float, *, failed: bool) -> None:
        """Record how many seconds a piece of work (settling, a job) took."""


class NoMeter:
    """A Meter that records nothing."""

    def answered(self, kind: str, seconds: float, *, acknowledged: bool, lag: float | None) -> None:
        """Record nothing."""

    def rate_limited(self, method: str) -> None:
        """Record nothing."""

    def worked(self, work: str, seconds: float, *, failed: bool) -> None:
        """Record nothing."""
