"""Train an external predictor in a child process, so that the bot keeps answering and gets the memory back.

The lesson and its outcome are files: JSON, and bytes that only the predictor reads.
"""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from tierbot.adapters.child_environment import child_environment
from tierbot.adapters.processes import SAID
from tierbot.adapters.processes.training_job import TrainingInterruptedError
from tierbot.adapters.temporary import temporary_folder
from tierbot.domain.predict.model import Example, PredictorError
from tierbot.domain.training.external_predictor import Lesson, Taught
from tierbot.domain.training.judge import Decision

LESSON, STATE, OUTCOME = "lesson.json", "state", "outcome.json"
_EXAMPLES = TypeAdapter(list[Example])


def taught_in_child(lesson: Lesson, timeout: float) -> Taught:
    """Train for up to `timeout` seconds. Raises TrainingInterruptedError, or PredictorError with the child's error."""
    with temporary_folder(Path(tempfile.gettempdir()), "tierbot-teaching") as folder:
        _write_lesson(lesson, folder)
        command = [sys.executable, "-m", "tierbot.adapters.processes.predictors.child", str(folder)]
        # Entry points are searched along sys.path, so the child needs the same path.
        environment = child_environment(predictor=True) | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        try:
            child = subprocess.run(  # noqa: S603
                command, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, env=environment, check=False
            )
        except subprocess.TimeoutExpired as fault:
            raise TrainingInterruptedError(
                f"Training the predictor {lesson.name} took longer than {timeout / 60:g} minutes and was stopped; nothing "
                "was changed. Raise TIERBOT_RETRAIN_TIMEOUT_MINUTES."
            ) from fault
        return _outcome(folder, lesson.name, child.stderr.decode(errors="replace").strip())


def _write_lesson(lesson: Lesson, folder: Path) -> None:
    # A predictor must not learn who asked.
    shared = [replace(one, article=replace(one.article, asked_by=None, asked_in=None)) for one in lesson.examples]
    plain = {
        "name": lesson.name,
        "tags": list(lesson.tag_ids),
        "judging": np.flatnonzero(lesson.judging).tolist(),
        "examples": _EXAMPLES.dump_python(shared, mode="json"),
    }
    (folder / LESSON).write_text(json.dumps(plain), encoding="utf-8")
    (folder / STATE).write_bytes(lesson.state)


def read_lesson(folder: Path) -> Lesson:
    """Read the lesson in the child."""
    plain = json.loads((folder / LESSON).read_text(encoding="utf-8"))
    judging = np.zeros(len(plain["examples"]), dtype=bool)
    judging[plain["judging"]] = True
    examples = _EXAMPLES.validate_python(plain["examples"])
    return Lesson(plain["name"], tuple(plain["tags"]), examples, judging, (folder / STATE).read_bytes())


def write_outcome(folder: Path, taught: Taught | str) -> None:
    """Write the trained state for the parent, or an error message."""
    if isinstance(taught, str):
        (folder / OUTCOME).write_text(json.dumps({"failure": taught}), encoding="utf-8")
        return
    (folder / STATE).write_bytes(taught.state)
    (folder / OUTCOME).write_text(json.dumps({"decision": asdict(taught.decision)}), encoding="utf-8")


def _outcome(folder: Path, name: str, said: str) -> Taught:
    try:
        outcome = json.loads((folder / OUTCOME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise TrainingInterruptedError(
            f"Training the predictor {name} ended early; nothing was changed. Its output: {said[-SAID:] or 'none'}"
        ) from None
    if "failure" in outcome:
        raise PredictorError(outcome["failure"])
    return Taught((folder / STATE).read_bytes(), Decision(**outcome["decision"]))
