"""The installed external predictors, with their versions and digests of their code.

An entry point in the group `tierbot.predictors` names a predictor (see predict.model.Predictor), or a class or function
without arguments that returns one. A predictor is imported when it is first loaded by name.
"""

import hashlib
import importlib
import inspect
import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from tierbot.adapters.processes.predictors.learning import taught_in_child
from tierbot.domain.predict.model import LearningPredictor, NoPredictorError, Predictor, PredictorError
from tierbot.domain.training.external_predictor import Lesson, Taught
from tierbot.use_cases.ports import InstalledPredictor, LoadedPredictor

GROUP = "tierbot.predictors"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,29}")


class InstalledPredictors:
    """The predictors of this Python environment (ports.Predictors)."""

    def __init__(self, timeout: float) -> None:
        """Limit training to `timeout` seconds."""
        self._timeout = timeout
        self._loaded: dict[str, LoadedPredictor] = {}

    def installed(self) -> list[InstalledPredictor]:
        """Return the installed predictors by name, without importing them."""
        return sorted(
            (InstalledPredictor(point.name, _version(point)) for point in _points()), key=lambda one: one.name
        )

    def load(self, name: str) -> LoadedPredictor:
        """Import a predictor, once. Raises PredictorError if it is missing or can't be used."""
        if name not in self._loaded:
            self._loaded[name] = _load(self._point(name))
        return self._loaded[name]

    def teach(self, lesson: Lesson) -> Taught:
        """Train a predictor in a child process. Raises TrainingInterruptedError, or PredictorError if it fails."""
        return taught_in_child(lesson, self._timeout)

    @staticmethod
    def _point(name: str) -> metadata.EntryPoint:
        found = [point for point in _points() if point.name == name]
        if not found:
            names = ", ".join(sorted({point.name for point in _points()})) or "none"
            raise NoPredictorError(
                f"There is no predictor {name!r}. Installed: {names}. "
                f"Install the package that has its entry point in the group {GROUP!r}."
            )
        if len({point.value for point in found}) > 1:
            owners = " and ".join(sorted(point.dist.name if point.dist else point.value for point in found))
            raise PredictorError(f"Two packages have a predictor named {name!r}: {owners}. Uninstall one.")
        return found[0]


def _points() -> Iterator[metadata.EntryPoint]:
    return (point for point in metadata.entry_points(group=GROUP) if _NAME.fullmatch(point.name))


def _version(point: metadata.EntryPoint) -> str:
    return point.dist.version if point.dist else "0"


def _load(point: metadata.EntryPoint) -> LoadedPredictor:
    try:
        found: Any = point.load()
        # A function without arguments returns the predictor; it isn't one itself.
        makes_one = inspect.isfunction(found) and not inspect.signature(found).parameters
        predictor = found() if inspect.isclass(found) or makes_one else found
    except (Exception, SystemExit) as fault:
        raise PredictorError(
            f"The predictor {point.name} ({point.value}) cannot be loaded: {type(fault).__name__}: {str(fault)[:300]}. "
            "Fix or reinstall its package."
        ) from fault
    if not callable(predictor):
        raise PredictorError(
            f"The predictor {point.name} ({point.value}) is a {type(predictor).__name__}, which cannot be called."
        )
    return LoadedPredictor(point.name, _version(point), _digest(point, predictor), predictor)


def _digest(point: metadata.EntryPoint, predictor: Predictor | LearningPredictor) -> str:
    """Return a sha256 of the predictor's code and weights.

    The distribution's RECORD has a hash of each file. An editable installation doesn't list its sources there, so the
    entry point's module is hashed, too. `predictor.digest` identifies weights stored elsewhere.
    """
    digest = hashlib.sha256(f"{point.name}\x1f{point.value}\x1f{_version(point)}".encode())
    digest.update((point.dist.read_text("RECORD") or "" if point.dist else "").encode())
    source = getattr(importlib.import_module(point.module), "__file__", None)
    if source is not None:
        digest.update(Path(source).read_bytes())
    digest.update(str(getattr(predictor, "digest", "")).encode())
    return digest.hexdigest()
