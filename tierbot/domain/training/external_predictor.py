"""A predictor of somebody else's learns from verdicts: pure, so that it runs the same in a child process or a test."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.nouns import TierbotError
from tierbot.domain.predict.model import Example, ExternalPredictor, LearningPredictor, PredictorError
from tierbot.domain.training.judge import Decision, judge


@dataclass(frozen=True, slots=True)
class Lesson:
    """All that teaching a predictor needs: n examples, oldest first, and which of them judge it.

    judging: (n,) bool, the newest unbiased ones that are new to the predictor in service. state: what that one was
    restored from, b"" for one that never learned.
    """

    name: str
    tag_ids: tuple[str, ...]
    examples: Sequence[Example]
    judging: NDArray[np.bool_]
    state: bytes = b""


@dataclass(frozen=True, slots=True)
class Taught:
    """The state of the predictor that learned from everything, and whether it may replace the one in service."""

    state: bytes
    decision: Decision


def teach(predictor: LearningPredictor, lesson: Lesson) -> Taught:
    """Let a predictor learn without the examples that judge it, compare it with the one in service, refit on everything.

    Raises PredictorError if it raises, or returns anything but bytes.
    """
    asked = [one for one, judges in zip(lesson.examples, lesson.judging, strict=True) if judges]
    decision = judge([], [])
    if asked:
        taught = [one for one, judges in zip(lesson.examples, lesson.judging, strict=True) if not judges]
        challenger = restored(lesson.name, predictor, _fitted(predictor, taught, lesson))
        champion = restored(lesson.name, predictor, lesson.state)
        decision = judge(_hits(challenger, asked, lesson.tag_ids), _hits(champion, asked, lesson.tag_ids))
    return Taught(_fitted(predictor, lesson.examples, lesson), decision)


def restored(name: str, predictor: LearningPredictor, state: bytes) -> ExternalPredictor:
    """Return the predictor with a state; b"" is the one that never learned. Raises PredictorError if it cannot be."""
    if not state:
        return ExternalPredictor(name, predictor)
    try:
        return ExternalPredictor(name, predictor.restored(state), state=state)
    except TierbotError:
        raise
    except Exception as fault:
        raise PredictorError(
            f"The predictor {name} cannot be restored from what it learned ({type(fault).__name__}: {str(fault)[:300]}). "
            "Roll back with `tierbot models rollback`."
        ) from fault


def _fitted(predictor: LearningPredictor, examples: Sequence[Example], lesson: Lesson) -> bytes:
    try:
        state: object = predictor.fit(tuple(examples), lesson.tag_ids)
    except (Exception, SystemExit) as fault:
        raise PredictorError(
            f"The predictor {lesson.name} raised {type(fault).__name__} in fit: {str(fault)[:300]}. Mend it, or promote another."
        ) from fault
    if not isinstance(state, bytes) or state == b"":
        raise PredictorError(
            f"The predictor {lesson.name} returned {type(state).__name__} from fit, where bytes were wanted (one at least)."
        )
    return state


def _hits(model: ExternalPredictor, examples: Sequence[Example], tag_ids: Sequence[str]) -> NDArray[np.bool_]:
    none = np.zeros((len(examples), 0), np.float32)
    top = model.predict([one.article for one in examples], none, tag_ids).argmax(axis=1)
    return np.array([tag_ids[place] in one.tags for place, one in zip(top, examples, strict=True)], dtype=bool)
