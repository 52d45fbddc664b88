"""How long retraining takes and how much memory it needs, by the number of verdicts.

    python -m tests.benchmarks.retraining [--sizes 10000 30000 100000] [--cache DIR] [--json]

The job is the bot's own: stored embeddings and hashed words of stories from all three streams, the shipped model as
prior and champion, its replayed rows, 5% unbiased verdicts; the child process that the bot starts does the work, with
as many threads as it has there. The stories' labels are the shipped model's top tags, a tenth of them drawn at
random; past 88,000 stories they come again with another word.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.streams import DATA, STREAMS, load
from tierbot.adapters.files.model_files import ModelFolder, shipped_models
from tierbot.adapters.processes.training_job import write_job
from tierbot.domain.predict.classifier import Classifier
from tierbot.domain.predict.features import Features, features_of, joined
from tierbot.domain.training.retrain import TrainingJob
from tierbot.domain.training.rows import SILENCE, labeled_rows, rows_from_bytes

_PART = 5000
_FLIPPED, _UNBIASED = 0.1, 0.05


def features(count: int, data: Path, cache: Path | None) -> Features:
    """Return the features of so many stories of all streams, in random order."""
    streams = [load(name, data, cache) for name in STREAMS]
    articles = [article for stream in streams for article in stream.articles]
    embeddings = np.concatenate([stream.features.embeddings for stream in streams])
    order = np.random.default_rng(0).permutation(len(articles))
    order = np.resize(order, count)
    texts = [articles[row].content + (f" again{n}" if n >= len(articles) else "") for n, row in enumerate(order)]
    urls = [articles[row].url for row in order]
    parts = (range(start, min(start + _PART, count)) for start in range(0, count, _PART))
    return joined(
        features_of([texts[n] for n in part], embeddings[order[part]], [urls[n] for n in part]) for part in parts
    )


def job(given: Features) -> TrainingJob:
    """Return a retraining on verdicts about the given stories."""
    rng = np.random.default_rng(1)
    model_files = ModelFolder(shipped_models())
    version, weights = model_files.bootstrap()
    model = Classifier.from_bytes(weights)
    parts = (np.arange(start, min(start + _PART, len(given))) for start in range(0, len(given), _PART))
    top = np.concatenate([model.probabilities(given.take(part), model.tag_ids).argmax(axis=1) for part in parts])
    drawn = rng.integers(len(model.tag_ids), size=len(given))
    top = np.where(rng.random(len(given)) < _FLIPPED, drawn, top)
    rows = labeled_rows([{model.tag_ids[tag]: 1.0} for tag in top], given, model.tag_ids, silence=SILENCE)
    return TrainingJob(
        verdicts=replace(rows, keys=np.arange(1, len(rows) + 1, dtype=np.uint64)),
        unbiased=rng.random(len(given)) < _UNBIASED,
        prior=model,
        champion=model,
        encoder_digest=version.encoder_digest,
        parent="m0001",
        bootstrap=rows_from_bytes(model_files.bootstrap_rows() or b"", version.encoder_digest),
    )


def retrain(order: TrainingJob, folder: Path) -> dict[str, Any]:
    """Let the child process retrain; return seconds by the clock and of CPU, and the most memory that it held."""
    write_job(order, folder / "job")
    began = time.monotonic()
    child = subprocess.Popen(
        [sys.executable, "-m", "tierbot.adapters.processes.training_child", str(folder / "job"), str(folder / "done")]
    )
    peak = 0
    while True:
        peak = max(peak, _high_water(child.pid))
        ended, status, used = os.wait4(child.pid, os.WNOHANG)
        if ended:
            break
        time.sleep(0.1)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit("The retraining failed.")
    return {
        "verdicts": len(order.verdicts),
        "seconds": round(time.monotonic() - began, 1),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
        "peak_mb": round(peak / 1e6),
    }


def _high_water(pid: int) -> int:
    """Return the most memory that a process has held so far, in bytes; its rusage counts its parent's as well."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
    return int(found[0]) * 1024 if found else 0


def main() -> None:
    """Print one line a size, then the exponent with which time grows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", type=int, default=[10_000, 30_000, 100_000])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--cache", type=Path, help="keep embeddings in this folder")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    every = features(max(options.sizes), options.data, options.cache)
    found = []
    for size in options.sizes:
        with tempfile.TemporaryDirectory() as folder:
            found.append(retrain(job(every.take(np.arange(size))), Path(folder)))
        print(json.dumps(found[-1]), flush=True)
    if len(found) > 1:
        sizes, seconds = (np.log([one[what] for one in found]) for what in ("verdicts", "cpu_seconds"))
        exponent = {"exponent": round(float(np.polyfit(sizes, seconds, 1)[0]), 2)}
        print(json.dumps(exponent) if options.json else f"CPU time grows with verdicts^{exponent['exponent']}")


if __name__ == "__main__":
    main()
