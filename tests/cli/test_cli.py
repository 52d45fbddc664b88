"""The command line: every command's help has an example, errors are one line, and scripts can read the output."""

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import click
import pytest
import typer

from tests.support.invoke import run
from tierbot.cli.app import app

ROOT = typer.main.get_command(app)


def commands(command: click.Command, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if isinstance(command, click.Group) or hasattr(command, "commands"):
        return [found for name, sub in command.commands.items() for found in commands(sub, (*path, name))]
    return [path]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIERBOT_ENCODER", "hashing")
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/cli.db")


@pytest.mark.parametrize("path", commands(ROOT), ids=" ".join)
def test_every_commands_help_has_an_example(path: tuple[str, ...]) -> None:
    result = run(*path, "--help")
    assert result.exit_code == 0
    assert "Example" in result.output
    assert f"tierbot {' '.join(path)}" in result.output.replace("\n", " ").replace("  ", " ")


def test_the_manifest_is_json_that_slack_takes() -> None:
    manifest = json.loads(run("manifest").stdout)
    assert {"reactions:read", "reactions:write", "chat:write", "commands"} <= set(
        manifest["oauth_config"]["scopes"]["bot"]
    )
    assert manifest["settings"]["socket_mode_enabled"] is True


def test_the_link_opens_slack_with_the_manifest_filled_in() -> None:
    options = ("--name", "Topic bot & friends", "--smoke-test")
    asked = urlsplit(run("manifest", *options, "--link").stdout.strip())
    assert (asked.scheme, asked.netloc, asked.path) == ("https", "api.slack.com", "/apps")
    query = parse_qs(asked.query, strict_parsing=True)
    assert query["new_app"] == ["1"]
    assert json.loads(query["manifest_json"][0]) == json.loads(run("manifest", *options).stdout)


def test_tags_are_listed_as_json() -> None:
    lines = [json.loads(line) for line in run("tags", "list", "--json").stdout.splitlines()]
    assert len(lines) >= 64
    assert {"id", "name", "short_name", "character", "description"} <= set(lines[0])


def test_a_command_that_needs_a_workspace_says_how_to_get_one() -> None:
    from tierbot.domain.nouns import TierbotError

    result = run("models", "list")
    assert result.exit_code == 1
    assert isinstance(result.exception, TierbotError)
    assert "tierbot run" in str(result.exception)


def test_a_bad_tag_file_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "tags.toml").write_text('[[tag]]\nid = "a"\n')
    result = run("tags", "check", "tags.toml")
    assert "tags.toml:1" in str(result.exception)


def test_classifying_nothing_says_what_to_give() -> None:
    assert "--file" in str(run("classify").exception)


def test_a_text_that_says_too_little_gets_no_topic_and_the_reason() -> None:
    shown = run("classify", "🍕", "ok thanks", "The recipe that made a village famous for pizza").stdout.splitlines()
    assert shown[1] == "  Too little to tell: there are no words in it."
    assert shown[3] == "  Too little to tell: it doesn't name a topic."
    assert "%" in shown[5]
    found = [
        json.loads(line) for line in run("classify", "🍕", "The pizza", "--json", "--top", "2").stdout.splitlines()
    ]
    assert [one["unclear"] for one in found] == ["no words", None]
    assert [len(one["tags"]) for one in found] == [2, 2]
