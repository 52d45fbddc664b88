"""`--env-file` names the file with the settings, for every command and its child processes."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tierbot.app.doctor.checkup import misspelled_settings
from tierbot.cli import app as cli_app
from tierbot.cli import main, with_env_file_first
from tierbot.settings import ENV_FILE, SettingsError, load_settings

BOUNDARIES = 'words = ["a"]\n'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(ENV_FILE, "")  # restored afterwards, whatever a command sets
    return tmp_path


def test_the_name_is_the_same_in_settings_and_commands() -> None:
    assert cli_app._ENV_FILE == ENV_FILE


@pytest.mark.parametrize(
    ("given", "arranged"),
    [
        (["run", "--env-file", "a.env"], ["--env-file", "a.env", "run"]),
        (["feeds", "list", "--env-file=a.env", "--json"], ["--env-file=a.env", "feeds", "list", "--json"]),
        (["--env-file", "a.env", "run"], ["--env-file", "a.env", "run"]),
        (["run"], ["run"]),
        (["run", "--env-file"], ["--env-file", "run"]),
        (["classify", "--", "--env-file", "x"], ["classify", "--", "--env-file", "x"]),
    ],
)
def test_the_option_may_stand_anywhere(given: list[str], arranged: list[str]) -> None:
    assert with_env_file_first(given) == arranged


def test_every_command_reads_the_named_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / ".env").write_text("TIERBOT_CHANNEL=CWRONG\nTIERBOT_CHANEL=x\n")
    (folder / "team.env").write_text("TIERBOT_CHANNEL=CRIGHT\nTIERBOT_FEEDZ=x\n")
    assert load_settings().channel == "CWRONG"
    monkeypatch.setenv(ENV_FILE, "team.env")
    assert load_settings().channel == "CRIGHT"
    assert load_settings(folder / ".env").channel == "CWRONG"
    (sentence,) = misspelled_settings()
    assert "TIERBOT_FEEDZ" in sentence
    monkeypatch.setenv(ENV_FILE, "nowhere.env")
    with pytest.raises(
        SettingsError, match=r"nowhere\.env doesn't exist\. `tierbot init --env-file nowhere\.env` writes"
    ):
        load_settings()


def test_init_writes_the_file_that_the_others_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1-2-abcdefghijkl")
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-1-A1-2-abcdefghijkl")
    monkeypatch.setattr(
        "sys.argv",
        ["tierbot", *["init", "--yes", "--offline", "--channel", "C0123456789", "--json", "--env-file", "team.env"]],
    )
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    told = json.loads(capsys.readouterr().out)
    assert told["env_file"] == "team.env"
    assert "TIERBOT_CHANNEL" in told["written"]
    assert not (folder / ".env").exists()
    monkeypatch.delenv("SLACK_BOT_TOKEN")
    assert load_settings().channel == "C0123456789"


def test_init_s_last_line_names_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1-2-abcdefghijkl")
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-1-A1-2-abcdefghijkl")
    command = ["init", "--yes", "--offline", "--channel", "C0123456789", "--env-file", "team.env"]
    told = CliRunner().invoke(cli_app.app, command).stdout
    assert "`tierbot --env-file team.env doctor` checks everything" in told
