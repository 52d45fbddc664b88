"""The edges as the loop sees them: Protocols that speak domain nouns and say nothing of who implements them.

A `Transaction` is bound to one workspace: nothing read or written through it can reach another's rows. It
is short and owns no network call; the loop opens it with `with store.begin(workspace) as tx:`, and it
commits on leaving the block and rolls back if the block raises. All writes are idempotent: `add` methods
return False (or fewer rows) where the row was there already.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tierbot.articles.boundaries import HeldBack, HeldCount
from tierbot.articles.feeds import Feed, FeedMemory, FeedResult, ListedBy, ListedFeed
from tierbot.domain import (
    Arm,
    Article,
    Copy,
    GivenLabel,
    Invitation,
    ModelState,
    ModelVersion,
    Origin,
    Post,
    Prediction,
    ReactionEvent,
    Round,
    Selection,
    Standing,
    TierbotError,
    Trainer,
    Verdict,
    Vote,
)
from tierbot.tags import TagSpace

# --- clock and encoder ----------------------------------------------------------------------------


class Clock(Protocol):
    """Tells the time, always aware UTC."""

    def now(self) -> datetime: ...


class Encoder(Protocol):
    """Turns texts into sentence embeddings."""

    @property
    def digest(self) -> str:
        """A sha256 over what determines the embeddings (weights, tokenizer, truncation); stored with each."""
        ...

    @property
    def dimension(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit-length embeddings, shape (len(texts), dimension)."""
        ...


# --- feeds ----------------------------------------------------------------------------------------


class Feeds(Protocol):
    """The open web's feeds."""

    def poll(self, feeds: Sequence[Feed], memory: Mapping[str, FeedMemory], now: datetime) -> list[FeedResult]:
        """Read all feeds at once; return one result for each, in order. A broken one is a result with a problem.

        `memory` maps feed addresses to what the last poll's results said to keep.
        """
        ...


# --- chat -----------------------------------------------------------------------------------------


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
    """

    post: Post
    article: Article
    tags: TagSpace
    tag_id: str | None
    named_by_menu: Mapping[str, int] = field(default_factory=dict)


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
        ...

    def revise(self, view: PostView) -> None:
        """Bring a sent post's message to what the view says; one that is gone is fine."""
        ...

    def react(self, channel: str, ts: str, emoji: str) -> None:
        """Add the bot's own reaction; one that is there already is fine."""
        ...

    def announce(self, channel: str, announcement: Mapping[str, Any], delivery_id: str) -> str:
        """Send an announcement (see loop.announcements for its kinds), marked with `delivery_id`; return its ts."""
        ...

    def picture(self, channel: str, png: bytes, title: str, alt: str, delivery_id: str) -> str:
        """Share a picture, marked with `delivery_id`, `alt` for those who cannot see it; return its file's id."""
        ...

    def find(self, channel: str, delivery_id: str, since: datetime) -> str | None:
        """Return the ts of the message marked with `delivery_id`, if it was sent since then."""
        ...

    def direct(self, user: str) -> str:
        """Return the id of the channel of direct messages with a user."""
        ...

    def reactions(self, channel: str, ts: str) -> list[ReactionCount] | None:
        """Return the reactions on a message as they stand; None if the message is gone."""
        ...


# --- outbox and agenda ----------------------------------------------------------------------------


class DeliveryKind(StrEnum):
    """What an outbox row asks for."""

    POST = "post"  # payload: post_id
    PREFILL = "prefill"  # payload: post_id, emoji
    ANNOUNCE = "announce"  # payload: the announcement
    UPDATE = "update"  # payload: post_id, ts; the message there is brought up to date
    PICTURE = "picture"  # payload: title, alt, and what the chart shows
    INVITE = "invite"  # payload: invitation_id; a post's message and pre-fills, for one trainer


