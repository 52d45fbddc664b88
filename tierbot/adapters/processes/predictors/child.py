"""The child process that trains an external predictor: `python -m tierbot.adapters.processes.predictors.child FOLDER`."""

import os
import sys
from pathlib import Path

from tierbot.adapters.processes.predictors.installed import InstalledPredictors
from tierbot.adapters.processes.predictors.learning import read_lesson, write_outcome
from tierbot.domain.nouns import TierbotError
from tierbot.domain.predict.model import LearningPredictor, PredictorError
from tierbot.domain.training.external_predictor import teach


def main(arguments: list[str]) -> int:
    """Train on the folder's lesson and write the outcome there; return the exit status, 0 for success."""
    folder = Path(arguments[0])
    lesson = read_lesson(folder)
    try:
        predictor = InstalledPredictors(timeout=0).load(lesson.name).predictor
        if not isinstance(predictor, LearningPredictor):
            raise PredictorError(f"The predictor {lesson.name} has no `fit` and `restored`, so it can't be trained.")
        write_outcome(folder, teach(predictor, lesson))
    except TierbotError as fault:
        write_outcome(folder, str(fault))
        return 1
    return 0


if __name__ == "__main__":
    os.nice(5)  # clicks take precedence
    sys.exit(main(sys.argv[1:]))
