"""Ports to the tables of the loop: articles, posts, the ledger, verdicts, the dataset, rounds, models."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from tierbot.domain.articles.boundaries import HeldBack, HeldCount
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

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Articles(Protocol):
    """Articles and their embeddings."""

    def add(self, articles: Iterable[Article]) -> int:
        """Insert new articles; return how many."""

    def add_copies(self, copies: Iterable[Copy]) -> int:
        """Insert copies whose id is new and add them to their articles' `copies`; return how many."""

    def carried_by(self, feed: str, article_ids: Iterable[str]) -> None:
        """Note that a feed (its URL) carries these articles, if they exist; those new to it are no longer held back."""

    def known_copies(self, copy_ids: Iterable[str]) -> set[str]:
        """Return which of these copy ids were added before."""

    def sources(self, article_ids: Iterable[str]) -> dict[str, int]:
        """Return how many distinct sources carry each article, its own included; many sources mean that it trends."""

    def get(self, article_ids: Iterable[str]) -> dict[str, Article]:
        """Return the articles of these ids, by id; unknown ones are missing."""

    def recent(self, since: datetime, limit: int) -> list[Article]:
        """Return articles received since then, newest first, without tag requests: the window for near-duplicate search."""

    def waiting(self, limit: int, held_on: Iterable[str] = ()) -> list[Article]:
        """Return articles never posted, newest first, without those held back on these grounds."""

    def count_waiting(self, held_on: Iterable[str] = ()) -> int:
        """Return how many articles a push can post: those of `waiting`, and the requested checks of one tag."""

    def requested(self, limit: int, held_on: Iterable[str] = (), *, in_threads: bool) -> list[Article]:
        """Return tag requests, never posted and not held back on these grounds, oldest first.

        in_threads: those to be asked in a thread; otherwise checks of one tag. `waiting` has neither.
        """

    def without_embedding(self, encoder_digest: str, limit: int) -> list[Article]:
        """Return up to `limit` articles that this encoder has not embedded yet, newest first."""

    def to_embed(self, encoder_digest: str, after: str, limit: int) -> list[Article]:
        """Return articles that this encoder has not embedded, with ids after `after`, by id."""

    def embedded(self, encoder_digest: str, article_ids: Iterable[str]) -> set[str]:
        """Return which of these articles this encoder has embedded."""

    def add_embeddings(self, encoder_digest: str, vectors: Mapping[str, "NDArray[np.float32]"]) -> None:
        """Store vectors of shape (dimension,) by article id."""

    def embeddings(self, encoder_digest: str, article_ids: Iterable[str]) -> dict[str, "NDArray[np.float32]"]:
        """Return this encoder's vectors by article id; articles without one are missing."""

    def prune(self, before: datetime, limit: int) -> int:
        """Delete up to `limit` articles received before then, with copies and embeddings; return how many.

        Only those that came from feeds, that no feed lists anymore (else they would be taken in again), and that were
        neither asked about, requested, predicted nor labeled.
        """

    def prune_embeddings(self, keep: Collection[str], limit: int) -> int:
        """Delete the embeddings of up to `limit` articles by any but these encoders (digests); return how many."""

    def count(self) -> int:
        """Return how many articles there are."""


class HeldBackArticles(Protocol):
    """What boundaries held back."""

    def add(self, held: Iterable[HeldBack]) -> None:
        """Store each, replacing what the same kind of boundary said about that article."""

    def prune(self, limit: int) -> int:
        """Delete up to `limit` rows of articles that were asked about since; return how many."""

    def counts(self, examples: int) -> list[HeldCount]:
        """Return each rule that held something back, most active first, with the titles of its latest `examples`."""


class GivenLabels(Protocol):
    """Imported labels, which training replays."""

    def put(self, labels: Iterable[GivenLabel]) -> int:
        """Store labels of stored articles, which are no longer asked about; replace former labels; return how many."""

    def sample(self, limit: int) -> list[GivenLabel]:
        """Return up to `limit` labels by article id, a hash: always the same random sample."""


