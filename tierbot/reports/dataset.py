"""Builds the dataset's rows: one per settled post, with columns that are described where they are defined.

The columns are a promise to those who train on exports: the data dictionary, the dataset card and every format
come from this one list. Pure: pages come from a transaction, files are the formats' business.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from tierbot.domain.nouns import Arm, Article, Post, Prediction, TierbotError, Verdict, Vote
from tierbot.use_cases.ports import Store, Transaction

FORMAT = "tierbot-dataset/1"
"""Name and version of the columns. Columns may be added under the same version, never renamed or given another type."""

PAGE = 500
_KEY_SETTING = "pseudonym_key"

Row = Mapping[str, Any]
"""One row: a value for each column. Times are aware UTC datetimes, shares and counts dicts, votes a list of dicts."""


class ColumnKind(StrEnum):
    """The type of a column."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    TIME = "time"
    SHARES = "shares"  # tag → number
    COUNTS = "counts"  # tag → integer
    VOTES = "votes"  # list of {trainer, says, tag, at}


@dataclass(frozen=True, slots=True)
class Settled:
    """The data of a row. name: maps a trainer's user id to the name in the dataset."""

    post: Post
    prediction: Prediction
    verdict: Verdict
    article: Article
    votes: Sequence[Vote]
    name: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `value` computes it from a settled post. If `nullable`, it may be missing."""

    name: str
    kind: ColumnKind
    meaning: str
    value: Callable[[Settled], Any]
    nullable: bool = False


def _votes(item: Settled) -> list[dict[str, Any]]:
    return [{"trainer": item.name(v.user), "says": v.says.value, "tag": v.tag, "at": v.at} for v in item.votes]


COLUMNS: tuple[Column, ...] = (
    Column("post_id", ColumnKind.TEXT, "The post; its id is the same in later exports.", lambda r: r.post.id),
    Column("round", ColumnKind.INTEGER, "The number of its round.", lambda r: r.post.round_number),
    Column("asked_at", ColumnKind.TIME, "When it was created (UTC).", lambda r: r.post.created_at),
    Column("posted_at", ColumnKind.TIME, "When Slack accepted it (UTC).", lambda r: r.post.posted_at, nullable=True),
    Column("article_id", ColumnKind.TEXT, "The article: the context.", lambda r: r.article.id),
    Column("title", ColumnKind.TEXT, "Its title.", lambda r: r.article.title),
    Column("text", ColumnKind.TEXT, "Its text; may be empty.", lambda r: r.article.text),
    Column("url", ColumnKind.TEXT, "Its URL; may be empty.", lambda r: r.article.url),
    Column("source", ColumnKind.TEXT, "The publisher; may be empty.", lambda r: r.article.source),
    Column("published_at", ColumnKind.TIME, "When (UTC).", lambda r: r.article.published_at, nullable=True),
    Column("arm", ColumnKind.TEXT, "How the post asked: `tier`, `basic` or `blank`.", lambda r: r.post.arm.value),
    Column("arm_probability", ColumnKind.NUMBER, "The probability of that arm.", lambda r: r.post.arm_probability),
    Column(
        "action",
        ColumnKind.TEXT,
        "The tag that the policy chose; in the arm `blank`, nobody saw it.",
        lambda r: r.post.shown_tag,
    ),
    Column("propensity", ColumnKind.NUMBER, "π(action): the policy's probability of choosing it.", lambda r: r.prediction.propensity),
    Column(
        "probabilities", ColumnKind.SHARES, "p: the model's probability of each tag; sums to 1.",
        lambda r: r.prediction.probabilities,
    ),
    Column(
        "policy_probabilities", ColumnKind.SHARES, "π: the policy's probability of choosing each tag; sums to 1.",
        lambda r: r.prediction.policy_probabilities,
    ),
    Column("top_tag", ColumnKind.TEXT, "argmax p, on which accuracy is measured.", lambda r: r.prediction.top_tag),
    Column("model", ColumnKind.TEXT, "The model version that predicted.", lambda r: r.prediction.model_version),
    Column("policy", ColumnKind.TEXT, "The policy that chose.", lambda r: r.prediction.policy),
    Column("selection", ColumnKind.TEXT, "The strategy that selected the article.", lambda r: r.prediction.selection.strategy),
    Column(
        "selection_probability", ColumnKind.NUMBER, "The probability of its selection, above 0.",
        lambda r: r.prediction.selection.probability,
    ),
    Column(
        "outcome",
        ColumnKind.TEXT,
        "What the votes settled to: `named` (see label), `wrong` (the action is wrong, no tag is named), `abstained`.",
        lambda r: r.verdict.outcome.value,
    ),
    Column("reason", ColumnKind.TEXT, "Why they abstained: `too_few` or `split`.", lambda r: r.verdict.reason, nullable=True),
    Column("label", ColumnKind.SHARES, "The true tags with the share of voters for each, in (0, 1].", lambda r: r.verdict.tags),
    Column(
        "reward", ColumnKind.NUMBER, "Share of voters for whom the action is true, in [0, 1]; missing without voters.",
        lambda r: r.verdict.reward, nullable=True,
    ),
    Column("weight", ColumnKind.NUMBER, "How much the verdict counts, in [0, 1); grows with the number of voters.", lambda r: r.verdict.weight),
    Column("voters", ColumnKind.INTEGER, "Distinct trainers who voted.", lambda r: r.verdict.voters),
    Column("support", ColumnKind.COUNTS, "Distinct trainers who named each tag.", lambda r: r.verdict.support),
    Column("rejects", ColumnKind.INTEGER, "Distinct trainers who said that the action is wrong (👎).", lambda r: r.verdict.rejects),
    Column("unsure", ColumnKind.INTEGER, "Distinct trainers who were unsure (😕).", lambda r: r.verdict.unsure),
    Column("aggregator", ColumnKind.TEXT, "The rule that settled the votes, with its settings.", lambda r: r.verdict.aggregator),
    Column("settled_at", ColumnKind.TIME, "When (UTC).", lambda r: r.verdict.settled_at),
    Column(
        "votes",
        ColumnKind.VOTES,
        "Every current vote: `trainer` (a pseudonym, unless exported with identities), `says` (`names`, `rejects`, "
        "`unsure`), `tag` (missing unless it names one), `at` (UTC).",
        _votes,
    ),
)  # fmt: skip


def row_of(item: Settled) -> dict[str, Any]:
    """Return a settled post as a row of the dataset."""
    return {column.name: column.value(item) for column in COLUMNS}


# --- which rows -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Only:
    """Which rows to select; None: no restriction.

    tags: shown or settled on. min_confidence: the model's probability of the shown tag. min_weight: the verdict's
    weight. since: a cursor of an earlier export.
    """

    rounds: tuple[int, ...] | None = None
    tags: frozenset[str] | None = None
    arms: tuple[Arm, ...] | None = None
    min_confidence: float = 0.0
    min_weight: float = 0.0
    since: int = 0

    def takes(self, prediction: Prediction, verdict: Verdict) -> bool:
        """Return whether to select a post (except for rounds, arms and cursor, which the database filters)."""
        shown = prediction.shown_tag
        return (
            (self.tags is None or shown in self.tags or not self.tags.isdisjoint(verdict.tags))
            and prediction.probabilities.get(shown, 0.0) >= self.min_confidence
            and verdict.weight >= self.min_weight
        )

    def __str__(self) -> str:
        """Describe the filters for people."""
        said = [
            self.rounds and f"rounds {', '.join(map(str, self.rounds))}",
            self.tags and f"tags {', '.join(sorted(self.tags))}",
            self.arms and f"arms {', '.join(self.arms)}",
            self.min_confidence and f"confidence ≥ {self.min_confidence:g}",
            self.min_weight and f"weight ≥ {self.min_weight:g}",
            self.since and f"settled since cursor {self.since}",
        ]
        return "; ".join(filter(None, map(str, filter(None, said)))) or "none"


def settled_posts(tx: Transaction, only: Only, name: Callable[[str], str]) -> Iterator[Settled]:
    """Yield the selected posts in the order in which they settled, with one page in memory at a time.

    Raises TierbotError if the cursor is from the future.
    """
    after = only.since
    if after > tx.dataset.cursor():
        raise TierbotError(
            f"The cursor {after} is after the newest verdict ({tx.dataset.cursor()}): it is from another database. "
            "Export without --since."
        )
    return _paged(tx, only, name)


def _paged(tx: Transaction, only: Only, name: Callable[[str], str]) -> Iterator[Settled]:
    after = only.since
    while page := tx.dataset.page(after, PAGE, rounds=only.rounds, arms=only.arms):
        wanted = [item for _, item in page if only.takes(item.prediction, item.verdict)]
        articles = tx.articles.get({item.post.article_id for item in wanted})
        votes = tx.ledger.votes([item.post.id for item in wanted])
        for item in wanted:
            given, article = votes.get(item.post.id, []), articles[item.post.article_id]
            yield Settled(item.post, item.prediction, item.verdict, article, given, name)
        after = page[-1][0]


# --- who is who -----------------------------------------------------------------------------------


class Pseudonyms:
    """Pseudonyms for trainers by a keyed hash: the same in all of a workspace's exports, and meaningless without the key."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._known: dict[str, str] = {}

    def __call__(self, user: str) -> str:
        """Return a trainer's pseudonym (BLAKE2b keyed, 64 bits)."""
        if user not in self._known:
            digest = hashlib.blake2b(user.encode(), key=self._key, digest_size=8)
            self._known[user] = f"t-{digest.hexdigest()}"
        return self._known[user]


def pseudonyms_of(store: Store, workspace: str) -> Pseudonyms:
    """Return a workspace's pseudonyms; the first time, a secret key is made, which its settings keep.

    Raises TierbotError if the workspace is not set up.
    """
    with store.read(workspace) as tx:
        known = tx.workspaces.get()
    if known is None or _KEY_SETTING not in known.settings:
        with store.begin(workspace) as tx:
            known = tx.workspaces.get()
            if known is None:
                raise TierbotError("The workspace is not set up. Start the bot once with `tierbot run`.")
            if _KEY_SETTING not in known.settings:
                known = replace(known, settings={**known.settings, _KEY_SETTING: secrets.token_hex(32)})
                tx.workspaces.put(known)
    return Pseudonyms(bytes.fromhex(known.settings[_KEY_SETTING]))
