"""A year of use on SQLite, by a simulated clock: what each table holds in the end, and what its pruning took.

    python -m tests.benchmarks.a_year [--days 365] [--posts 40] [--reactions 300] [--articles 120] [--folder FOLDER]

Tallying, settling, rounds and the daily pruning are tierbot's own. To end in minutes, articles come in without a search for near
duplicates, posts are drawn at random instead of predicted, deliveries are marked as sent without a chat, embeddings are random (384 numbers each, as the packaged
encoder's), every 50 verdicts a model as large as the packaged one is stored instead of trained, and a day's reactions are
settled at once, except in the days whose superseded verdicts are still there at the end.
"""

import argparse
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np

from tests.conftest import WORKSPACE, Harness, build_harness
from tests.support.fakes import ManualClock
from tierbot.adapters.files.model_files import shipped_models
from tierbot.domain.articles.feeds import Feed, ListedBy
from tierbot.domain.nouns import Arm, Article, ModelState, Post, Prediction, ReactionEvent, Selection, key, to_slack_ts
from tierbot.use_cases.delivery.contents import deliveries_of
from tierbot.use_cases.ports import DeliveryKind, DeliveryState

FEEDS = 20
LISTED = 50  # items of a feed
TRAINERS = 25
DIMENSION = 384  # of an embedding
BLANK = 0.15  # share of posts
PLAUSIBLE = 5  # tags that a policy may show
VERDICTS_PER_MODEL = 50
ONE_BY_ONE = 31  # of the last days: each reaction is settled by itself, as in use; before that, a day at once
WORDS = [
    "city",
    "coach",
    "court",
    "food",
    "game",
    "health",
    "law",
    "model",
    "music",
    "orbit",
    "pizza",
    "rocket",
    "school",
    "team",
    "telescope",
    "vote",
    "water",
    "work",
]