class DeliveryState(StrEnum):
    """Where an outbox row stands."""

    PENDING = "pending"
    SENDING = "sending"  # claimed; after a crash it may or may not have been sent
    DONE = "done"
    PARKED = "parked"  # refused for good; an admin looks at it


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message or reaction to send exactly once. `id` is a natural key; `result` is the ts once sent."""

    id: str
    kind: DeliveryKind
    channel: str
    payload: Mapping[str, Any]
    created_at: datetime
    due_at: datetime
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    result: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """When a scheduled job is next due, and when it last ran."""

    job: str
    due_at: datetime
    ran_at: datetime | None = None
    request: Mapping[str, Any] = field(default_factory=dict)  # what an admin asked for: by whom, how many


@dataclass(frozen=True, slots=True)
class Workspace:
    """A Slack team as tierbot knows it. `settings` are its runtime switches (such as `paused`)."""

    id: str
    name: str
    created_at: datetime
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LabelledPost:
    """A post with everything learning and scoring ask of it at once."""

    post: Post
    prediction: Prediction
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class SettledPost:
    """A labelled post without the two distributions: what fits in memory 100,000 times over."""

    post: Post
    verdict: Verdict
    model_version: str
    top_tag: str  # the model's argmax, which accuracy is measured on
    propensity: float
    selection: Selection


# --- the store ------------------------------------------------------------------------------------


class Articles(Protocol):
    """Articles and their embeddings."""

    def add(self, articles: Iterable[Article]) -> int:
        """Insert what is new; return how many were."""
        ...

    def fold(self, counts: Mapping[str, int]) -> None:
        """Add to the copies of each article id."""
        ...

    def add_copies(self, copies: Iterable[Copy]) -> int:
        """Insert the copies whose id is new and raise their articles' `copies` by them; return how many were.

        To be preferred to `fold`, which counts again whatever is read again.
        """
        ...

    def known_copies(self, copy_ids: Iterable[str]) -> set[str]:
        """Return those of the ids that copies have which were added before."""
        ...

    def sources(self, article_ids: Iterable[str]) -> dict[str, int]:
        """Return how many distinct sources carry each article, its own included: its trending sign."""
        ...

    def get(self, article_ids: Iterable[str]) -> dict[str, Article]: ...

    def recent(self, since: datetime, limit: int) -> list[Article]:
        """Return articles received since then, newest first: the window for near-duplicate search."""
        ...

    def waiting(self, limit: int, held_on: Iterable[str] = ()) -> list[Article]:
        """Return articles that were never posted, newest first, without those held back on these grounds."""
        ...

    def without_embedding(self, encoder_digest: str, limit: int) -> list[Article]: ...

    def add_embeddings(self, encoder_digest: str, vectors: Mapping[str, NDArray[np.float32]]) -> None: ...

    def embeddings(self, encoder_digest: str, article_ids: Iterable[str]) -> dict[str, NDArray[np.float32]]: ...

    def count(self) -> int: ...


class GivenLabels(Protocol):
    """Labels that archives brought along: training replays them."""

    def put(self, labels: Iterable[GivenLabel]) -> int:
        """Keep each, in the place of what was given for its article before; return how many.

        Their articles must be there; they wait to be asked about no longer.
        """
        ...

    def sample(self, limit: int) -> list[GivenLabel]:
        """Return up to `limit` labels by article id: a hash, so that they are a sample, and always the same one."""
        ...


class Posts(Protocol):
    """Predictions and the posts made of them."""

    def add(self, prediction: Prediction, post: Post) -> bool:
        """Insert both, or neither if the post is there already."""
        ...

    def sent(self, post_id: str, ts: str, posted_at: datetime) -> None:
        """Set where a post stands in Slack, once; reactions that came in before that become untallied again."""
        ...

    def get(self, post_id: str) -> Post | None: ...

    def at(self, channel: str, ts: str) -> Post | None: ...

    def with_ts(self, ts: str) -> list[Post]:
        """Return the posts with this ts in any channel: one, but for a rare coincidence."""
        ...

    def prediction(self, prediction_id: str) -> Prediction | None: ...

    def predictions(self, prediction_ids: Iterable[str]) -> dict[str, Prediction]: ...

    def in_round(self, number: int) -> list[Post]: ...

    def invite(self, invitation: Invitation) -> bool:
        """Insert an invitation unless it is there; `at` finds its post at its place too, once it was sent."""
        ...

    def invited(self, invitation_id: str, ts: str, sent_at: datetime) -> None:
        """Set where an invitation stands in Slack, once; reactions that came in before become untallied again."""
        ...

    def invitation(self, invitation_id: str) -> Invitation | None: ...

    def invitations(
        self, *, post_id: str | None = None, user: str | None = None, since: datetime | None = None
    ) -> list[Invitation]:
        """Return the invitations to a post, of a user, sent since then: whatever is given. Newest first."""
        ...

    def open(self, since: datetime) -> list[Post]:
        """Return sent posts posted since then, newest first: those to reconcile."""
        ...

    def unsettled(self) -> list[Post]:
        """Return sent posts whose votes were derived anew since their last verdict, oldest first.

        A verdict on them states `Ledger.cursors`, not `Ledger.cursor`: the ledger may have grown meanwhile.
        """
        ...


class Ledger(Protocol):
    """Every reaction event, append-only, and the votes derived from it."""

    def append(self, event: ReactionEvent) -> bool:
        """Insert the event unless its event_id is there; return whether it was new."""
        ...

    def events(self, channel: str, ts: str) -> list[ReactionEvent]: ...

    def cursor(self, channel: str, ts: str) -> int:
        """Return the highest ledger number among a message's events, 0 if there are none."""
        ...

    def untallied(self, limit: int) -> list[tuple[str, str]]:
        """Return (channel, ts) of messages with events that no tally has read yet."""
        ...

    def replace_votes(self, post_id: str, votes: Iterable[Vote], cursor: int) -> None:
        """Set a post's votes as derived up to `cursor`."""
        ...

    def tallied(self, channel: str, ts: str, cursor: int) -> None:
        """Remember that a message's events up to `cursor` have been read."""
        ...

    def cursors(self, post_ids: Iterable[str]) -> dict[str, int]:
        """Return the ledger number that each post's votes were derived up to, 0 without any."""
        ...

    def votes(self, post_ids: Iterable[str]) -> dict[str, list[Vote]]: ...

    def votes_in_round(self, number: int) -> dict[str, list[Vote]]:
        """Return the votes on a round's posts by post id, in one query: posts without votes are missing."""
        ...

    def votes_by(self, user: str, since: datetime) -> list[tuple[str, Vote]]:
        """Return (post id, vote) of one trainer's votes given since then, newest first."""
        ...

    def newest(self, origin: Origin) -> ReactionEvent | None:
        """Return the event of this origin that came last."""
        ...


