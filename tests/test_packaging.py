"""What is installed: the locks agree with pyproject.toml, bring no CUDA, and the container file installs just that."""

import re
import tomllib

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.metadata.core import ProjectMetadata
from hatchling.plugin.manager import PluginManager
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from trove_classifiers import classifiers

from tests.support.pages import PAGES, name_of
from tests.support.paths import ROOT

LOCK = (ROOT / ".ci" / "requirements.lock").read_text(encoding="utf-8")
BUILD_LOCK = (ROOT / ".ci" / "build.lock").read_text(encoding="utf-8")
CONTAINER = (ROOT / ".ci" / "Containerfile").read_text(encoding="utf-8")
DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = DECLARED["project"]
EXTRAS = ("postgres",)  # that the container has, too
ENTRY = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>\S+) \\\n(?P<hashes>(?: {4}--hash=.*\n)+)", re.MULTILINE)
LOCKED = {canonicalize_name(name): Version(version) for name, version, _ in ENTRY.findall(LOCK)}
NEEDED = [
    Requirement(line)
    for line in [*PROJECT["dependencies"], *(line for one in EXTRAS for line in PROJECT["optional-dependencies"][one])]
]


@pytest.mark.parametrize("needed", NEEDED, ids=lambda one: one.name)
def test_the_lock_has_what_the_project_needs_in_a_version_that_it_takes(needed: Requirement) -> None:
    locked = LOCKED.get(canonicalize_name(needed.name))
    assert locked is not None, "run .ci/lock"
    assert needed.specifier.contains(locked, prereleases=True), f"{locked} is outside {needed.specifier}: run .ci/lock"


def test_the_build_lock_has_what_builds_the_wheel() -> None:
    locked = {canonicalize_name(name): Version(version) for name, version, _ in ENTRY.findall(BUILD_LOCK)}
    for needed in map(Requirement, DECLARED["build-system"]["requires"]):
        assert needed.specifier.contains(locked[canonicalize_name(needed.name)]), "run .ci/lock"


@pytest.mark.parametrize("lock", [LOCK, BUILD_LOCK], ids=["requirements", "build"])
def test_every_entry_of_a_lock_is_one_version_with_its_hashes(lock: str) -> None:
    lines = [line for line in lock.splitlines() if line and not line.startswith((" ", "#", "--"))]
    entries = ENTRY.findall(lock)
    assert len(lines) == len(entries) == len({name for name, *_ in entries})
    assert all(
        re.fullmatch(r" {4}--hash=sha256:[0-9a-f]{64}(?: \\)?", line) for line in lock.splitlines() if "--hash" in line
    )


def test_the_lock_has_torch_for_x86_64_and_for_arm64() -> None:
    (hashes,) = [hashes for name, _, hashes in ENTRY.findall(LOCK) if name == "torch"]
    assert hashes.count("--hash") >= 2
    arm64 = re.search(r"^arm64=(\w{64})$", (ROOT / ".ci" / "lock").read_text(encoding="utf-8"), re.MULTILINE)
    assert arm64
    assert arm64[1] in hashes


def test_the_lock_brings_torch_for_the_processor_and_no_cuda() -> None:
    assert LOCKED["torch"].local == "cpu"
    assert [name for name in LOCKED if name.startswith(("nvidia", "cuda", "triton"))] == []


def test_the_locks_name_no_machine() -> None:
    assert re.findall(r"https?://|file:|/opt/|--index|--find-links", LOCK + BUILD_LOCK) == []


def test_the_container_installs_the_lock_and_only_what_is_hashed_and_runs_as_nobody_special() -> None:
    installs = re.findall(r"pip (?:install|wheel) (.+)", CONTAINER)
    assert len(installs) == 4
    assert all(
        re.match(r"--require-hashes --only-binary :all: |--no-deps --no-(build-isolation|index) ", how)
        for how in installs
    )
    assert re.search(r"^ARG PYTHON_IMAGE=python:\S+@sha256:[0-9a-f]{64}$", CONTAINER, re.MULTILINE)
    assert CONTAINER.rindex("USER 10001") < CONTAINER.rindex("ENTRYPOINT")
    assert "/healthz" in CONTAINER


def test_what_the_container_copies_is_there_and_let_in() -> None:
    let_in = {
        line[1:] for line in (ROOT / ".ci" / "Containerfile.dockerignore").read_text().splitlines() if line[0] == "!"
    }
    copied = {path for line in re.findall(r"^COPY (?!--)(.+) \S+$", CONTAINER, re.MULTILINE) for path in line.split()}
    assert copied == let_in
    assert [path for path in copied if not (ROOT / path).exists()] == []


def test_the_sdist_holds_every_file_that_the_tests_and_the_build_read() -> None:
    packed = {one.relative_path for one in SdistBuilder(str(ROOT)).recurse_included_files()}
    kept = [
        file
        for folder in (".ci", "docs", "models", "tests", "tierbot")
        for file in (ROOT / folder).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    ]
    kept += [
        ROOT / name for name in (".env.example", "CHANGELOG.md", "LICENSE", "Procfile", "README.md", "pyproject.toml")
    ]
    assert [name for name in (str(file.relative_to(ROOT)) for file in kept) if name not in packed] == []


def test_the_published_page_has_absolute_addresses_and_an_installation_claims_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("REPOSITORY_URL", raising=False)
    plain = ProjectMetadata(str(ROOT), PluginManager()).core
    assert plain.urls == {}
    assert plain.readme == (ROOT / "README.md").read_text(encoding="utf-8")
    monkeypatch.setenv("REPOSITORY_URL", "https://git.example/team/tierbot/")
    published = ProjectMetadata(str(ROOT), PluginManager()).core
    assert published.urls["Source"] == "https://git.example/team/tierbot"
    places = re.findall(r"\]\(([^)]+)\)", published.readme)
    assert f"https://git.example/team/tierbot/raw/v{PROJECT['version']}/docs/demo.png" in places
    assert [place for place in places if not place.startswith("https://")] == []
    ours = [place.partition(f"/v{PROJECT['version']}/")[2] for place in places if "git.example" in place]
    assert [path for path in ours if not (ROOT / path.partition("#")[0]).exists()] == []


def test_classifiers_are_the_indexs_own() -> None:
    assert set(PROJECT["classifiers"]) <= classifiers


def test_every_page_selects_torchs_cpu_build_by_the_same_line_and_none_installs_torch_itself() -> None:
    pages = {name_of(page): page.read_text(encoding="utf-8") for page in PAGES}
    line = re.compile(r"^export PIP_EXTRA_INDEX_URL=\S+ \S+", re.MULTILINE)
    lines = {name: found for name, text in pages.items() if (found := line.findall(text))}
    assert set(lines) == {"README.md", "docs/tutorial.md", "docs/operations.md"}
    assert len({one for found in lines.values() for one in found}) == 1
    assert [name for name, text in pages.items() if re.search(r"pip install [^`\n]*torch", text)] == []


def test_no_text_installs_tierbot_from_an_index() -> None:
    texts = [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "tierbot").rglob("*.py"),
        ROOT / ".env.example",
    ]
    named = re.compile(r"""pip install (?:-U )?["'\\]*tierbot""")
    assert [str(text) for text in texts if named.search(text.read_text(encoding="utf-8"))] == []
