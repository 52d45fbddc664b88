"""Ports to what is not the database: the clock, the encoder, the web's feeds, Slack, and models as files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.articles.feeds import Feed, FeedMemory, FeedResult
from tierbot.domain.nouns import Article, ModelVersion, Post, TierbotError
from tierbot.domain.predict.model import Predictor
from tierbot.domain.tags import TagSpace

if TYPE_CHECKING:
    from tierbot.domain.training.external_predictor import Lesson, Taught


class Clock(Protocol):
    """Tells the time, always aware UTC."""

    def now(self) -> datetime:
        """Return the present, aware UTC."""


class Encoder(Protocol):
    """Turns texts into sentence embeddings."""

    @property
    def digest(self) -> str:
        """A sha256 over what determines the embeddings (weights, tokenizer, truncation); stored with each."""

    @property
    def dimension(self) -> int:
        """Length of an embedding."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit-length embeddings, shape (len(texts), dimension)."""


class Feeds(Protocol):
    """The open web's feeds."""

    def poll(self, feeds: Sequence[Feed], memory: Mapping[str, FeedMemory], now: datetime) -> list[FeedResult]:
        """Read all feeds at once; return one result for each, in order. A broken one is a result with a problem.

        `memory` maps feed addresses to what the last poll's results said to keep.
        """


class ChatError(TierbotError):
    """The chat service refused a call for good; `code` is its own word for it (`channel_not_found`)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class RateLimitedError(TierbotError):
    """The chat service asks to wait `retry_after` seconds before `method` is called again in this workspace."""

    def __init__(self, method: str, retry_after: float) -> None:
        super().__init__(f"{method}: rate limited for {retry_after:g} s")
        self.method = method
        self.retry_after = retry_after


class ChatUnavailableError(TierbotError):
    """No answer, or a 5xx: the call may or may not have happened."""


@dataclass(frozen=True, slots=True)
class PostView:
    """All that a post's message shows. `tag_id` is None in the blank arm, which names nothing.

    `named_by_menu` says how many people named which tag (by id) by menu: reactions show themselves, these do not.
    thread: ts of the message below which it is sent, None for the channel itself.
    """

    post: Post
    article: Article
    tags: TagSpace
    tag_id: str | None
    named_by_menu: Mapping[str, int] = field(default_factory=dict)
    thread: str | None = None


@dataclass(frozen=True, slots=True)
class ReactionCount:
    """One emoji on one message. `complete` says that `users` is not cut short."""

    name: str
    users: tuple[str, ...]
    complete: bool


class Chat(Protocol):
    """A Slack workspace to write to. Every method raises ChatError, RateLimitedError or ChatUnavailableError."""

    def post(self, view: PostView, delivery_id: str) -> str:
        """Send a post's message, marked with `delivery_id`; return its ts."""

    def revise(self, view: PostView) -> None:
        """Bring a sent post's message to what the view says; one that is gone is fine."""

    def react(self, channel: str, ts: str, emoji: str) -> None:
        """Add the bot's own reaction; one that is there already is fine."""

    def announce(self, channel: str, announcement: Mapping[str, Any], delivery_id: str) -> str:
        """Send an announcement (see loop.announcements for its kinds), marked with `delivery_id`; return its ts."""

    def whisper(self, channel: str, user: str, announcement: Mapping[str, Any]) -> None:
        """Show an announcement in a channel to one user alone. It leaves no mark: after a crash it may come again."""

    def picture(self, channel: str, png: bytes, title: str, alt: str, delivery_id: str) -> str:
        """Share a picture, marked with `delivery_id`, `alt` for those who cannot see it; return its file's id."""

    def find(self, channel: str, delivery_id: str, since: datetime, thread: str | None = None) -> str | None:
        """Return the ts of the message marked with `delivery_id`, if it was sent since then; in a thread, if one is given."""

    def direct(self, user: str) -> str:
        """Return the id of the channel of direct messages with a user."""

    def reactions(self, channel: str, ts: str) -> list[ReactionCount] | None:
        """Return the reactions on a message as they stand; None if the message is gone."""


@dataclass(frozen=True, slots=True)
class InstalledPredictor:
    """A predictor of another distribution that could be promoted; version: the distribution's."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class LoadedPredictor:
    """A predictor, imported. digest: a sha256 over what is known of its code and weights."""

    name: str
    version: str
    digest: str
    predictor: Predictor


class Predictors(Protocol):
    """The predictors of other distributions that are installed beside tierbot."""

    def installed(self) -> list[InstalledPredictor]:
        """Return what is installed, sound or not."""

    def load(self, name: str) -> LoadedPredictor:
        """Return a predictor. Raises PredictorError if there is none of this name or it cannot be used."""

    def teach(self, lesson: "Lesson") -> "Taught":
        """Let a predictor learn. Raises PredictorError, or TrainingInterruptedError if nothing came of it."""


class ModelFiles(Protocol):
    """Models as files: the bootstrap model that ships, and the champion for others to load."""

    def bootstrap(self) -> tuple[ModelVersion, bytes]:
        """Return the model that ships: its version and its weights."""

    def bootstrap_rows(self) -> bytes | None:
        """Return the features of the bootstrap model's labelled rows, which retraining replays; None if it has none."""

    def publish(self, version: ModelVersion, weights: bytes, workspace: str) -> None:
        """Write a workspace's champion as files, replacing its former champion's atomically; nothing if they are there."""
