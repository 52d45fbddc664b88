"""Export each vote for a tag as (task, worker, label), the input of crowd aggregators (`tierbot settle`, crowd-kit)."""

import csv
from collections.abc import Iterable
from pathlib import Path

from tierbot.reports.dataset import Row
from tierbot.reports.export.format import ExportFormat, Surroundings


def _write(rows: Iterable[Row], path: Path, _: Surroundings) -> list[str]:
    unnamed = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("task", "worker", "label"))
        for row in rows:
            named = [vote for vote in row["votes"] if vote["tag"] is not None]
            writer.writerows((row["post_id"], vote["trainer"], vote["tag"]) for vote in named)
            unnamed += len(row["votes"]) - len(named)
    return [f"Left out {unnamed} votes that name no tag (👎, 😕)."] if unnamed else []


CROWD = ExportFormat(
    name="crowd",
    suffix=".crowd.csv",
    about="CSV with crowd-kit's columns: `task` (the post), `worker` (the trainer) and `label` (a tag they named): one line per named tag, so a "
    "worker who named two has two lines. Votes that name no tag are left out.",
    write=_write,
)
