"""A child process gets what Python and its packages need, and neither keys nor tokens nor open files."""

import json
import os
import sys
from pathlib import Path

import pytest

from tests.support.training_jobs import job, verdicts
from tierbot.adapters.child_environment import child_environment
from tierbot.adapters.processes import trainer
from tierbot.adapters.processes.trainer import ChildTrainer
from tierbot.settings import Settings, environment_name

SECRETS = (
    "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "PGPASSWORD", "HEROKU_POSTGRESQL_PURPLE_URL", "SENTRY_DSN", "HF_TOKEN",
    "OPENAI_API_KEY", "HTTPS_PROXY", "https_proxy", "NETRC", "SSH_AUTH_SOCK", "KUBECONFIG", "tierbot_secret_key", "CREDENTIALS_DIRECTORY",
)  # fmt: skip
NEEDED = {
    "PATH": "/bin",
    "LANG": "C.UTF-8",
    "LC_ALL": "C",
    "OMP_NUM_THREADS": "1",
    "TMPDIR": "/elsewhere",
}

LOOK = """
import json, os, sys
from pathlib import Path
open_files = sorted(int(one) for one in os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else [0, 1, 2, 3]
seen = {"environment": dict(os.environ), "files": open_files, "input": sys.stdin.read()}
Path(sys.argv[1]).write_text(json.dumps(seen))
"""


def test_no_setting_and_no_secret_passes_and_what_is_needed_does(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*SECRETS, *map(environment_name, Settings.model_fields)):
        monkeypatch.setenv(name, "hunter2")
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PREDICTOR_FOLDER", "/m")
    plain, of_predictor = child_environment(), child_environment(predictor=True)
    assert "hunter2" not in of_predictor.values()
    assert plain.items() >= NEEDED.items()
    assert of_predictor.items() - plain.items() == {("PREDICTOR_FOLDER", "/m")}


def test_a_training_child_has_no_secret_in_its_environment_and_no_open_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program in the child's place says what it was given."""
    seen, look = tmp_path / "seen.json", tmp_path / "look.py"
    look.write_text(LOOK)
    monkeypatch.setenv("TIERBOT_SECRET_KEY", "hunter2")
    monkeypatch.setenv("DATABASE_URL", "postgresql://bot:hunter2@db/tierbot")
    inherited = os.open(tmp_path / "secret", os.O_CREAT | os.O_RDONLY)
    os.set_inheritable(inherited, True)
    start = trainer.subprocess.Popen

    def instead(command: list[str], **options: object):
        return start([sys.executable, str(look), str(seen)], **options)

    monkeypatch.setattr(trainer.subprocess, "Popen", instead)
    with pytest.raises(trainer.TrainingInterruptedError):
        ChildTrainer(300)(job(verdicts(20, 0)))
    os.close(inherited)
    found = json.loads(seen.read_text())
    assert "hunter2" not in str(found["environment"])
    assert len(found["files"]) <= 4, "standard streams, and the folder that it lists"
    assert found["input"] == ""
