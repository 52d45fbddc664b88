"""The documentation is true: its examples run, its commands and settings exist, its links lead somewhere."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from docs.generate import PAGES as MADE
from docs.generate import commands, options_of
from tests.conftest import WORKSPACE, build_harness
from tests.support.pages import PAGES, ROOT, Block, blocks, command_lines, commands_in, name_of
from tierbot.cli.app import app
from tierbot.settings import ENV_FILE, Settings, environment_name

COMMANDS = {path: options_of(run) for path, run in commands(app)}
GROUPS = {path[:1] for path in COMMANDS if len(path) > 1}
RUNNABLE = [page for page in PAGES if any(block.order for block in blocks(page))]
SECONDS = 300


def pages(which: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("page", which, ids=name_of)


# --- examples -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the database that examples find: a round in which colleagues voted on eight posts, and two models."""
    folder = tmp_path_factory.mktemp("played")
    harness = build_harness(folder)
    harness.promote_challengers()
    for ts in harness.posts(8):
        for user in ("UANNA", "UBEN", "UCLEO"):
            harness.react(user, ts, harness.emoji(ts))
    harness.settle()
    harness.bot.loop.retrain(WORKSPACE)
    harness.bot.close()
    return folder / "test.db"


@pytest.fixture
def world(played: Path, tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """Return a folder to run examples in, and their environment: `tierbot` is this one, no network is reached."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, call in (("tierbot", "-m tierbot "), ("python", "")):
        (tools / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {call}"$@"\n')
        (tools / name).chmod(0o755)
    folder = tmp_path / "folder"
    folder.mkdir()
    shutil.copy(played, folder / "tierbot.db")
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("SLACK_", "TIERBOT_", "DATABASE"))
    }
    mine = {"PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "TIERBOT_ENCODER": "hashing"}
    return folder, {**kept, **nowhere, **mine, "PYTHONWARNINGS": "ignore::DeprecationWarning"}


@pages(RUNNABLE)
def test_the_examples_of_a_page_run_one_after_the_other(page: Path, world: tuple[Path, dict[str, str]]) -> None:
    for block in blocks(page):
        if block.file:
            (world[0] / block.file).write_text(block.text, encoding="utf-8")
        elif block.order:
            play(block, *world)


def play(block: Block, folder: Path, environment: dict[str, str]) -> None:
    """Run or read a block. Raises AssertionError with where it stands and what it said."""
    if block.language in {"json", "toml"}:
        (json.loads if block.language == "json" else tomllib.loads)(block.text)
        return
    command = ["bash", "-euo", "pipefail", "-c"] if block.language == "sh" else [sys.executable, "-c"]
    done = subprocess.run(
        [*command, block.text],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, (
        f"{name_of(block.page)}:{block.line} ended with {done.returncode}: {done.stderr[-2000:]}"
    )


def test_an_example_that_fails_is_told_with_its_place(world: tuple[Path, dict[str, str]]) -> None:
    block = Block(ROOT / "README.md", 7, "sh", "echo so wrong >&2; false\n", "run", None)
    with pytest.raises(AssertionError, match=r"README.md:7 ended with 1: so wrong"):
        play(block, *world)


# --- commands and settings ------------------------------------------------------------------------


def fault_of(words: list[str]) -> str | None:
    """Return what is wrong with a command line, None if nothing is."""
    if not words or words[0].isupper() or words[0].startswith("-"):
        return None
    path = tuple(words[:2]) if tuple(words[:2]) in COMMANDS else tuple(words[:1])
    if path not in COMMANDS and path not in GROUPS:
        return f"there is no `tierbot {words[0]}`"
    if path in GROUPS and len(words) > 1 and words[1].isalpha() and words[1].islower() and path not in COMMANDS:
        return f"there is no `tierbot {words[0]} {words[1]}`"
    known = COMMANDS.get(path, set()) | {"--help", "-h"}
    given = [word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)]
    unknown = [name for name in given if name not in known]
    return f"`tierbot {' '.join(path)}` has no {unknown[0]}" if unknown else None


@pages(PAGES)
def test_every_command_in_the_docs_exists_with_its_options(page: Path) -> None:
    assert [fault for words in command_lines(page) if (fault := fault_of(words))] == []


@pytest.mark.parametrize("run", [run for _, run in commands(app)], ids=[" ".join(path) for path, _ in commands(app)])
def test_the_examples_in_a_commands_help_exist_too(run) -> None:
    told = re.findall(r"`([^`]*tierbot [^`]*)`", run.__doc__ or "")
    assert [fault for line in told for words in commands_in(line) if (fault := fault_of(words))] == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("A=b tierbot export --format jsonl | head", None),
        ("tierbot exporter", "there is no `tierbot exporter`"),
        ("tierbot export --fromat=x", "`tierbot export` has no --fromat"),
        ("cd x && tierbot models list --jsn", "`tierbot models list` has no --jsn"),
        ("tierbot models lift", "there is no `tierbot models lift`"),
    ],
)
def test_a_wrong_command_line_is_found(line: str, fault: str | None) -> None:
    (words,) = commands_in(line)
    assert fault_of(words) == fault


@pages(PAGES)
def test_every_setting_in_the_docs_exists(page: Path) -> None:
    known = {environment_name(name) for name in Settings.model_fields} | {ENV_FILE}
    told = set(re.findall(r"\bTIERBOT_[A-Z_]+[A-Z]\b", page.read_text(encoding="utf-8")))
    assert told <= known | {"TIERBOT_TEST_POSTGRES"}


# --- links and the reference ----------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pages(PAGES)
def test_every_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"https?:|mailto:", target):
            path, _, anchor = target.partition("#")
            there = (page.parent / path).resolve() if path else page
            assert there.exists(), f"{name_of(page)} links to {target}"
            assert not anchor or anchor in anchors(there), f"{name_of(page)} links to {target}: no such heading"


def test_every_page_is_reached_from_the_readme() -> None:
    reached, left = set(), [ROOT / "README.md"]
    while left:
        page = left.pop()
        if page not in reached:
            reached.add(page)
            links = re.findall(r"\]\(([^)\s#]+\.md)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
            left += [(page.parent / link).resolve() for link in links if "://" not in link]
    assert set(PAGES) <= reached


@pytest.mark.parametrize("name", MADE)
def test_the_reference_is_what_the_code_makes_of_itself(name: str) -> None:
    kept = (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")
    assert kept == MADE[name](), "run: python docs/generate.py"
