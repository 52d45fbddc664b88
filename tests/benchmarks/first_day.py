"""How often the first model is right about texts that nobody chose for it: headlines and chat messages of first_day_*.jsonl.

    python -m tests.benchmarks.first_day [--models FOLDER]

Each set has 60 headlines and 40 chat messages, with the tags that a reader would accept, written before any was predicted. After
the first, the bootstrap model was given its sample texts; the second was written after those.
"""

import argparse
import json
from pathlib import Path

from tierbot.app.api import load

HERE = Path(__file__).parent


def main() -> None:
    """Print the accuracy at 1 and at 3, and each miss."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", default="models")
    parser.add_argument("--misses", action="store_true")
    given = parser.parse_args()
    champion = load(given.models)
    for path in sorted(HERE.glob("first_day_*.jsonl")):
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for kind in ("headline", "chat"):
            some = [row for row in rows if row["kind"] == kind]
            tops = [list(found)[:3] for found in champion.classify([row["text"] for row in some])]
            first = [top[0] in row["tags"] for row, top in zip(some, tops, strict=True)]
            third = [bool(set(top) & set(row["tags"])) for row, top in zip(some, tops, strict=True)]
            print(f"{path.stem}  {kind:8}  at 1 {sum(first) / len(some):.3f}  at 3 {sum(third) / len(some):.3f}")
            for row, top, right in zip(some, tops, first, strict=True):
                if given.misses and not right:
                    print(f"    {row['text'][:80]}  {'/'.join(row['tags'])}  not {', '.join(top)}")


if __name__ == "__main__":
    main()
