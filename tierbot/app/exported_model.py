"""The champion as a folder that others load without tierbot: ONNX, a Hugging Face model card, an MLflow model.

Nothing in it is pickled. MLflow's own file is written here, so that no MLflow is needed to export.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tierbot.adapters import files
from tierbot.adapters.atomic import drafted
from tierbot.adapters.encoders.onnx_model import exportable, write_model, write_tokenizer
from tierbot.app.api import Champion
from tierbot.domain.nouns import Arm, Estimate, SettledPost, TierbotError
from tierbot.domain.predict.classifier import Classifier
from tierbot.domain.predict.features import MOST_CHARACTERS, MOST_WORDS, WORD
from tierbot.domain.training.judge import accuracy

MARK = "tierbot.json"
_EXPERIMENT = "tierbot"
_NEEDS = ["numpy", "onnxruntime", "pandas", "tokenizers"]


@dataclass(frozen=True, slots=True)
class RoundMetrics:
    """How right the models in service were in a round: in all posts, and in the blank ones, which alone are unbiased."""

    round: int
    settled: int
    all: Estimate
    blank: Estimate


def metrics_by_round(settled: Sequence[SettledPost]) -> list[RoundMetrics]:
    """Return each round's accuracy, oldest first."""
    by_round: dict[int, list[SettledPost]] = {}
    for item in settled:
        by_round.setdefault(item.post.round_number, []).append(item)
    return [
        RoundMetrics(number, len(items), accuracy(items), accuracy(items, arm=Arm.BLANK, random_only=True))
        for number, items in sorted(by_round.items())
    ]


def write_champion(folder: Path, champion: Champion, rounds: Sequence[RoundMetrics]) -> None:
    """Write the folder, or replace one that this wrote; all or nothing.

    Raises TierbotError if the champion is an external predictor or uses an encoder that isn't packaged, if onnx is
    missing, or if the folder has other files.
    """
    if not isinstance(champion.model, Classifier):
        raise TierbotError(f"{champion.version} is an external predictor: its own package says how to export it.")
    exportable(champion.encoder)
    with drafted(folder, replaceable=MARK) as draft:
        (draft / "code").mkdir(parents=True)
        write_model(draft / "model.onnx", champion.model.over(champion.tags))
        limits = write_tokenizer(draft / "tokenizer.json")
        _write_json(draft / MARK, _about(champion, rounds, limits))
        _write_json(draft / "MLmodel", _mlflow(champion))  # JSON is YAML
        (draft / "requirements.txt").write_text("\n".join(_NEEDS) + "\n", encoding="utf-8")
        (draft / "README.md").write_text(_card(champion, rounds), encoding="utf-8")
        shutil.copyfile(Path(files.__file__).parent / "tierbot_champion.py", draft / "code" / "tierbot_champion.py")


def log_to_mlflow(uri: str, folder: Path, version: str, rounds: Sequence[RoundMetrics]) -> str:
    """Log an exported folder and its metrics by round as a run at an MLflow tracking address; return the run's id."""
    try:
        from mlflow import MlflowClient  # noqa: PLC0415 - an optional package
    except ImportError as fault:
        raise TierbotError("MLflow is missing. Run: pip install '.[models]'.") from fault
    client = MlflowClient(tracking_uri=uri)
    known = client.get_experiment_by_name(_EXPERIMENT)
    experiment = known.experiment_id if known else client.create_experiment(_EXPERIMENT)
    run = str(client.create_run(experiment, run_name=version).info.run_id)
    client.log_param(run, "model", version)
    for one in rounds:
        for name, value in _numbers(one).items():
            client.log_metric(run, name, value, step=one.round)
    client.log_artifacts(run, str(folder), "model")
    client.set_terminated(run)
    return run


def _numbers(one: RoundMetrics) -> dict[str, float]:
    found = {"settled": float(one.settled)}
    for name, estimate in (("all", one.all), ("blank", one.blank)):
        if estimate.n:
            found |= {f"accuracy_{name}{end}": float(getattr(estimate, part)) for end, part in _PARTS}
    return found


_PARTS = (("", "value"), ("_low", "low"), ("_high", "high"))


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False, default=str) + "\n", encoding="utf-8")


def _about(champion: Champion, rounds: Sequence[RoundMetrics], limits: dict[str, int]) -> dict[str, Any]:
    tags = [
        {"id": tag.id, "name": tag.name, "emoji": tag.character, "description": tag.description}
        for tag in champion.topics
    ]
    return {
        "model": champion.version,
        "tags": tags,
        "word": WORD.pattern,
        "limits": {**limits, "characters": MOST_CHARACTERS, "words": MOST_WORDS},
        "rounds": [asdict(one) for one in rounds],
    }


def _mlflow(champion: Champion) -> dict[str, Any]:
    inputs = [{"name": name, "type": "string", "required": name == "text"} for name in ("text", "url")]
    outputs = [{"name": tag, "type": "float", "required": True} for tag in champion.tags]
    return {
        "flavors": {"python_function": {"loader_module": "tierbot_champion", "code": "code", "data": "."}},
        "signature": {"inputs": json.dumps(inputs), "outputs": json.dumps(outputs), "params": None},
        "metadata": {"model": champion.version},
    }


def _card(champion: Champion, rounds: Sequence[RoundMetrics]) -> str:
    table = ["| round | settled posts | accuracy, all posts | blank posts (unbiased) |", "|---|---|---|---|"]
    table += [f"| {one.round} | {one.settled} | {_said(one.all)} | {_said(one.blank)} |" for one in rounds]
    measured = "\n".join(table) if rounds else "No round has a settled post yet."
    return f"""---
license: mit
language: en
library_name: onnx
pipeline_tag: text-classification
base_model: sentence-transformers/all-MiniLM-L6-v2
tags:
- tierbot
- topic-classification
---

# tierbot {champion.version}

Predicts which of {len(champion.tags)} topics a short English text has, such as a headline with its lead. tierbot trained it on its
colleagues' emoji reactions; `tierbot.json` lists the topics.

## Use it

```python
import sys

sys.path.insert(0, "code")
from tierbot_champion import Champion  # needs numpy, onnxruntime and tokenizers

print(Champion(".").classify(["Pizza and pasta"])[0])
```

With MLflow: `mlflow.pyfunc.load_model(".").predict(frame)`, with the column `text` and, optionally, `url`.

`model.onnx` contains the sentence encoder and the head. Inputs: `input_ids` and `attention_mask` from `tokenizer.json`, and, as strings
padded with `""`, the text's lowercase `words` and its article's `sites` (`example.org`, `example.org/sports`);
`code/tierbot_champion.py` computes them. Output: `probabilities`, in the order of the topics, equal to tierbot's within 0.0001. The
words are hashed by an operator of ONNX Runtime's own.

## Accuracy

The models in service, by round, with 95% intervals. Posts that don't name the prediction (blank) are unbiased.

{measured}

## Limits

A text without words or topic still gets probabilities. The encoder reads English and the first 128 tokens. It learned the preferences of
one team. The encoder is all-MiniLM-L6-v2 (Apache 2.0).
"""


def _said(estimate: Estimate) -> str:
    if not estimate.n:
        return "–"
    return f"{estimate.value:.0%} ({estimate.low:.0%}–{estimate.high:.0%}, n = {estimate.n})"
