"""Exports (item, worker, label) for every vote that names a tag, for `tierbot settle` and crowd-kit."""

import csv
from collections.abc import Iterable
from pathlib import Path

from tierbot.reports.dataset import Row
from tierbot.reports.export.format import ExportFormat, Surroundings


def _write(rows: Iterable[Row], path: Path, _: Surroundings) -> list[str]:
    unnamed = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("item", "worker", "label"))
        for row in rows:
            named = [vote for vote in row["votes"] if vote["tag"] is not None]
            writer.writerows((row["post_id"], vote["trainer"], vote["tag"]) for vote in named)
            unnamed += len(row["votes"]) - len(named)
    return [f"{unnamed} votes name no tag (👎, 😕) and were left out."] if unnamed else []


CROWD = ExportFormat(
    name="crowd",
    suffix=".crowd.csv",
    about="CSV with `item` (the post), `worker` (the trainer), `label` (a tag they named): one line a vote that names a "
    "tag, so a worker who named two has two lines. crowd-kit calls `item` `task`. Votes that name none are left out.",
    write=_write,
    columns=False,
)