class Posts(Protocol):
    """Predictions and the posts made of them."""

    def add(self, prediction: Prediction, post: Post) -> bool:
        """Insert both, or neither if the post exists."""

    def sent(self, post_id: str, ts: str, posted_at: datetime) -> None:
        """Record where a post is in Slack, once; earlier reactions become untallied again."""

    def get(self, post_id: str) -> Post | None:
        """Return a post, or None."""

    def at(self, channel: str, ts: str) -> Post | None:
        """Return the post of a message or of an invitation at a message, or None."""

    def with_ts(self, ts: str) -> list[Post]:
        """Return the posts with this ts in any channel, usually one."""

    def prediction(self, prediction_id: str) -> Prediction | None:
        """Return a prediction, or None."""

    def predictions(self, prediction_ids: Iterable[str]) -> dict[str, Prediction]:
        """Return the predictions of these ids, by id."""

    def in_round(self, number: int) -> list[Post]:
        """Return a round's posts, oldest first."""

    def invite(self, invitation: Invitation) -> bool:
        """Insert an invitation unless it exists; once sent, `at` finds its post there, too."""

    def invited(self, invitation_id: str, ts: str, sent_at: datetime) -> None:
        """Record where an invitation is in Slack, once; earlier reactions become untallied again."""

    def invitation(self, invitation_id: str) -> Invitation | None:
        """Return an invitation, or None."""

    def invitations(
        self, *, post_id: str | None = None, user: str | None = None, since: datetime | None = None
    ) -> list[Invitation]:
        """Return invitations to a post, of a user, or sent since then, newest first."""

    def open(self, since: datetime) -> list[Post]:
        """Return posts sent since then, newest first, for reconciliation."""

    def move_queued(self, from_round: int, to_round: int) -> int:
        """Move the still queued posts of a round to another; return how many."""

    def is_final(self, post_id: str) -> bool:
        """Return whether a post's verdict is final because votes on it were deleted."""

    def unsettled(self) -> list[Post]:
        """Return sent posts tallied since their last verdict, oldest first, without those whose verdict is final.

        A verdict on them records `Ledger.cursors`, not `Ledger.cursor`: the ledger may have grown since.
        """


class Ledger(Protocol):
    """Every reaction event, append-only, and the votes derived from it."""

    def append(self, event: ReactionEvent) -> bool:
        """Insert an event unless its event_id exists; return whether it was new."""

    def append_all(self, events: Sequence[ReactionEvent]) -> list[bool]:
        """Insert events whose event_id is new; return for each whether it was."""

    def events(self, channel: str, ts: str) -> list[ReactionEvent]:
        """Return a message's events in the order of arrival."""

    def events_by_voters(self, channel: str, ts: str) -> list[ReactionEvent]:
        """Return the events of those who may vote, in the order of arrival."""

    def current(self, channel: str, ts: str) -> list[ReactionEvent]:
        """Return a message's events in the order of arrival, without superseded ones: the same variants are set."""

    def current_of(self, users: Collection[str], channel: str, ts: str, *, voters: bool) -> list[ReactionEvent]:
        """Return the current events of these users, if `voters` only of those who may vote."""

    def supersede(self, event_ids: Iterable[str]) -> None:
        """Mark events that a later one of the same user, name and source overrides."""

    def unread(self, channel: str, ts: str) -> list[ReactionEvent]:
        """Return a message's events that have not been tallied."""

    def cursor(self, channel: str, ts: str) -> int:
        """Return the highest ledger number among a message's events, 0 if there are none."""

    def untallied(self, limit: int, *, waiting: bool | None = None) -> list[tuple[str, str]]:
        """Return (channel, ts) of messages with events that have not been tallied, those that have waited longest first.

        waiting: only those that wait until a user is looked up (True), or only those that don't (False).
        """

    def count_untallied(self) -> int:
        """Return how many messages have events that have not been tallied."""

    def replace_votes(
        self, post_id: str, votes: Iterable[Vote], cursor: int, users: Collection[str] | None = None
    ) -> None:
        """Set the votes of these users (None: all) on a post as derived up to `cursor`.

        Does nothing if the post's verdict is final.
        """

    def untally(self, names: Iterable[str]) -> None:
        """Make all messages with reactions of these names untallied again, because the names' meaning has changed."""

    def tallied(self, channel: str, ts: str, cursor: int) -> None:
        """Record that a message's events up to `cursor` have been tallied."""

    def cursors(self, post_ids: Iterable[str]) -> dict[str, int]:
        """Return the ledger number up to which each post's votes were derived, 0 without any."""

    def votes(self, post_ids: Iterable[str]) -> dict[str, list[Vote]]:
        """Return the current votes on these posts, by post id."""

    def votes_in_round(self, number: int) -> dict[str, list[Vote]]:
        """Return the votes on a round's posts by post id, in one query: posts without votes are missing."""

    def votes_by(self, user: str, since: datetime) -> list[tuple[str, Vote]]:
        """Return (post id, vote) of one trainer's votes given since then, newest first."""

    def prune(self, before: datetime, limit: int) -> int:
        """Delete the events on up to `limit` messages that aren't ours and were last reacted to before then; return how many.

        The channel's other messages get reactions, too; one may turn out to be ours until its delivery is decided.
        """

    def newest(self, origin: Origin) -> ReactionEvent | None:
        """Return the latest event of this origin."""