class Year:
    """A bot, and a team that plays with it."""

    def __init__(self, folder: Path, days: int, posts: int, reactions: int, articles: int) -> None:
        self.harness: Harness = build_harness(folder, dimension=DIMENSION, push_count=posts)
        self.bot, self.clock = self.harness.bot, self.harness.clock
        assert isinstance(self.clock, ManualClock)
        self.days, self.posts, self.reactions, self.articles = days, posts, reactions, articles
        self.rng = np.random.default_rng(1)
        self.feeds = [Feed(f"https://paper{number}.example/feed.xml", f"Paper {number}") for number in range(FEEDS)]
        self.lists: dict[str, list[str]] = {feed.url: [] for feed in self.feeds}
        self.weights = bytes(self.rng.bytes((shipped_models() / "bootstrap.safetensors").stat().st_size))
        self.users = [f"U{number:09}" for number in range(TRAINERS)]
        self.harness.know(*self.users)
        self.reacted = self.settled = self.number = 0
        self.pruning: list[float] = []
        with self.bot.store.begin(WORKSPACE) as tx:
            tx.feeds.add(self.feeds, ListedBy.PEOPLE)

    def play(self) -> None:
        """Play all days; each starts at noon."""
        for day in range(self.days):
            self._take_in()
            self._post()
            self._react(one_by_one=day >= self.days - ONE_BY_ONE)
            self._learn()
            self.clock.advance(hours=24 - (self.clock.now().hour - 12))
            if day % 7 == 6:
                self.bot.loop.close_round(WORKSPACE)
            began = time.monotonic()
            self.harness.do("prune")
            self.pruning.append(time.monotonic() - began)
            if day % 30 == 29:
                print(
                    f"day {day + 1}: {self.reacted:,} reactions, the slowest pruning {max(self.pruning):.1f} s",
                    flush=True,
                )

    def _take_in(self) -> None:
        """Let the day's articles arrive: each feed lists its newest."""
        for feed in self.feeds:
            fresh = [self._article(feed) for _ in range(self.articles // FEEDS)]
            self.lists[feed.url] = [*[one.id for one in fresh], *self.lists[feed.url]][:LISTED]
            vectors = {one.id: self.rng.normal(size=DIMENSION).astype(np.float32) for one in fresh}
            with self.bot.store.begin(WORKSPACE) as tx:
                tx.articles.add(fresh)
                tx.articles.add_embeddings(self.bot.encoder.digest, vectors)
                tx.feeds.lists(feed.url, self.lists[feed.url])

    def _article(self, feed: Feed) -> Article:
        self.number += 1
        words = self.rng.choice(WORDS, 110)
        url = f"https://{feed.name.replace(' ', '').lower()}.example/stories/{self.number}"
        title, text = " ".join(words[:10]), " ".join(words[10:])
        return Article(key(url), f"{title} {self.number}", text, url, feed.name, self.clock.now(), feeds=(feed.url,))

    def _post(self) -> None:
        """Queue the day's posts, and mark what is queued as sent."""
        with self.bot.store.read(WORKSPACE) as tx:
            waiting, round_, tags = tx.articles.waiting(self.posts), tx.rounds.current(), tx.workspaces.tags()
        assert round_ is not None
        with self.bot.store.begin(WORKSPACE) as tx:
            for article in waiting:
                prediction, post = self._asked(article, round_.number, tags.ids)
                tx.posts.add(prediction, post)
                tx.outbox.add(deliveries_of(post, tags, post.created_at))
        while True:
            now = self.clock.now()
            with self.bot.store.begin(WORKSPACE) as tx:
                due = tx.outbox.claim(now, now + timedelta(minutes=1), 50)
                for delivery in due:
                    self.clock.advance(seconds=1)
                    ts = to_slack_ts(self.clock.now())
                    tx.outbox.done(delivery, ts, self.clock.now())
                    if delivery.kind is DeliveryKind.POST:
                        tx.posts.sent(str(delivery.payload["post_id"]), ts, self.clock.now())
                waits = tx.outbox.counts().get(DeliveryState.PENDING, 0)
            if not due and not waits:
                return

    def _asked(self, article: Article, round_number: int, tag_ids: Sequence[str]) -> tuple[Prediction, Post]:
        """Return a post of an article, its tag drawn at random, with distributions as long as tierbot's."""
        now, p = self.clock.now(), self.rng.dirichlet(np.full(len(tag_ids), 0.1))
        likely = np.argsort(-p)[:PLAUSIBLE]
        shown, pi = tag_ids[likely[0]], {tag_ids[place]: float(p[place] / p[likely].sum()) for place in likely}
        prediction = Prediction(
            key("prediction", article.id), article.id, "m0001", "explore(0.05)", shown, pi[shown],
            dict(zip(tag_ids, p.round(6).tolist(), strict=True)), pi, Selection("mix", 0.25), now,
            {"encoder": self.bot.encoder.digest, "pool": 2, "copies": 1, "sources": 1},
        )  # fmt: skip
        arm = Arm.BLANK if self.rng.random() < BLANK else Arm.TIER
        made = Post(key("post", article.id), prediction.id, article.id, round_number, arm, 0.85, shown, "C1", now)
        return prediction, made

    def _react(self, *, one_by_one: bool) -> None:
        """Let the team react to the newest posts: mostly with the tag that is shown, else with another; a few change."""
        with self.bot.store.read(WORKSPACE) as tx:
            round_, tags = tx.rounds.current(), tx.workspaces.tags()
            assert round_ is not None
            posts = [post for post in tx.posts.in_round(round_.number) if post.ts][-self.posts :]
        others = [tag.short_name for tag in tags]
        events = []
        for _ in range(self.reactions):
            post = posts[self.rng.integers(len(posts))]
            shown = tags[post.shown_tag].short_name
            name = shown if self.rng.random() < 0.8 else others[self.rng.integers(len(others))]
            self.clock.advance(seconds=20)
            now = self.clock.now()
            event = ReactionEvent(
                f"Ev{self.reacted:010}", post.channel, str(post.ts), self.users[self.rng.integers(TRAINERS)], name,
                bool(self.rng.random() < 0.95), now, now,
            )  # fmt: skip
            self.reacted += 1
            if one_by_one:
                self.bot.loop.record(WORKSPACE, event)
                self.bot.loop.settle(WORKSPACE)
            else:
                events.append(event)
        with self.bot.store.begin(WORKSPACE) as tx:
            tx.ledger.append_all(events)
        self.bot.loop.settle(WORKSPACE)

    def _learn(self) -> None:
        """Store a model for every 50 verdicts."""
        with self.bot.store.begin(WORKSPACE) as tx:
            settled = tx.verdicts.count_since(self.clock.now() - timedelta(days=1))
            self.settled += settled
            if self.settled < VERDICTS_PER_MODEL:
                return
            self.settled -= VERDICTS_PER_MODEL
            champion = tx.models.champion()
            assert champion is not None
            number = len(tx.models.all()) + 1
            challenger = replace(champion, id=f"m{number:04}", number=number, state=ModelState.CHALLENGER)
            tx.models.add(challenger, self.weights)
            if number % 2:  # every other one is promoted; the bot goes on with the weights that it can use
                tx.models.set_state(challenger.id, ModelState.RETIRED)


def sizes(path: Path) -> list[tuple[str, int, float]]:
    """Return (table, rows, MB with its indexes) of a SQLite database, the largest first."""
    with closing(sqlite3.connect(path)) as database:
        owner = dict(database.execute("SELECT name, tbl_name FROM sqlite_master"))
        pages: dict[str, int] = {}
        for name, size in database.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name"):
            table = owner.get(name, name)
            pages[table] = pages.get(table, 0) + size
        rows = {
            table: database.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]  # noqa: S608 - its own names
            for table in pages
            if table in owner
        }
    return sorted(((table, rows[table], pages[table] / 1e6) for table in rows), key=lambda line: -line[2])


def main(folder: Path, days: int, posts: int, reactions: int, articles: int) -> None:
    """Play, then print what each table holds."""
    began = time.monotonic()
    year = Year(folder, days, posts, reactions, articles)
    year.play()
    year.bot.close()
    path = folder / "test.db"
    print("\n| table | rows | MB |\n|---|---|---|")
    for table, rows, size in sizes(path):
        if size >= 0.05:
            print(f"| `{table}` | {rows:,} | {size:.1f} |")
    with closing(sqlite3.connect(path)) as database:
        pages, unused, page = (
            database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
    wal = path.with_name(f"{path.name}-wal")
    print(f"\n{days} days, {year.reacted:,} reactions: {pages * page / 1e6:.0f} MB, of which {unused * page / 1e6:.0f} MB are free pages "
          f"for new rows; WAL {wal.stat().st_size / 1e6 if wal.exists() else 0:.0f} MB")  # fmt: skip
    print(
        f"pruning: {np.mean(year.pruning):.2f} s a day, {max(year.pruning):.1f} s at most; {time.monotonic() - began:.0f} s in all"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--posts", type=int, default=40)
    parser.add_argument("--reactions", type=int, default=300)
    parser.add_argument("--articles", type=int, default=120, help="articles that the feeds bring in a day")
    parser.add_argument("--folder", type=Path, help="keep the database here [default: a temporary folder]")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as own:
        main(given.folder or Path(own), given.days, given.posts, given.reactions, given.articles)
