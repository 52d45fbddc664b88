"""Settings: a wrong one names itself, its value and what would be right; a secret's value is never told."""

from pathlib import Path

import pytest

from docs.generate import env_example
from tests.support.paths import ROOT
from tierbot.settings import Settings, SettingsError, environment_name, load_settings


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in Settings.model_fields:
        monkeypatch.delenv(environment_name(field), raising=False)


def test_the_example_file_names_every_setting_as_the_code_has_it() -> None:
    shipped = ROOT / ".env.example"
    assert shipped.read_text(encoding="utf-8") == env_example(), "run: python docs/generate.py"


def test_the_example_file_with_its_defaults_uncommented_gives_the_defaults(tmp_path: Path) -> None:
    lines = [
        line.removeprefix("# ") if "=" in line and "# ---" not in line else line for line in env_example().splitlines()
    ]
    named = [line for line in lines if line.split("=")[0].isupper() or line.startswith("#") or not line]
    (tmp_path / ".env").write_text("\n".join(named))
    given = load_settings(tmp_path / ".env")
    assert given.model_copy(
        update={
            "slack_bot_token": None,
            "slack_app_token": None,
            "slack_signing_secret": None,
            "slack_user_token": None,
        }
    ) == load_settings(None)


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("TIERBOT_PUSH_COUNT", "0", "greater than or equal to 1"),
        ("TIERBOT_QUIET_HOURS", "8-9", "two times such as 18:00-09:00"),
        ("TIERBOT_TIMEZONE", "Berlin", "a name such as Europe/Berlin"),
        ("TIERBOT_ADMINS", "bob", "user ids such as U0123ABCD"),
        ("TIERBOT_WEEKDAYS", "mon,someday", "days such as mon,tue,fri"),
        ("TIERBOT_BLANK_SHARE", "0.9", "less than or equal to 0.2"),
        ("TIERBOT_LOG_LEVEL", "loud", "DEBUG, INFO, WARNING or ERROR"),
        ("TIERBOT_FEEDS_CONTACT", "Käthe", "an e-mail address or a web page, in plain ASCII"),
        ("TIERBOT_POLL_EVERY_MINUTES", "0", "greater than 0"),
        ("SLACK_API_URL", "slack.com", "a URL such as https://slack.com/api/"),
        ("PORT", "http", "valid integer"),
        ("TIERBOT_LOG_FORMAT", "xml", "'text' or 'json'"),
    ],
)
def test_a_wrong_setting_names_itself_its_value_and_what_would_be_right(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, remedy: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings(None)
    assert name in str(caught.value)
    assert value in str(caught.value)
    assert remedy in str(caught.value)


def test_a_secret_is_told_neither_in_errors_nor_in_a_printed_settings_object(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-very-secret")
    monkeypatch.setenv("TIERBOT_PUSH_COUNT", "0")
    with pytest.raises(SettingsError) as caught:
        load_settings(None)
    assert "very-secret" not in str(caught.value)
    monkeypatch.delenv("TIERBOT_PUSH_COUNT")
    assert "very-secret" not in repr(load_settings(None))


def test_the_environment_outranks_the_file_and_lists_are_split(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TIERBOT_PUSH_COUNT=7\nTIERBOT_ADMINS=U0AAA, U0BBB\nTIERBOT_PUSH_EVERY_HOURS=2\n")
    monkeypatch.setenv("TIERBOT_PUSH_COUNT", "9")
    settings = load_settings(tmp_path / ".env")
    assert (settings.push_count, settings.admins, settings.push_every_hours) == (9, ("U0AAA", "U0BBB"), 2.0)


def test_a_file_of_settings_that_is_no_text_is_named_and_what_is_in_it_is_not_told(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SLACK_BOT_TOKEN=xoxb-secret\n", encoding="utf-16")  # as some editors save it
    with pytest.raises(SettingsError, match=r"Cannot read .*\.env.*UTF-8") as told:
        load_settings(tmp_path / ".env")
    assert "xoxb" not in str(told.value)


def test_a_web_token_that_could_be_guessed_is_refused_and_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIERBOT_WEB_TOKEN", "hunter2hunter2")
    with pytest.raises(SettingsError, match=r"TIERBOT_WEB_TOKEN is \(secret\): should have at least 16 characters"):
        load_settings(None)


def test_a_setting_of_an_earlier_version_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TIERBOT_FIRST_STAGE=on\nTIERBOT_PUSH_COUNT=7\n")
    assert load_settings(tmp_path / ".env").push_count == 7