class Verdicts(Protocol):
    """What posts settled to. Every verdict is kept; the newest per post counts."""

    def add(self, verdict: Verdict) -> bool: ...

    def latest(self, post_ids: Iterable[str]) -> dict[str, Verdict]: ...

    def labelled(self, *, rounds: Sequence[int] | None = None) -> list[LabelledPost]:
        """Return all posts with their newest verdict, oldest post first (for one round; see `settled`)."""
        ...

    def settled(self, *, rounds: Sequence[int] | None = None) -> list[SettledPost]:
        """Return the same without the distributions, for training and accuracy over all rounds."""
        ...

    def count_since(self, moment: datetime) -> int:
        """Return how many posts have settled to something other than an abstention since then."""
        ...


class Dataset(Protocol):
    """Settled posts in the order in which they settled: exports page through them, however many there are."""

    def cursor(self) -> int:
        """Return the number of the last verdict that counts, 0 without any: after it, `page` has nothing yet."""
        ...

    def page(
        self, after: int, limit: int, *, rounds: Sequence[int] | None = None, arms: Sequence[Arm] | None = None
    ) -> list[tuple[int, LabelledPost]]:
        """Return up to `limit` posts whose newest verdict is numbered above `after`, with its number, in that order.

        None are left when it returns none. A post that settles anew gets a higher number: what follows a cursor is all that changed since.
        """
        ...


