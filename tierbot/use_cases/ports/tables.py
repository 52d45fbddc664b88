"""Ports to what TIER works on, as kept: articles, posts, the ledger, verdicts, the dataset, rounds, models."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.nouns import (
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
    SettledPost,
    Standing,
    Verdict,
    Vote,
)
from tierbot.use_cases.ports.records import LabelledPost, TableColumn, TablePage


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

    def get(self, article_ids: Iterable[str]) -> dict[str, Article]:
        """Return the articles of these ids, by id; unknown ones are missing."""
        ...

    def recent(self, since: datetime, limit: int) -> list[Article]:
        """Return articles received since then that nobody asked for, newest first: the window for near-duplicate search."""
        ...

    def waiting(self, limit: int, held_on: Iterable[str] = ()) -> list[Article]:
        """Return articles that were never posted, newest first, without those held back on these grounds."""
        ...

    def requested(self, limit: int, held_on: Iterable[str] = (), *, in_threads: bool) -> list[Article]:
        """Return articles that somebody asked about, never posted and not held back on these grounds, oldest first.

        in_threads: those to be asked in a thread; otherwise those of which a tag is to be checked. `waiting` has neither.
        """
        ...

    def without_embedding(self, encoder_digest: str, limit: int) -> list[Article]:
        """Return up to `limit` articles that this encoder has not embedded yet, newest first."""
        ...

    def to_embed(self, encoder_digest: str, after: str, limit: int) -> list[Article]:
        """Return articles that this encoder has not embedded, whose ids come behind `after`, by id."""
        ...

    def embedded(self, encoder_digest: str, article_ids: Iterable[str]) -> set[str]:
        """Return which of these articles this encoder has embedded."""
        ...

    def add_embeddings(self, encoder_digest: str, vectors: Mapping[str, NDArray[np.float32]]) -> None:
        """Keep vectors of shape (dimension,) by article id."""
        ...

    def embeddings(self, encoder_digest: str, article_ids: Iterable[str]) -> dict[str, NDArray[np.float32]]:
        """Return the vectors of these articles by this encoder, by id; what is not embedded is missing."""
        ...

    def count(self) -> int:
        """Return how many articles there are."""
        ...


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

    def get(self, post_id: str) -> Post | None:
        """Return a post, None if there is none of that id."""
        ...

    def at(self, channel: str, ts: str) -> Post | None:
        """Return the post that a message is, or invites to; None if it is neither."""
        ...

    def with_ts(self, ts: str) -> list[Post]:
        """Return the posts with this ts in any channel: one, but for a rare coincidence."""
        ...

    def prediction(self, prediction_id: str) -> Prediction | None:
        """Return a prediction, None if there is none of that id."""
        ...

    def predictions(self, prediction_ids: Iterable[str]) -> dict[str, Prediction]:
        """Return the predictions of these ids, by id."""
        ...

    def in_round(self, number: int) -> list[Post]:
        """Return a round's posts, oldest first."""
        ...

    def invite(self, invitation: Invitation) -> bool:
        """Insert an invitation unless it is there; `at` finds its post at its place too, once it was sent."""
        ...

    def invited(self, invitation_id: str, ts: str, sent_at: datetime) -> None:
        """Set where an invitation stands in Slack, once; reactions that came in before become untallied again."""
        ...

    def invitation(self, invitation_id: str) -> Invitation | None:
        """Return an invitation, None if there is none of that id."""
        ...

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

    def append_all(self, events: Sequence[ReactionEvent]) -> list[bool]:
        """Insert those events whose event_id is not there yet; return of each whether it was new."""
        ...

    def events(self, channel: str, ts: str) -> list[ReactionEvent]:
        """Return a message's events in the order in which they came."""
        ...

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

    def votes(self, post_ids: Iterable[str]) -> dict[str, list[Vote]]:
        """Return the votes that stand on these posts, by post id."""
        ...

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

    def add(self, verdict: Verdict) -> bool:
        """Insert a verdict unless it is there; the newest of its post is marked."""
        ...

    def latest(self, post_ids: Iterable[str]) -> dict[str, Verdict]:
        """Return the newest verdict of each of these posts, by post id."""
        ...

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


class TablePages(Protocol):
    """The tables that others read as data frames."""

    def names(self) -> list[str]:
        """Return the names of the tables."""
        ...

    def columns(self, name: str) -> list[TableColumn]:
        """Return a table's columns."""
        ...

    def page(self, name: str, after: Sequence[Any] | None, limit: int) -> TablePage:
        """Return up to `limit` rows behind the key `after` (None: from the beginning), in the order of the key."""
        ...


class Rounds(Protocol):
    """Rounds and their frozen standings."""

    def current(self) -> Round | None:
        """Return the round that is not frozen yet (the newest, should there be several)."""
        ...

    def get(self, number: int) -> Round | None:
        """Return a round, None if there is none of that number."""
        ...

    def all(self) -> list[Round]:
        """Return every round, oldest first."""
        ...

    def open(self, round_: Round) -> bool:
        """Insert a round; False if it was there already."""
        ...

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

    def add(self, version: ModelVersion, weights: bytes) -> bool:
        """Insert a version with its weights; False if it was there already."""
        ...

    def champion(self) -> ModelVersion | None:
        """Return the version in service, None before the first."""
        ...

    def get(self, version_id: str) -> ModelVersion | None:
        """Return a version, None if there is none of that id."""
        ...

    def weights(self, version_id: str) -> bytes:
        """Return the bytes of a version's weights."""
        ...

    def all(self) -> list[ModelVersion]:
        """Return all versions, newest first."""
        ...

    def set_state(self, version_id: str, state: ModelState, card: Mapping[str, Any] | None = None) -> None:
        """Move a version to a state; with a card, in the place of its card."""
        ...
