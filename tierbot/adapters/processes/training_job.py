"""A retraining's job and result as files, between the bot and the child process that trains.

The files are safetensors, written atomically: a child that is killed leaves no result.
"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tierbot.adapters.atomic import write_whole
from tierbot.domain.nouns import TierbotError
from tierbot.domain.predict.classifier import Classifier
from tierbot.domain.predict.tensors import ModelFileError, read_tensors, write_tensors
from tierbot.domain.training.evidence import Logged
from tierbot.domain.training.fit import FitSettings
from tierbot.domain.training.judge import Decision
from tierbot.domain.training.retrain import TrainingJob, TrainingResult
from tierbot.domain.training.rows import rows_about, rows_arrays, rows_of_arrays

_JOB = "tierbot-job/1"
_RESULT = "tierbot-result/1"


class TrainingInterruptedError(TierbotError):
    """The child process ended without a result; nothing was changed."""


def write_job(job: TrainingJob, path: Path) -> None:
    """Write a job for the child."""
    arrays: dict[str, NDArray[Any]] = {
        **rows_arrays(job.verdicts, "verdicts."),
        "unbiased": job.unbiased,
        "prior": _bytes(job.prior.to_bytes()),
    }
    about: dict[str, Any] = {
        "format": _JOB,
        "verdicts": rows_about(job.verdicts, job.encoder_digest),
        "bootstrap": None,
        **{name: getattr(job, name) for name in ("encoder_digest", "parent", "bootstrap_weight", "imported", "seed")},
        "cursor": dict(job.cursor),
        "settings": asdict(job.settings),
    }
    if job.champion is not None:
        arrays["champion"] = _bytes(job.champion.to_bytes())
    if job.logged is not None:
        arrays |= {f"logged.{name}": getattr(job.logged, name) for name in Logged.__slots__}
    if job.bootstrap is not None:
        arrays |= rows_arrays(job.bootstrap, "bootstrap.")
        about["bootstrap"] = rows_about(job.bootstrap, job.encoder_digest)
    write_whole(path, write_tensors(arrays, about))


def read_job(path: Path) -> TrainingJob:
    """Read a job. Raises ModelFileError if the file is damaged or missing."""
    name = str(path)
    arrays, about = read_tensors(_content(path), name, _JOB)
    bootstrap = about["bootstrap"]
    return TrainingJob(
        verdicts=rows_of_arrays(arrays, about["verdicts"], name, "verdicts."),
        unbiased=arrays["unbiased"],
        prior=_model(arrays, "prior", name),
        champion=_model(arrays, "champion", name) if "champion" in arrays else None,
        logged=Logged(*(arrays[f"logged.{name}"] for name in Logged.__slots__)) if "logged.shown" in arrays else None,
        bootstrap=None if bootstrap is None else rows_of_arrays(arrays, bootstrap, name, "bootstrap."),
        settings=FitSettings(**about["settings"]),
        **{
            field: about[field]
            for field in ("encoder_digest", "parent", "bootstrap_weight", "imported", "seed", "cursor")
        },
    )


def write_result(result: TrainingResult, path: Path) -> None:
    """Write a result for the parent."""
    about = {"format": _RESULT, "decision": asdict(result.decision)}
    write_whole(path, write_tensors({"model": _bytes(result.classifier.to_bytes())}, about))


def write_failure(message: str, path: Path) -> None:
    """Write an error message for the parent."""
    write_whole(path, write_tensors({}, {"format": _RESULT, "failure": message}))


def read_result(path: Path) -> TrainingResult:
    """Read a result. Raises TrainingInterruptedError if there is none, TierbotError if the child reported an error."""
    if not path.exists():
        raise TrainingInterruptedError(
            f"The training ended without a result ({path} is missing): it was killed, or ran out of memory or time. "
            "Nothing was changed; retrain when the machine has more resources."
        )
    arrays, about = read_tensors(_content(path), str(path), _RESULT)
    if "failure" in about:
        raise TierbotError(about["failure"])
    return TrainingResult(_model(arrays, "model", str(path)), Decision(**about["decision"]))


def _bytes(data: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(data, dtype=np.uint8)


def _model(arrays: Mapping[str, NDArray[Any]], which: str, name: str) -> Classifier:
    return Classifier.from_bytes(arrays[which].tobytes(), f"{name} ({which})")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:
        raise ModelFileError(f"{path} cannot be read ({fault.strerror}). Retrain.") from fault
