"""What one article costs, in processor seconds of one thread, step by step: the figures behind docs/scale.md.

    python -m tests.benchmarks.cost [--articles 512]

Stories are HuffPost's where they are there (--archive FILE), with 40 words on average; others are made up.
"""

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from tierbot.adapters.encoders import encoder_of
from tierbot.adapters.files.archives import read_archive
from tierbot.adapters.files.configuration import load_feeds
from tierbot.adapters.files.model_files import shipped_models
from tierbot.adapters.store import open_store
from tierbot.domain.articles.duplicates import to_article
from tierbot.domain.nouns import Article
from tierbot.domain.predict.classifier import Classifier
from tierbot.use_cases.articles.intake import Intake
from tierbot.use_cases.ports import Workspace

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Fixed:
    """A clock that stands still."""

    def now(self) -> datetime:
        """Return the moment."""
        return NOW

    def monotonic(self) -> float:
        """Return no time passed."""
        return 0.0


def cost(what: str, articles: int, do: Callable[[], Any]) -> Any:
    """Do it, and print how many articles a second of one processor it comes to."""
    before = time.process_time()
    found = do()
    seconds = time.process_time() - before
    print(f"{what:36} {articles / seconds:>9,.0f} a second   {1e3 * seconds / articles:8.3f} ms an article", flush=True)
    return found


def main(count: int, archive: Path) -> None:
    """Print each step's cost."""
    articles: list[Article] = cost(
        "read and clean", count,
        lambda: [to_article(row, NOW) for row in islice(read_archive(archive, now=NOW), count)],
    )  # fmt: skip
    texts = [article.content for article in articles]
    print(f"{np.mean([len(text.split()) for text in texts]):.0f} words on average")
    vectors = None
    for name in ("all-MiniLM-L6-v2", "all-MiniLM-L6-v2-fast"):
        encoder = encoder_of(name)
        try:
            encoder.encode(texts[:8])
        except Exception as fault:  # noqa: BLE001 - an extra
            print(f"{name}: {fault}")
            continue
        found = cost(f"embed, {name}", count, lambda encoder=encoder: encoder.encode(texts))
        vectors = found if vectors is None else vectors
    card = json.loads((shipped_models() / "bootstrap.json").read_text())
    model = Classifier.from_bytes((shipped_models() / card["file"]).read_bytes())
    cost("classify, embedded", count, lambda: model.predict(articles, vectors, model.tag_ids))
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/cost.db")
        with store.begin("T1") as tx:
            tx.workspaces.put(Workspace("T1", "Test", NOW))
        intake = Intake(store=store, feed_reader=None, encoder=None, clock=Fixed(), file=None, read_file=load_feeds)  # type: ignore[arg-type]
        cost("take in, duplicates folded (SQLite)", count, lambda: intake.take_in("T1", articles))
        with store.begin("T1") as tx:
            there = tx.articles.get(article.id for article in articles)
            kept = {
                article.id: vector for article, vector in zip(articles, vectors, strict=True) if article.id in there
            }
            cost("keep embeddings (SQLite)", len(kept), lambda: tx.articles.add_embeddings("d", kept))
        store.close()
        size = sum(path.stat().st_size for path in Path(folder).iterdir())
    print(f"{size / len(kept) / 1024:.1f} kB of database an article, its embedding included")
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB of memory at most")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--articles", type=int, default=512)
    parser.add_argument("--archive", type=Path, default=Path("../shared/data/huffpost.jsonl.gz"))
    given = parser.parse_args()
    main(given.articles, given.archive)
