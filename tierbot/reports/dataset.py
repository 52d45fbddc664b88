"""Define the exported dataset: the one list of columns that the dictionary, the card and every format use."""

import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tierbot.domain.nouns import Arm, Article, Outcome, Post, Prediction, TierbotError, Verdict, Vote
from tierbot.use_cases.ports import Store, Transaction

FORMAT = "tierbot-dataset/1"
"""Name and version of the columns. A version may gain columns, but never renames one or changes its type."""

PAGE = 500

Row = Mapping[str, Any]
"""A value for each column. Times are aware UTC datetimes, shares and counts dicts, votes a list of dicts."""


class ColumnKind(StrEnum):
    """The type of a column's values."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    TIME = "time"
    SHARES = "shares"  # tag → number
    COUNTS = "counts"  # tag → integer
    VOTES = "votes"  # list of {trainer, says, tag, at}


@dataclass(frozen=True, slots=True)
class Settled:
    """The source of a row. `name` maps a trainer's user id to their name in the dataset."""

    post: Post
    prediction: Prediction
    verdict: Verdict
    article: Article
    votes: Sequence[Vote]
    name: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Column:
    """A column whose `value` is computed from a settled post (flat.py: from a row); if `nullable`, it may be None."""

    name: str
    kind: ColumnKind
    meaning: str
    value: Callable[[Any], Any]
    nullable: bool = False


def _votes(item: Settled) -> list[dict[str, Any]]:
    return [{"trainer": item.name(v.user), "says": v.says.value, "tag": v.tag, "at": v.at} for v in item.votes]


COLUMNS: tuple[Column, ...] = (
    Column("post_id", ColumnKind.TEXT, "Id of the post, the same in every export.", lambda r: r.post.id),
    Column("round", ColumnKind.INTEGER, "Number of the post's round.", lambda r: r.post.round_number),
    Column("asked_at", ColumnKind.TIME, "When the post was created (UTC).", lambda r: r.post.created_at),
    Column("posted_at", ColumnKind.TIME, "When Slack accepted the post (UTC).", lambda r: r.post.posted_at, nullable=True),
    Column("article_id", ColumnKind.TEXT, "Id of the article, the context.", lambda r: r.article.id),
    Column("title", ColumnKind.TEXT, "The article's title.", lambda r: r.article.title),
    Column("text", ColumnKind.TEXT, "The article's text; may be empty.", lambda r: r.article.text),
    Column("url", ColumnKind.TEXT, "The article's URL; may be empty.", lambda r: r.article.url),
    Column("source", ColumnKind.TEXT, "The article's publisher; may be empty.", lambda r: r.article.source),
    Column("published_at", ColumnKind.TIME, "When the article was published (UTC).", lambda r: r.article.published_at, nullable=True),
    Column("arm", ColumnKind.TEXT, "The post's arm: `tier`, `basic` or `blank`.", lambda r: r.post.arm.value),
    Column("arm_probability", ColumnKind.NUMBER, "Probability of drawing that arm.", lambda r: r.post.arm_probability),
    Column(
        "action",
        ColumnKind.TEXT,
        "The tag that the policy chose. Posts of the arm `blank` don't show it.",
        lambda r: r.post.shown_tag,
    ),
    Column("propensity", ColumnKind.NUMBER, "π(action): the policy's probability of choosing this tag.", lambda r: r.prediction.propensity),
    Column(
        "probabilities", ColumnKind.SHARES, "p: the model's probability of each tag; sums to 1.",
        lambda r: r.prediction.probabilities,
    ),
    Column(
        "policy_probabilities", ColumnKind.SHARES, "π: the policy's probability of choosing each tag; sums to 1.",
        lambda r: r.prediction.policy_probabilities,
    ),
    Column("top_tag", ColumnKind.TEXT, "argmax p, the tag that accuracy is measured on.", lambda r: r.prediction.top_tag),
    Column("model", ColumnKind.TEXT, "The model version that made the prediction.", lambda r: r.prediction.model_version),
    Column("policy", ColumnKind.TEXT, "The policy that chose the action.", lambda r: r.prediction.policy),
    Column("selection", ColumnKind.TEXT, "The strategy that selected the article: `random` is a fair sample of all that arrived.", lambda r: r.prediction.selection.strategy),
    Column(
        "selection_probability", ColumnKind.NUMBER, "Probability of selecting the article, above 0.",
        lambda r: r.prediction.selection.probability,
    ),
    Column(
        "unclear",
        ColumnKind.TEXT,
        "Why the text said too little to classify: `no words`, `no topic` or `unknown words`. Such articles are only asked about "
        "with `TIERBOT_ASK_UNCLEAR`, or to check a tag; otherwise there is no prediction, and no row.",
        lambda r: r.prediction.metadata.get("unclear"),
        nullable=True,
    ),
    Column(
        "outcome",
        ColumnKind.TEXT,
        "The verdict: `named` (see label), `wrong` (the action is wrong and the right tag unnamed) or `abstained`.",
        lambda r: r.verdict.outcome.value,
    ),
    Column("reason", ColumnKind.TEXT, "Why the verdict abstained: `too_few` or `split`.", lambda r: r.verdict.reason, nullable=True),
    Column("label", ColumnKind.SHARES, "The true tags, with each one's share of voters in (0, 1].", lambda r: r.verdict.tags),
    Column(
        "reward", ColumnKind.NUMBER, "Share of voters who consider the action true, in [0, 1]; missing for an abstention.",
        lambda r: None if r.verdict.outcome is Outcome.ABSTAINED else r.verdict.reward, nullable=True,
    ),
    Column("weight", ColumnKind.NUMBER, "Weight of the verdict in [0, 1), which grows with the number of voters.", lambda r: r.verdict.weight),
    Column("voters", ColumnKind.INTEGER, "Number of distinct trainers who voted.", lambda r: r.verdict.voters),
    Column("support", ColumnKind.COUNTS, "Number of distinct trainers who named each tag.", lambda r: r.verdict.support),
    Column("rejects", ColumnKind.INTEGER, "Number of distinct trainers who said that the action is wrong (👎).", lambda r: r.verdict.rejects),
    Column("unsure", ColumnKind.INTEGER, "Number of distinct trainers who were unsure (😕).", lambda r: r.verdict.unsure),
    Column("aggregator", ColumnKind.TEXT, "The aggregator that settled the votes, with its settings.", lambda r: r.verdict.aggregator),
    Column("settled_at", ColumnKind.TIME, "When the post was settled (UTC).", lambda r: r.verdict.settled_at),
    Column(
        "votes",
        ColumnKind.VOTES,
        "All current votes: `trainer` (a pseudonym, unless exported with identities), `says` (`names`, `rejects`, "
        "`unsure`), `tag` (missing unless the vote names one), `at` (UTC).",
        _votes,
    ),
)  # fmt: skip