class Rounds(Protocol):
    """Rounds and their frozen standings."""

    def current(self) -> Round | None:
        """Return the round that is not frozen yet (the newest, should there be several)."""
        ...

    def get(self, number: int) -> Round | None: ...

    def all(self) -> list[Round]: ...

    def open(self, round_: Round) -> bool: ...

    def freeze(self, round_: Round, standings: Iterable[Standing]) -> bool:
        """Freeze a round with its standings; False if it was frozen already (nothing changes then)."""
        ...

    def standings(self, number: int) -> list[Standing]:
        """Return a frozen round's standings, best first."""
        ...

    def all_time(self) -> list[tuple[str, int, int, int]]:
        """Return (user, judged, agreed, settled) summed over frozen rounds."""
        ...


class Models(Protocol):
    """Model versions; the bytes of their weights live beside their cards."""

    def add(self, version: ModelVersion, weights: bytes) -> bool: ...

    def champion(self) -> ModelVersion | None: ...

    def get(self, version_id: str) -> ModelVersion | None: ...

    def weights(self, version_id: str) -> bytes: ...

    def all(self) -> list[ModelVersion]:
        """Return all versions, newest first."""
        ...

    def set_state(self, version_id: str, state: ModelState, card: Mapping[str, Any] | None = None) -> None: ...


class Outbox(Protocol):
    """What is to be sent, exactly once."""

    def add(self, deliveries: Iterable[Delivery]) -> int: ...

    def claim(self, now: datetime, lease_until: datetime, limit: int) -> list[Delivery]:
        """Mark due rows as SENDING until `lease_until` and return them as they were before, oldest first.

        A row whose lease ran out is claimed again; its earlier state says that it may have been sent.
        """
        ...

    def done(self, delivery_id: str, result: str | None, now: datetime) -> None: ...

    def retry(self, delivery_id: str, due_at: datetime, error: str) -> None: ...

    def park(self, delivery_id: str, error: str) -> None: ...

    def hold(self, kind: DeliveryKind, until: datetime) -> None:
        """Let nothing of this kind fall due before `until`."""
        ...

    def counts(self) -> dict[DeliveryState, int]: ...

    def waiting(self, kind: DeliveryKind, post_id: str) -> list[Delivery]:
        """Return the rows of a kind for a post that nobody has claimed yet."""
        ...

    def oldest(self) -> Delivery | None:
        """Return what fell due first of all that is not sent yet."""
        ...

    def parked(self) -> list[Delivery]: ...


class Agenda(Protocol):
    """When each scheduled job is next due."""

    def get(self, job: str) -> Due | None: ...

    def set(self, due: Due) -> None: ...

    def all(self) -> list[Due]: ...

    def remove(self, job: str) -> None:
        """Take a job off the agenda, if it is there."""
        ...


class Leases(Protocol):
    """Who may do what only one process may do (such as run the scheduler), and until when."""

    def take(self, name: str, holder: str, until: datetime, now: datetime) -> bool:
        """Take or prolong a lease; False while another holder's has not run out."""
        ...

    def release(self, name: str, holder: str) -> None:
        """Give a lease back; another holder's is left alone."""
        ...

    def get(self, name: str) -> tuple[str, datetime] | None:
        """Return who took a lease last and until when (it may have run out); None once it was given back."""
        ...


class FeedList(Protocol):
    """The feeds that are polled, and what is kept of each."""

    def add(self, feeds: Iterable[Feed], by: ListedBy) -> int:
        """List the feeds whose address is not listed yet; return how many."""
        ...

    def rename(self, url: str, name: str) -> None: ...

    def remove(self, urls: Iterable[str]) -> int:
        """Take feeds off the list by their addresses; return how many were on it."""
        ...

    def all(self) -> list[ListedFeed]:
        """Return the feeds by name."""
        ...

    def polled(self, result: FeedResult, now: datetime, brought: int) -> None:
        """Keep what a poll brought; one of a feed that is no longer listed is forgotten."""
        ...


