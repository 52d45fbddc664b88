"""A predictor is taught in a child process: the bot keeps answering, and what the child allocates goes when it ends.

The lesson and its outcome are files: JSON, and the predictor's own bytes, which nobody but the predictor reads.
"""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from tierbot.adapters.processes.training_job import TrainingInterruptedError
from tierbot.domain.nouns import Article
from tierbot.domain.predict.model import Example, PredictorError
from tierbot.domain.training.external_predictor import Lesson, Taught
from tierbot.domain.training.judge import Decision

LESSON, STATE, OUTCOME = "lesson.json", "state", "outcome.json"
_TOLD = 500  # characters of what a dying child said


def taught_in_child(lesson: Lesson, timeout: float) -> Taught:
    """Teach in a child process that may take `timeout` seconds.

    Raises TrainingInterruptedError if it was killed or ran out of time, PredictorError with the child's own words.
    """
    with tempfile.TemporaryDirectory(prefix="tierbot-teaching-") as place:
        folder = Path(place)
        write_lesson(lesson, folder)
        command = [sys.executable, "-m", "tierbot.adapters.processes.predictors.child", str(folder)]
        # Entry points are found along sys.path: the child must see what the parent sees.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SLACK_")}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        try:
            child = subprocess.run(  # noqa: S603
                command, capture_output=True, timeout=timeout, env=environment, check=False
            )
        except subprocess.TimeoutExpired as fault:
            raise TrainingInterruptedError(
                f"The predictor {lesson.name} took longer than {timeout / 60:g} minutes to learn and was ended; nothing was "
                "changed. Raise TIERBOT_RETRAIN_TIMEOUT_MINUTES."
            ) from fault
        return _outcome(folder, lesson.name, child.stderr.decode(errors="replace").strip())


def write_lesson(lesson: Lesson, folder: Path) -> None:
    """Write a lesson for the child."""
    told = {
        "name": lesson.name,
        "tags": list(lesson.tag_ids),
        "judging": np.flatnonzero(lesson.judging).tolist(),
        "examples": [_plain(one) for one in lesson.examples],
    }
    (folder / LESSON).write_text(json.dumps(told), encoding="utf-8")
    (folder / STATE).write_bytes(lesson.state)


def read_lesson(folder: Path) -> Lesson:
    """Read the lesson in the child."""
    told = json.loads((folder / LESSON).read_text(encoding="utf-8"))
    judging = np.zeros(len(told["examples"]), dtype=bool)
    judging[told["judging"]] = True
    examples = [_example(one) for one in told["examples"]]
    return Lesson(told["name"], tuple(told["tags"]), examples, judging, (folder / STATE).read_bytes())


def write_outcome(folder: Path, taught: Taught | str) -> None:
    """Leave what was learned for the parent, or the sentence that says why nothing was."""
    if isinstance(taught, str):
        (folder / OUTCOME).write_text(json.dumps({"failure": taught}), encoding="utf-8")
        return
    (folder / STATE).write_bytes(taught.state)
    (folder / OUTCOME).write_text(json.dumps({"decision": taught.decision.as_dict()}), encoding="utf-8")


def _outcome(folder: Path, name: str, said: str) -> Taught:
    try:
        told = json.loads((folder / OUTCOME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise TrainingInterruptedError(
            f"The predictor {name} ended without having learned; nothing was changed. It said: {said[-_TOLD:] or 'nothing'}"
        ) from None
    if "failure" in told:
        raise PredictorError(told["failure"])
    return Taught((folder / STATE).read_bytes(), Decision(**told["decision"]))


def _plain(example: Example) -> dict[str, Any]:
    what = replace(example.article, asked_by=None, asked_in=None)  # who asked is nobody else's business
    article = {name: value for name, value in asdict(what).items() if value is not None}
    times = {name: value.isoformat() for name, value in article.items() if isinstance(value, datetime)}
    return {
        "article": {**article, **times},
        "tags": dict(example.tags),
        "wrong": example.wrong,
        "weight": example.weight,
    }


def _example(told: dict[str, Any]) -> Example:
    times = {
        name: datetime.fromisoformat(told["article"][name])
        for name in ("received_at", "published_at")
        if name in told["article"]
    }
    return Example(Article(**{**told["article"], **times}), told["tags"], told["wrong"], told["weight"])
