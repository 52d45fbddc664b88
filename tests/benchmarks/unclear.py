"""How many ordinary texts, and how many odd ones, are refused as too little to tell.

    python -m tests.benchmarks.unclear [--data DIR] [--model FILE]
    python -m tests.benchmarks.unclear --write      # count the letters again, for trigrams.txt

Ordinary: titles that neither the model nor the trigrams were made from (the newest fifth of huffpost; the second half of
lobsters and of huffpost-undated's unused rows, a sample by seed), the demo's stories and first_day_*.jsonl. Odd: odd_texts.jsonl,
whose first set chose the thresholds and whose second was written afterwards.
"""

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from tests.benchmarks.streams import DATA
from tierbot.adapters.files.archives import read_archive
from tierbot.domain.predict import unclear
from tierbot.domain.predict.classifier import Classifier
from tierbot.domain.predict.unclear import trigrams_of, why_unclear, words_of

HERE = Path(__file__).parent
TRIGRAMS = Path(unclear.__file__).parent / "trigrams.txt"
BOOTSTRAP = HERE.parents[1] / "models" / "bootstrap.safetensors"
CORPUS = HERE.parents[1] / "tierbot" / "simulate" / "corpus.jsonl"
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_MOST = 4000  # trigrams
_SAMPLE = 3000  # titles per set and seed
_SHARES = {"huffpost": 0.8, "huffpost-undated": 0.5, "lobsters": 0.5}  # of the titles, from the start, for the trigrams


def titles(data: Path, name: str) -> list[str]:
    """Return an archive's titles, oldest first where they have dates."""
    rows = list(read_archive(data / f"{name}.jsonl.gz", now=_NOW, strict=False))
    return [row.title for row in sorted(rows, key=lambda row: row.published_at or _NOW)]


def halves(data: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield each archive's name, the titles that the trigrams are counted in, and the others."""
    for name, share in _SHARES.items():
        found = titles(data, name)
        cut = int(share * len(found))
        seen = set(found[:cut])
        yield name, found[:cut], [title for title in found[cut:] if title not in seen]


def write(data: Path) -> None:
    """Write the most frequent trigrams, so that they are reproducible byte by byte."""
    count: Counter[str] = Counter()
    for _, used, _ in halves(data):
        for title in used:
            count.update(trigrams_of(words_of(title)))
    most = sorted(one for one, _ in sorted(count.items(), key=lambda pair: (-pair[1], pair[0]))[:_MOST])
    lines = [" ".join(most[start : start + 30]) for start in range(0, len(most), 30)]
    TRIGRAMS.write_text("\n".join(lines) + "\n", encoding="utf-8")


def refused(texts: Iterable[str], model: Classifier) -> float:
    """Return the share of texts that are refused."""
    return float(np.mean([why is not None for why in why_unclear(list(texts), model)]))


def lines_of(path: Path) -> list[dict[str, str]]:
    """Return the objects of a JSONL file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def main() -> None:
    """Print the shares."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--model", type=Path, default=BOOTSTRAP)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    if given.write:
        write(given.data)
        return
    model = Classifier.from_bytes(given.model.read_bytes(), str(given.model))
    for name, _, others in halves(given.data):
        for seed in range(given.seeds):
            rng = np.random.default_rng(seed)
            sample = [others[row] for row in rng.permutation(len(others))[:_SAMPLE]]
            print(f"ordinary  {name:18} seed {seed}  {refused(sample, model):.4f}  of {len(sample)}")
    own = {"demo's stories": [row["title"] for row in lines_of(CORPUS)]}
    for path in sorted(HERE.glob("first_day_*.jsonl")):
        own[path.stem] = [row["text"] for row in lines_of(path)]
    for name, texts in own.items():
        print(f"ordinary  {name:18}         {refused(texts, model):.4f}  of {len(texts)}")
    odd: dict[tuple[int, str], list[str]] = defaultdict(list)
    for row in lines_of(HERE / "odd_texts.jsonl"):
        for kind in (row["kind"], "all"):
            odd[int(row["set"]), kind].append(row["text"])
    for (number, kind), texts in sorted(odd.items()):
        print(f"odd       {kind:18} set {number}   {refused(texts, model):.4f}  of {len(texts)}")


if __name__ == "__main__":
    main()