class HeldBackArticles(Protocol):
    """What boundaries held back."""

    def add(self, held: Iterable[HeldBack]) -> None:
        """Keep each, in the place of what the same kind of boundary said of that article before."""
        ...

    def counts(self, examples: int) -> list[HeldCount]:
        """Return each rule that held something back, the busiest first, with the titles of its latest `examples`."""
        ...


class Trainers(Protocol):
    """What trainers told us."""

    def get(self, user: str) -> Trainer:
        """Return a trainer; one that never told anything is there too, with nothing said."""
        ...

    def put(self, trainer: Trainer) -> None: ...

    def opted_out(self) -> dict[str, str]:
        """Return the names, by user id, of those who want no mentions and no nudges."""
        ...


class Workspaces(Protocol):
    """The workspace of this transaction: its settings, its tags, what admins did."""

    def get(self) -> Workspace | None: ...

    def put(self, workspace: Workspace) -> None: ...

    def tags(self) -> TagSpace: ...

    def put_tags(self, tags: TagSpace) -> None: ...

    def audit(self, who: str, what: str, before: Any, after: Any, now: datetime) -> None:
        """Record an admin's action."""
        ...

    def audit_trail(self, limit: int) -> list[Mapping[str, Any]]: ...


class People(Protocol):
    """All that names a person, in whatever part it is kept."""

    def export(self, user: str) -> dict[str, Any]:
        """Return it as plain data, by kind."""
        ...

    def anonymise(self, user: str, pseudonym: str) -> int:
        """Put a pseudonym in the place of a person's id everywhere; return how many rows changed."""
        ...

    def remove(self, user: str) -> int:
        """Delete what a person did, and their id where it is mentioned; return how many rows changed."""
        ...

    def expire(self, before: datetime) -> Mapping[str, int]:
        """Delete what names people and is older; return how many rows, by kind. Verdicts and scores stay."""
        ...


class Transaction(Protocol):
    """One short unit of work in one workspace."""

    @property
    def articles(self) -> Articles: ...
    @property
    def given_labels(self) -> GivenLabels: ...
    @property
    def posts(self) -> Posts: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def verdicts(self) -> Verdicts: ...
    @property
    def dataset(self) -> Dataset: ...
    @property
    def rounds(self) -> Rounds: ...
    @property
    def models(self) -> Models: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def agenda(self) -> Agenda: ...
    @property
    def trainers(self) -> Trainers: ...
    @property
    def leases(self) -> Leases: ...
    @property
    def feeds(self) -> FeedList: ...
    @property
    def held_back(self) -> HeldBackArticles: ...
    @property
    def people(self) -> People: ...
    @property
    def workspaces(self) -> Workspaces: ...


class Store(Protocol):
    """The database."""

    def begin(self, workspace: str) -> AbstractContextManager[Transaction]:
        """Open a transaction; those of one workspace run one after another, so keep it short."""
        ...

    def read(self, workspace: str) -> AbstractContextManager[Transaction]:
        """Open a snapshot that cannot write; it waits for no writer and no writer waits for it."""
        ...

    def workspace_ids(self) -> list[str]: ...

    def close(self) -> None: ...


class Shelf(Protocol):
    """Models as files: the bootstrap model that ships, and the champion for others to load."""

    def bootstrap(self) -> tuple[ModelVersion, bytes]: ...

    def bootstrap_rows(self) -> bytes | None:
        """Return the features of the bootstrap model's labelled rows, which retraining replays; None if it has none."""
        ...

    def publish(self, version: ModelVersion, weights: bytes) -> None:
        """Write the champion's files, replacing the former champion's atomically."""
        ...
