"""Training in a child process: the bot keeps answering, and the child's memory goes when it ends."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tierbot.training.job import TrainingInterruptedError, read_result, write_job
from tierbot.training.retrain import TrainingJob, TrainingResult

_TOLD = 500  # characters of what a dying child said


def train_in_child(job: TrainingJob, *, timeout: float) -> TrainingResult:
    """Run a training job in a process of its own, for at most `timeout` seconds.

    Raises TrainingInterruptedError if it was killed or ran out of time, and TierbotError with the child's own words
    if it could not train. Nothing is left behind either way.
    """
    with tempfile.TemporaryDirectory(prefix="tierbot-training-") as folder:
        order, outcome = Path(folder, "job.safetensors"), Path(folder, "result.safetensors")
        write_job(job, order)
        command = [sys.executable, "-m", "tierbot.training.child", str(order), str(outcome)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SLACK_")}
        try:
            done = subprocess.run(command, capture_output=True, timeout=timeout, check=False, env=environment)  # noqa: S603
        except subprocess.TimeoutExpired as fault:
            raise TrainingInterruptedError(
                f"The training took longer than {timeout / 60:g} minutes and was ended; nothing was changed. "
                "Raise TIERBOT_RETRAIN_TIMEOUT_MINUTES."
            ) from fault
        if not outcome.exists() and done.stderr:
            said = done.stderr.decode(errors="replace").strip()[-_TOLD:]
            raise TrainingInterruptedError(
                f"The training ended with status {done.returncode}; nothing was changed: {said}"
            )
        return read_result(outcome)