def row_of(item: Settled) -> dict[str, Any]:
    """Return a settled post as a row of the dataset."""
    return {column.name: column.value(item) for column in COLUMNS}


def content_of(row: Row) -> str:
    """Return a row's title and text as one text, which is what models read."""
    return f"{row['title']}. {row['text']}" if row["text"] else row["title"]


def tags_by_trainer(row: Row) -> dict[str, list[str]]:
    """Return the tags that each trainer of a row named, in the order of their votes; none if they only said 👎 or 😕."""
    given: dict[str, list[str]] = {}
    for vote in row["votes"]:
        given.setdefault(vote["trainer"], []).extend([] if vote["tag"] is None else [vote["tag"]])
    return given


@dataclass(frozen=True, slots=True)
class Only:
    """Filters for the exported rows; None means no filter."""

    rounds: tuple[int, ...] | None = None
    tags: frozenset[str] | None = None  # shown or settled on
    arms: tuple[Arm, ...] | None = None
    min_confidence: float = 0.0  # lower bound of the model's probability of the shown tag
    min_weight: float = 0.0  # lower bound of the verdict's weight
    since: int = 0  # the cursor of an earlier export

    def takes(self, prediction: Prediction, verdict: Verdict) -> bool:
        """Return whether a post passes the filters; the database applies those for rounds, arms and cursor."""
        shown = prediction.shown_tag
        return (
            (self.tags is None or shown in self.tags or not self.tags.isdisjoint(verdict.tags))
            and prediction.probabilities.get(shown, 0.0) >= self.min_confidence
            and verdict.weight >= self.min_weight
        )

    def __str__(self) -> str:
        parts = [
            self.rounds and f"rounds {', '.join(map(str, self.rounds))}",
            self.tags and f"tags {', '.join(sorted(self.tags))}",
            self.arms and f"arms {', '.join(self.arms)}",
            self.min_confidence and f"confidence ≥ {self.min_confidence:g}",
            self.min_weight and f"weight ≥ {self.min_weight:g}",
            self.since and f"settled since cursor {self.since}",
        ]
        return "; ".join(map(str, filter(None, parts))) or "none"


def settled_posts(tx: Transaction, only: Only, name: Callable[[str], str]) -> Iterator[Settled]:
    """Iterate over the filtered posts as they settled, a page at a time. TierbotError for another database's cursor."""
    if only.since > tx.verdicts.cursor():
        raise TierbotError(
            f"The cursor {only.since} is later than the newest verdict ({tx.verdicts.cursor()}), so it belongs to another "
            "database. Export without --since."
        )
    return _paged(tx, only, name)


def _paged(tx: Transaction, only: Only, name: Callable[[str], str]) -> Iterator[Settled]:
    after = only.since
    while page := tx.verdicts.page(after, PAGE, rounds=only.rounds, arms=only.arms):
        selected = [item for _, item in page if only.takes(item.prediction, item.verdict)]
        articles = tx.articles.get({item.post.article_id for item in selected})
        votes = tx.ledger.votes([item.post.id for item in selected])
        for item in selected:
            given, article = votes.get(item.post.id, []), articles[item.post.article_id]
            yield Settled(item.post, item.prediction, item.verdict, article, given, name)
        after = page[-1][0]


class Pseudonyms:
    """Name trainers by a keyed hash: stable across a workspace's exports, meaningless without the key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __call__(self, user: str) -> str:
        """Return a trainer's pseudonym (BLAKE2b keyed, 64 bits)."""
        return "t-" + hashlib.blake2b(user.encode(), key=self._key, digest_size=8).hexdigest()


def pseudonyms_of(store: Store, workspace: str) -> Pseudonyms:
    """Return a workspace's pseudonyms; the first call stores a secret key. TierbotError if it isn't set up."""
    with store.read(workspace) as tx:
        key = tx.workspaces.pseudonym_key()
    if key is None:
        with store.begin(workspace) as tx:
            if tx.workspaces.get() is None:
                raise TierbotError("The workspace is not set up. Start the bot once with `tierbot run`.")
            key = tx.workspaces.keep_pseudonym_key(secrets.token_hex(32))
    return Pseudonyms(bytes.fromhex(key))
