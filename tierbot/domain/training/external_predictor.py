"""Trains an external predictor on verdicts. Pure, so it runs the same in a child process or a test."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.nouns import TierbotError
from tierbot.domain.predict.model import Example, ExternalPredictor, LearningPredictor, PredictorError
from tierbot.domain.training.compare import answers, forgotten, newest_of_each_tag
from tierbot.domain.training.judge import Answers, Decision, judge


@dataclass(frozen=True, slots=True)
class Lesson:
    """The input for training a predictor: n examples, oldest first, and which of them judge it."""

    name: str
    tag_ids: tuple[str, ...]
    examples: Sequence[Example]
    judging: NDArray[np.bool_]  # (n,), the unbiased ones that are new to the live predictor
    state: bytes = b""  # the live predictor's state, b"" if it never learned


@dataclass(frozen=True, slots=True)
class Taught:
    """The state of the predictor that learned from everything, and whether to promote it."""

    state: bytes
    decision: Decision


def teach(predictor: LearningPredictor, lesson: Lesson) -> Taught:
    """Fit without the judging examples, compare with the live one on them, refit on all. Raises PredictorError."""
    decision = judge(Answers(), Answers())
    if lesson.judging.any():
        others = list(compress(lesson.examples, ~lesson.judging))
        challenger = restored(lesson.name, predictor, _fitted(predictor, others, lesson))
        champion = restored(lesson.name, predictor, lesson.state)
        decision = _judged(challenger, champion, lesson)
    return Taught(_fitted(predictor, lesson.examples, lesson), decision)


def restored(name: str, predictor: LearningPredictor, state: bytes) -> ExternalPredictor:
    """Return the predictor with a state, b"" for one that never learned. Raises PredictorError if that fails."""
    if not state:
        return ExternalPredictor(name, predictor)
    try:
        return ExternalPredictor(name, predictor.restored(state), state=state)
    except TierbotError:
        raise
    except Exception as fault:
        raise PredictorError(
            f"The predictor {name} can't restore its state ({type(fault).__name__}: {str(fault)[:300]}). "
            "Roll back with `tierbot models rollback`."
        ) from fault


def _fitted(predictor: LearningPredictor, examples: Sequence[Example], lesson: Lesson) -> bytes:
    try:
        state: object = predictor.fit(tuple(examples), lesson.tag_ids)
    except (Exception, SystemExit) as fault:
        raise PredictorError(
            f"The predictor {lesson.name} raised {type(fault).__name__} in fit: {str(fault)[:300]}. "
            "Fix it, or promote another model."
        ) from fault
    if not isinstance(state, bytes) or state == b"":
        raise PredictorError(
            f"The predictor {lesson.name} returned {type(state).__name__} from fit. Return a non-empty bytes object."
        )
    return state


def _judged(challenger: ExternalPredictor, champion: ExternalPredictor, lesson: Lesson) -> Decision:
    true = np.array([[tag in one.tags for tag in lesson.tag_ids] for one in lesson.examples], dtype=bool)
    checked = newest_of_each_tag(true)
    ours, theirs = (_probabilities(model, checked, lesson) for model in (challenger, champion))
    lost = forgotten(ours, theirs, true[checked], lesson.tag_ids)
    judging = np.flatnonzero(lesson.judging)
    ours, theirs = (_probabilities(model, judging, lesson) for model in (challenger, champion))
    return judge(answers(ours, true[judging]), answers(theirs, true[judging]), lost)


def _probabilities(model: ExternalPredictor, rows: NDArray[np.intp], lesson: Lesson) -> NDArray[np.float64]:
    none = np.zeros((len(rows), 0), np.float32)
    return model.predict([lesson.examples[row].article for row in rows], none, lesson.tag_ids)
