"""What is installed: the lock agrees with pyproject.toml, brings no CUDA, and the container file installs just that."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.support.paths import ROOT

LOCK = (ROOT / ".ci" / "requirements.lock").read_text(encoding="utf-8")
CONTAINER = (ROOT / ".ci" / "Containerfile").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = ("postgres",)  # that the container has, too
ENTRIES = re.findall(
    r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>\S+) \\\n(?P<hashes>(?: {4}--hash=.*\n)+)", LOCK, re.MULTILINE
)
LOCKED = {canonicalize_name(name): Version(version) for name, version, _ in ENTRIES}
NEEDED = [
    Requirement(line)
    for line in [*PROJECT["dependencies"], *(line for one in EXTRAS for line in PROJECT["optional-dependencies"][one])]
]


@pytest.mark.parametrize("needed", NEEDED, ids=lambda one: one.name)
def test_the_lock_has_what_the_project_needs_in_a_version_that_it_takes(needed: Requirement) -> None:
    locked = LOCKED.get(canonicalize_name(needed.name))
    assert locked is not None, "run .ci/lock"
    assert needed.specifier.contains(locked, prereleases=True), f"{locked} is outside {needed.specifier}: run .ci/lock"


def test_every_entry_of_the_lock_is_one_version_with_its_hashes() -> None:
    entries = [line for line in LOCK.splitlines() if line and not line.startswith((" ", "#", "--"))]
    assert len(entries) == len(ENTRIES) == len(LOCKED)
    assert all(
        re.fullmatch(r" {4}--hash=sha256:[0-9a-f]{64}(?: \\)?", line) for line in LOCK.splitlines() if "--hash" in line
    )


def test_the_lock_brings_torch_for_the_processor_and_no_cuda() -> None:
    assert LOCKED["torch"].local == "cpu"
    assert [name for name in LOCKED if name.startswith(("nvidia", "cuda", "triton"))] == []


def test_the_lock_names_no_machine() -> None:
    assert re.findall(r"https?://|file:|/opt/|--index|--find-links", LOCK) == []


def test_the_container_installs_the_lock_and_only_what_is_hashed_and_runs_as_nobody_special() -> None:
    assert "--require-hashes --only-binary :all:" in CONTAINER
    assert "pip install --no-deps /src" in CONTAINER
    assert CONTAINER.rindex("USER 10001") < CONTAINER.rindex("ENTRYPOINT")
    assert "/healthz" in CONTAINER


def test_what_the_container_copies_is_there_and_let_in() -> None:
    let_in = {
        line[1:] for line in (ROOT / ".ci" / "Containerfile.dockerignore").read_text().splitlines() if line[0] == "!"
    }
    copied = {path for line in re.findall(r"^COPY (?!--)(.+) \S+$", CONTAINER, re.MULTILINE) for path in line.split()}
    assert copied == let_in
    assert [path for path in copied if not (ROOT / path).exists()] == []