class Reactors(Protocol):
    """Everyone who reacted, and whether they may vote: a member of the workspace may, a bot or a stranger may not."""

    def unknown(self, limit: int, before: datetime) -> list[str]:
        """Return users to look up: those with untallied events who are unknown, or were refused a vote before then."""

    def put(self, may_vote: Mapping[str, bool], now: datetime) -> None:
        """Store whether each of these users may vote; all messages of those who now may become untallied again."""

    def without_vote(self) -> set[str]:
        """Return the users who may not vote."""


class Verdicts(Protocol):
    """Verdicts; a post's newest one counts, the superseded ones are deleted in time."""

    def add(self, verdict: Verdict) -> bool:
        """Insert a verdict unless it exists, and mark the newest of its post."""

    def prune(self, before: datetime, limit: int) -> int:
        """Delete up to `limit` superseded verdicts from before then; return how many. The ledger gives them again."""

    def latest(self, post_ids: Iterable[str]) -> dict[str, Verdict]:
        """Return the newest verdict of each of these posts, by post id."""

    def labeled(self, *, rounds: Sequence[int] | None = None) -> list[LabelledPost]:
        """Return all posts with their newest verdict, oldest post first (for one round; see `settled`)."""

    def settled(self, *, rounds: Sequence[int] | None = None) -> list[SettledPost]:
        """Return them without the distributions, for training and accuracy over all rounds."""

    def count_since(self, moment: datetime) -> int:
        """Return how many posts have settled since then, not counting abstentions."""

    def cursor(self) -> int:
        """Return the number of the last current verdict, 0 without any; after it `page` returns nothing."""

    def page(
        self, after: int, limit: int, *, rounds: Sequence[int] | None = None, arms: Sequence[Arm] | None = None
    ) -> list[tuple[int, LabelledPost]]:
        """Return up to `limit` posts whose newest verdict has a number above `after`, with that number, in order.

        An empty page is the end. A post that settles again gets a higher number, so a cursor finds everything changed since.
        """


class TablePages(Protocol):
    """The tables that are read as data frames."""

    def names(self) -> list[str]:
        """Return the names of the tables."""

    def columns(self, name: str) -> list[TableColumn]:
        """Return a table's columns."""

    def page(self, name: str, after: Sequence[Any] | None, limit: int) -> TablePage:
        """Return up to `limit` rows after the key `after` (None: from the start), in key order."""


class Rounds(Protocol):
    """Rounds and their frozen standings."""

    def current(self) -> Round | None:
        """Return the open round (the newest if there are several)."""

    def get(self, number: int) -> Round | None:
        """Return a round, or None."""

    def all(self) -> list[Round]:
        """Return every round, oldest first."""

    def open(self, round_: Round) -> bool:
        """Insert a round; False if it exists."""

    def prolong(self, number: int, closes_at: datetime) -> None:
        """Move the end of an open round."""

    def freeze(self, round_: Round, standings: Iterable[Standing]) -> bool:
        """Freeze a round with its standings, in order; False, changing nothing, if it is frozen already."""

    def standings(self, number: int) -> list[Standing]:
        """Return a frozen round's standings in the order in which they were frozen."""

    def all_time(self) -> list[tuple[str, int, int, int]]:
        """Return (user, judged, agreed, settled) summed over frozen rounds."""


class Models(Protocol):
    """Model versions; their weights are stored separately from their cards."""

    def add(self, version: ModelVersion, weights: bytes) -> bool:
        """Insert a version with its weights; False if it exists."""

    def champion(self) -> ModelVersion | None:
        """Return the version in service, None before the first."""

    def get(self, version_id: str) -> ModelVersion | None:
        """Return a version, or None."""

    def weights(self, version_id: str) -> bytes:
        """Return the bytes of a version's weights."""

    def all(self) -> list[ModelVersion]:
        """Return all versions, newest first."""

    def prune(self, keep: int) -> int:
        """Delete the weights of all but the newest `keep` former champions and challengers; return how many.

        Cards stay, and so does the champion.
        """

    def encoders(self) -> set[str]:
        """Return the digests of the encoders of those models that have weights."""

    def set_state(self, version_id: str, state: ModelState, card: Mapping[str, Any] | None = None) -> None:
        """Set the state of a version, and replace its card if one is given."""
