"""Export VowpalWabbit's text format for contextual bandits with action-dependent features (--cb_explore_adf)."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from tierbot.reports.dataset import Row
from tierbot.reports.export.format import ExportFormat, Surroundings

_WORD = re.compile(r"\w+")  # without the format's reserved characters: space, colon, bar
_MOST_WORDS = 300
_RESERVED = re.compile(r"[\s:|]")


def _write(rows: Iterable[Row], path: Path, _: Surroundings) -> list[str]:
    unrewarded = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            if row["reward"] is None or row["action"] not in row["policy_probabilities"]:
                unrewarded += 1
                continue
            file.writelines(line + "\n" for line in _example(row))
    return [f"Left out {unrewarded} rows without a reward."] if unrewarded else []


def _example(row: Row) -> Iterator[str]:
    """Yield the lines of one example: the shared features, one line per action, and an empty line."""
    words = _WORD.findall(f"{row['title']} {row['text']}".lower())[:_MOST_WORDS]
    yield f"shared |w {' '.join(words)}"
    cost = f"{1 - row['reward']:.9g}"
    for tag in row["policy_probabilities"]:
        label = f"0:{cost}:{row['propensity']:.9g} " if tag == row["action"] else ""
        p = row["probabilities"].get(tag, 0.0)
        yield f"{label}|t {_RESERVED.sub('_', tag)} |p p:{p:.6g}"
    yield ""


VOWPAL = ExportFormat(
    name="vw",
    suffix=".vw",
    about="Text for `vw --cb_explore_adf` (or `--cb_adf`): a `shared` line with the words of title and text (namespace "
    "`w`), then one line per tag (namespaces `t`, the tag, and `p`, the model's probability). The chosen tag's line starts "
    "with `0:cost:propensity`, where cost = 1 − reward. Rows without a reward are left out.",
    write=_write,
)
