"""A million votes exported: under 60 s of processor time and 500 MB. Run with -s to see the numbers.

    pytest tests/benchmarks/test_export.py -s

The export runs in a process of its own: its peak memory is measured, and 100,000 votes take nearly as much as all.
"""

import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import insert

from tierbot.adapters.store import open_store
from tierbot.adapters.store.columns import Row, table
from tierbot.adapters.store.rows import ArticleRow, PostRow, PredictionRow, VerdictRow, VoteRow
from tierbot.domain.tags import default_tag_space
from tierbot.use_cases.ports import Workspace

TEAM, START = "T1", datetime(2024, 1, 1, tzinfo=UTC)
POSTS, VOTES, TRAINERS, BATCH = 100_000, 10, 1000, 5000
TAGS = [tag.id for tag in default_tag_space()]

EXPORT = """
import json, resource, sys, time
from pathlib import Path
from tierbot.adapters.store import open_store
from tierbot.reports.dataset import Only, Pseudonyms
from tierbot.reports.export import FORMATS
from tierbot.reports.export.writing import write_dataset
url, form, place, rounds = sys.argv[1:]
only = Only(rounds=tuple(map(int, rounds.split(","))) if rounds else None)
started = time.perf_counter()
with open_store(url).read("T1") as tx:
    written = write_dataset(tx, FORMATS[form], Path(place), only=only, name=Pseudonyms(bytes(32)),
                            encoder_digest="", dimension=0)
print(json.dumps({"seconds": time.perf_counter() - started, "processor": time.process_time(), "votes": written.votes, "rows": written.rows,
                  "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


def _tables(first: int, rng: np.random.Generator) -> Iterator[tuple[type[Row], list[dict[str, object]]]]:
    numbers = range(first, first + BATCH)
    at = [START + timedelta(minutes=number) for number in numbers]
    base = {"workspace_id": TEAM}
    words = "In a long report that nobody expected, officials said on Tuesday that more would follow. " * 3
    yield ArticleRow, [
        {**base, "id": f"a{n}", "title": f"Story {n} of the day", "text": words, "url": f"https://n.example/{n}",
         "source": "News", "received_at": t, "copies": 1, "asked_at": t}
        for n, t in zip(numbers, at, strict=True)
    ]  # fmt: skip
    drawn = rng.dirichlet(np.full(len(TAGS), 0.1), BATCH)
    p = [dict(zip(TAGS, row.tolist(), strict=True)) for row in drawn]
    yield PredictionRow, [
        {**base, "id": f"d{n}", "article_id": f"a{n}", "model_version": "m", "policy": "explore", "shown_tag": TAGS[0],
         "top_tag": TAGS[1], "propensity": 0.5, "probabilities": one, "policy_probabilities": one,
         "selection_strategy": "random", "selection_probability": 0.1, "created_at": t, "prediction_metadata": {}}
        for n, t, one in zip(numbers, at, p, strict=True)
    ]  # fmt: skip
    yield PostRow, [
        {**base, "id": f"p{n}", "prediction_id": f"d{n}", "article_id": f"a{n}", "round_number": 1 + n * 10 // POSTS,
         "arm": "tier", "arm_probability": 0.85, "shown_tag": TAGS[0], "channel": "C", "created_at": t, "ts": str(n),
         "posted_at": t, "votes_cursor": 1, "settled_cursor": 1}
        for n, t in zip(numbers, at, strict=True)
    ]  # fmt: skip
    yield VerdictRow, [
        {**base, "post_id": f"p{n}", "outcome": "named", "tags": {TAGS[0]: 1.0}, "reward": 1.0, "weight": 0.8,
         "voters": VOTES, "support": {TAGS[0]: VOTES}, "rejects": 0, "unsure": 0, "aggregator": "plain",
         "ledger_cursor": 1, "settled_at": t, "model_versions": (), "newest": True}
        for n, t in zip(numbers, at, strict=True)
    ]  # fmt: skip
    yield VoteRow, [
        {**base, "post_id": f"p{n}", "user_id": f"U{(n * 7 + k * 13) % TRAINERS}", "says": "names", "tag": TAGS[0],
         "at": t}
        for (n, t), k in itertools.product(zip(numbers, at, strict=True), range(VOTES))
    ]  # fmt: skip


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the address of a database with a million votes."""
    address = f"sqlite:///{tmp_path_factory.mktemp('votes')}/tierbot.db"
    store, rng = open_store(address), np.random.default_rng(0)
    with store.begin(TEAM) as tx:
        tx.workspaces.put(Workspace(TEAM, "Test", START))
        tx.workspaces.put_tags(default_tag_space())
    for first in range(0, POSTS, BATCH):
        with store._database.write(TEAM) as connection:
            for row, values in _tables(first, rng):
                connection.execute(insert(table(row)), values)
    store.close()
    return address


def exported(url: str, form: str, place: Path, rounds: str = "") -> dict[str, float]:
    command = [sys.executable, "-c", EXPORT, url, form, str(place), rounds]
    found: dict[str, float] = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    return found


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_a_million_votes_are_exported_in_a_minute_and_half_a_gigabyte(url: str, form: str, tmp_path: Path) -> None:
    if form == "parquet":
        pytest.importorskip("pyarrow", reason="needs pyarrow (pip install '.[export]')")
    some = exported(url, form, tmp_path / "some", rounds="1")
    every = exported(url, form, tmp_path / "every")
    size = (tmp_path / "every").stat().st_size / 1e6
    for which in (some, every):
        print(
            f"\n{form}: {which['votes']:,} votes, {which['rows']:,} rows in {which['seconds']:.1f} s, "
            f"{which['processor']:.1f} s of the processor, peak {which['peak_mb']:.0f} MB"
        )
    print(f"{form}: a file of {size:.0f} MB")
    assert (some["votes"], every["votes"]) == (POSTS * VOTES / 10, POSTS * VOTES)
    assert every["processor"] < 60  # on an idle machine the same as by the clock
    assert every["peak_mb"] < 500
    assert every["peak_mb"] < some["peak_mb"] + 60
