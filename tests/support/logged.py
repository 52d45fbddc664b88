"""A workspace with a log that has something to learn from: four topics, a policy that explores, votes by truth."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from tierbot.adapters.store import SqlStore, open_store
from tierbot.domain.feedback import PlainRule
from tierbot.domain.nouns import Arm, Article, Post, Prediction, Says, Selection, Vote, key
from tierbot.domain.tags import TagSpace, default_tag_space
from tierbot.reports.dataset import Only, Pseudonyms
from tierbot.reports.export import FORMATS
from tierbot.reports.export.format import Written
from tierbot.reports.export.writing import write_dataset
from tierbot.use_cases.ports import Workspace

TEAM, NOON, DIGEST = "T1", datetime(2026, 3, 2, 12, tzinfo=UTC), "digest"
TOPICS = ("food", "football", "space", "law")
WORDS = {
    "food": ("pizza", "pasta", "recipe"),
    "football": ("quarterback", "touchdown", "coach"),
    "space": ("rocket", "orbit", "moon"),
    "law": ("court", "judge", "appeal"),
}
TAGS = TagSpace(tag for tag in default_tag_space() if tag.id in TOPICS)
NAMES = Pseudonyms(bytes(32))


def log_store(count: int, *, seed: int = 0, users: int = 6, url: str = "sqlite://") -> SqlStore:
    """Return a store, as a rule in memory, with `count` settled posts."""
    rng = np.random.default_rng(seed)
    store = open_store(url)
    with store.begin(TEAM) as tx:
        tx.workspaces.put(Workspace(TEAM, "Test", NOON))
        tx.workspaces.put_tags(TAGS)
        for number in range(count):
            _add(tx, number, rng, users)
    return store


def _add(tx, number: int, rng: np.random.Generator, users: int) -> None:
    truth = TOPICS[rng.integers(4)]
    at = NOON + timedelta(minutes=number)
    title = f'=Story {number}: {" ".join(rng.choice(WORDS[truth], 3))} | "quoted", 🍕'
    article = Article(key("a", number), title, "Two\nlines." if number % 2 else "", "https://n.example/", "News", at)
    tx.articles.add([article])
    vector = rng.normal(size=8).astype(np.float32)
    tx.articles.add_embeddings(DIGEST, {article.id: vector / np.linalg.norm(vector)})
    p = rng.dirichlet(np.ones(4))
    pi = 0.6 * p + 0.1
    shown = int(rng.choice(4, p=pi))
    prediction = Prediction(
        key("d", number), article.id, "m0001", "explore", TOPICS[shown], float(pi[shown]),
        dict(zip(TOPICS, map(float, p), strict=True)), dict(zip(TOPICS, map(float, pi), strict=True)),
        Selection("random", 0.25), at,
    )  # fmt: skip
    arm = Arm.BLANK if number % 5 == 0 else Arm.TIER
    post = Post(key("p", number), prediction.id, article.id, 1 + number // 100, arm, 0.2, TOPICS[shown], "C1", at)
    assert tx.posts.add(prediction, post)
    tx.posts.sent(post.id, f"{number}.0", at)
    votes = [
        Vote(f"U{user}", Says.NAMES, at, truth if rng.random() < 0.85 else str(rng.choice(TOPICS)))
        for user in range(users)
    ]
    if number % 7 == 0:
        votes.append(Vote("Unsure", Says.UNSURE, at))
    tx.ledger.replace_votes(post.id, votes, number + 1)
    tx.verdicts.add(PlainRule().settle(post, votes, ledger_cursor=number + 1, now=at + timedelta(hours=1)))


def exported(store: SqlStore, form: str, path: Path, only: Only | None = None, name=NAMES) -> Written:
    """Write the store's dataset to a path."""
    with store.read(TEAM) as tx:
        return write_dataset(
            tx, FORMATS[form], path, only=only or Only(), name=name, encoder_digest=DIGEST, dimension=8
        )
