"""Training in a child process: the bot keeps answering, and the child's memory goes when it ends."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tierbot.adapters.processes.training_job import TrainingInterruptedError, read_result, write_job
from tierbot.domain.training.retrain import TrainingJob, TrainingResult

_TOLD = 500  # characters of what a dying child said


class ChildTrainer:
    """Runs training jobs, each in a process of its own that may take `timeout` seconds."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._children: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def __call__(self, job: TrainingJob) -> TrainingResult:
        """Run a job and return its outcome.

        Raises TrainingInterruptedError if the child was killed or ran out of time, and TierbotError with the child's
        own words if it could not train. Nothing is left behind either way.
        """
        with tempfile.TemporaryDirectory(prefix="tierbot-training-") as folder:
            order, outcome = Path(folder, "job.safetensors"), Path(folder, "result.safetensors")
            write_job(job, order)
            said = self._run(order, outcome)
            if not outcome.exists() and said:
                raise TrainingInterruptedError(f"The training failed; nothing was changed. It said: {said[-_TOLD:]}")
            return read_result(outcome)

    def _run(self, order: Path, outcome: Path) -> str:
        """Run the child to its end and return what it said on standard error."""
        command = [sys.executable, "-m", "tierbot.adapters.processes.training_child", str(order), str(outcome)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SLACK_")}
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)  # noqa: S603
        self._children.add(child)
        try:
            if self._stopped:
                child.kill()
            _, said = child.communicate(timeout=self._timeout)
        except subprocess.TimeoutExpired as fault:
            raise TrainingInterruptedError(
                f"The training took longer than {self._timeout / 60:g} minutes and was ended; nothing was changed. "
                "Raise TIERBOT_RETRAIN_TIMEOUT_MINUTES."
            ) from fault
        finally:
            self._children.discard(child)
            if child.poll() is None:
                child.kill()
                child.communicate()
        return said.decode(errors="replace").strip()

    def stop(self) -> None:
        """End what is being trained, so that the bot can stop: it is trained again after the next start."""
        self._stopped = True
        for child in tuple(self._children):
            child.kill()
