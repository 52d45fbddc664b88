"""Train in a child process, so that the bot keeps answering and gets the memory back."""

import subprocess
import sys
import tempfile
from pathlib import Path

from tierbot.adapters.child_environment import child_environment
from tierbot.adapters.processes import SAID
from tierbot.adapters.processes.training_job import TrainingInterruptedError, read_result, write_job
from tierbot.adapters.temporary import temporary_folder
from tierbot.domain.training.retrain import TrainingJob, TrainingResult


class ChildTrainer:
    """Runs each training job in a child process, for up to `timeout` seconds."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._children: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def __call__(self, job: TrainingJob) -> TrainingResult:
        """Run a job and return its outcome.

        Raises TrainingInterruptedError if the child is killed or times out, and TierbotError with the child's error if
        it can't train. Leaves no files.
        """
        with temporary_folder(Path(tempfile.gettempdir()), "tierbot-training") as folder:
            file, outcome = folder / "job.safetensors", folder / "result.safetensors"
            write_job(job, file)
            said = self._run(file, outcome)
            if not outcome.exists() and said:
                raise TrainingInterruptedError(f"The training failed; nothing was changed. Its output: {said[-SAID:]}")
            return read_result(outcome)

    def _run(self, file: Path, outcome: Path) -> str:
        """Run the child to its end and return its standard error."""
        command = [sys.executable, "-m", "tierbot.adapters.processes.training_child", str(file), str(outcome)]
        child = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=child_environment(),
        )
        self._children.add(child)
        try:
            if self._stopped:
                child.kill()
            _, said = child.communicate(timeout=self._timeout)
        except subprocess.TimeoutExpired as fault:
            raise TrainingInterruptedError(
                f"The training took longer than {self._timeout / 60:g} minutes and was stopped; nothing was changed. "
                "Raise TIERBOT_RETRAIN_TIMEOUT_MINUTES."
            ) from fault
        finally:
            self._children.discard(child)
            if child.poll() is None:
                child.kill()
                child.communicate()
        return said.decode(errors="replace").strip()

    def stop(self) -> None:
        """Kill the running trainings so that the bot can stop; they run again after the next start."""
        self._stopped = True
        for child in tuple(self._children):
            child.kill()
