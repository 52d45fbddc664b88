"""Connecting a workspace as operators do: `tierbot init`, `doctor` and `status` against a workspace in a box."""

import json
import re
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from typer.testing import CliRunner

from tierbot.adapters.slack import channels
from tierbot.adapters.slack.manifest import manifest
from tierbot.adapters.store import open_store
from tierbot.app.demo.workspace import SandboxProcess
from tierbot.app.doctor.checkup import check_up
from tierbot.cli.app import app
from tierbot.cli.envfile import values_of
from tierbot.domain.doctor.judge import State
from tierbot.settings import Settings, environment_name, load_settings

OWN_TAGS = "".join(
    f'[[tag]]\nid = "{name}"\nname = "{name}"\nemoji = "{emoji}"\ncharacter = "x"\ndescription = "about {name}"\n'
    for name, emoji in (("ours", "our_logo"), ("theirs", "their_logo"), ("food", "pizza"), ("law", "scales"))
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with SandboxProcess(users=("ada:admin", "bob")) as started:
        yield started


@pytest.fixture
def do(sandbox: SandboxProcess) -> Any:
    """Return a function that acts through the sandbox's control API."""
    with httpx.Client(base_url=sandbox.address.control_url, timeout=10, trust_env=False) as client:

        def act(what: str, **body: Any) -> dict[str, Any]:
            answer: dict[str, Any] = client.post(what, json=body).json()
            assert answer["ok"], answer
            return answer

        yield act


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sandbox: SandboxProcess) -> None:
    monkeypatch.chdir(tmp_path)
    for field in Settings.model_fields:
        monkeypatch.delenv(environment_name(field), raising=False)
    monkeypatch.setenv("SLACK_API_URL", sandbox.address.api_url)
    monkeypatch.setenv("TIERBOT_ENCODER", "hashing")
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/bot.db")


def run(*arguments: str, typed: str = "") -> Any:
    return CliRunner().invoke(app, arguments, input=typed)


def answers(sandbox: SandboxProcess, *, bot: str = "", app_token: str = "", channel: str = "") -> str:
    """Return what a person types: two tokens, a channel, no admins, the proposed time zone."""
    address = sandbox.address
    lines = (bot or address.bot_token, app_token or address.app_token, channel or address.channel, "", "")
    return "".join(f"{line}\n" for line in lines)


# --- init -----------------------------------------------------------------------------------------


def test_init_asks_five_things_and_writes_what_run_needs(sandbox: SandboxProcess, tmp_path: Path) -> None:
    result = run("init", typed=answers(sandbox))
    assert result.exit_code == 0, result.output
    written = load_settings(tmp_path / ".env")
    assert written.slack_bot_token is not None
    assert written.slack_bot_token.get_secret_value() == sandbox.address.bot_token
    assert (written.channel, written.timezone) == (sandbox.address.channel, "UTC")
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["settings"]["socket_mode_enabled"] is True
    opened = parse_qs(urlsplit(re.search(r"https://api\.slack\.com/apps\?\S+", result.output)[0]).query)
    assert opened["new_app"] == ["1"]
    assert json.loads(opened["manifest_json"][0]) == manifest
    for said in ("From a manifest", "manifest.json", "Install to Workspace", "connections:write", "/invite @tierbot"):
        assert said in result.output
    assert "✓ bot token: @tierbot in Pizza Science" in result.output
    assert "✓ channel: in #trending" in result.output
    assert sandbox.address.bot_token not in result.output, "tokens are typed hidden"


def test_a_wrong_answer_is_told_its_remedy_and_asked_again(sandbox: SandboxProcess, tmp_path: Path) -> None:
    address = sandbox.address
    typed = "\n".join(
        (
            address.app_token,
            "xoxb-1-nobody",
            address.bot_token,
            address.bot_token,
            "xapp-1-nobody",
            address.app_token,
            "#nowhere",
            "C0NOTHERE99",
            f"https://pizza.slack.com/archives/{address.channel}/p123",
            "ada",
            "U0NOBODY99",
            "",
            "Mars/Olympus",
            "Europe/Berlin",
            "",
        )
    )
    result = run("init", typed=typed)
    assert result.exit_code == 0, result.output
    for said in (
        "That's an app-level token (xapp-…). Expected the bot token (xoxb-…)",
        "invalid_auth",
        "That's a bot token (xoxb-…). Expected the app-level token (xapp-…)",
        "in SLACK_APP_TOKEN: invalid_auth",
        "The bot isn't in a channel named #nowhere",
        "channel_not_found",
        "'ada' isn't a user id",
        "user_not_found",
        "Enter a name such as Europe/Berlin",
    ):
        assert said in result.output
    offered = set(re.findall(r"\[([^\]]*)\]:", result.output))
    assert offered == {"UTC"}, "what was refused isn't offered as the default"
    found = values_of((tmp_path / ".env").read_text())
    assert (found["TIERBOT_CHANNEL"], found["TIERBOT_TIMEZONE"]) == (address.channel, "Europe/Berlin")


def test_a_channel_is_found_by_its_name_and_an_admins_time_zone_is_proposed(
    sandbox: SandboxProcess, tmp_path: Path, do: Any
) -> None:
    carla = do("users", name="carla", tz="Africa/Lagos")["user"]["id"]
    address = sandbox.address
    typed = f"{address.bot_token}\n{address.app_token}\n#trending\n{carla}\n\n"
    assert run("init", typed=typed).exit_code == 0
    found = values_of((tmp_path / ".env").read_text())
    assert found["TIERBOT_CHANNEL"] == address.channel
    assert (found["TIERBOT_ADMINS"], found["TIERBOT_TIMEZONE"]) == (carla, "Africa/Lagos")


def test_a_channel_without_the_bot_and_an_archived_one_are_refused_with_the_remedy(
    sandbox: SandboxProcess, do: Any
) -> None:
    away = do("channels", name="away", bot=False)["channel"]["id"]
    old = do("channels", name="old")["channel"]["id"]
    do("archive", channel=old)
    address = sandbox.address
    typed = f"{address.bot_token}\n{address.app_token}\n{away}\n{old}\n{address.channel}\n\n\n"
    result = run("init", typed=typed)
    assert result.exit_code == 0, result.output
    assert "In #away, type /invite @" in result.output
    assert "#old is archived. Unarchive it" in result.output


def test_what_is_in_the_file_is_kept_and_replaced_only_if_that_is_wanted(
    sandbox: SandboxProcess, tmp_path: Path
) -> None:
    env = tmp_path / ".env"
    before = f"# mine\nTIERBOT_PUSH_COUNT=7\nTIERBOT_CHANNEL=C0OLDONE99\nSLACK_BOT_TOKEN={sandbox.address.bot_token}\n"
    env.write_text(before)
    typed = f"\n{sandbox.address.app_token}\n{sandbox.address.channel}\n\n\n"  # Enter keeps the bot token
    assert run("init", typed=typed + "n\n").exit_code == 0
    found = values_of(env.read_text())
    assert found["TIERBOT_CHANNEL"] == "C0OLDONE99"
    assert found["SLACK_APP_TOKEN"] == sandbox.address.app_token
    assert env.read_text().startswith("# mine\nTIERBOT_PUSH_COUNT=7\n")
    assert run("init", typed=f"\n\n{sandbox.address.channel}\n\n\ny\n").exit_code == 0
    assert values_of(env.read_text()) == {**found, "TIERBOT_CHANNEL": sandbox.address.channel}
    assert stat.S_IMODE(env.stat().st_mode) == 0o600


def test_scripts_are_asked_nothing_and_stopped_at_the_first_bad_answer(
    sandbox: SandboxProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", sandbox.address.bot_token)
    missing = run("init", "--yes")
    assert "App token (xapp-…) is missing. Give it as SLACK_APP_TOKEN" in str(missing.exception)
    monkeypatch.setenv("SLACK_APP_TOKEN", sandbox.address.bot_token)
    wrong = run("init", "--yes", "--channel", sandbox.address.channel)
    assert "Expected the app-level token (xapp-…)" in str(wrong.exception)
    assert not (tmp_path / ".env").exists()
    monkeypatch.setenv("SLACK_APP_TOKEN", sandbox.address.app_token)
    assert run("init", "--yes", "--channel", sandbox.address.channel).exit_code == 0
    assert values_of((tmp_path / ".env").read_text())["TIERBOT_CHANNEL"] == sandbox.address.channel


def test_an_own_manifest_is_not_replaced_unasked_and_a_name_too_long_is_refused(
    sandbox: SandboxProcess, tmp_path: Path
) -> None:
    mine = tmp_path / "manifest.json"
    mine.write_text("{}")
    assert run("init", typed="n\n" + answers(sandbox)).exit_code == 0
    assert mine.read_text() == "{}"
    assert run("init", typed="y\n" + answers(sandbox)).exit_code == 0
    assert "oauth_config" in mine.read_text()
    assert "Slack allows 1 to 35" in str(run("init", "--name", "x" * 36).exception)


# --- doctor ---------------------------------------------------------------------------------------


def settings_for(sandbox: SandboxProcess, **changes: object) -> Settings:
    address = sandbox.address
    given = {"slack_bot_token": address.bot_token, "slack_app_token": address.app_token, "channel": address.channel}
    return load_settings(None, **(given | changes))


def checked(sandbox: SandboxProcess, **changes: object) -> dict[str, Any]:
    return {check.name: check for check in check_up(settings_for(sandbox, **changes))}


def test_a_new_setup_is_well_before_its_first_start(sandbox: SandboxProcess, tmp_path: Path) -> None:
    checks = checked(sandbox)
    wrong = [check for check in checks.values() if check.state is State.BAD and check.name != "model"]
    assert wrong == []
    assert checks["bot token"].says == "@tierbot in Pizza Science"
    assert checks["clock"].says == "agrees with Slack's"
    assert not (tmp_path / "bot.db").exists(), "a check-up makes nothing"


@pytest.mark.parametrize(
    ("changes", "name", "says"),
    [
        ({"slack_bot_token": "xoxb-1-nobody"}, "bot token", "Slack answered invalid_auth"),
        ({"slack_bot_token": "xapp-1-nobody"}, "bot token", "That's an app-level token"),
        ({"slack_app_token": "xapp-1-nobody"}, "app token", "in SLACK_APP_TOKEN: invalid_auth"),
        ({"slack_app_token": "xoxp-1-nobody"}, "app token", "That's a user token"),
        ({"channel": "C0NOTHERE99"}, "channel", "Slack answered channel_not_found"),
        ({"slack_api_url": "http://127.0.0.1:9/api/"}, "bot token", "Check the network"),
        ({"tags": Path("nowhere.toml")}, "settings", "nowhere.toml: cannot be read"),
        ({"encoder": "/no/such/encoder"}, "encoder", "/no/such/encoder"),
        ({"database_url": "sqlite:////proc/tierbot.db"}, "database", "/proc"),
        ({"database_url": "mysql://somewhere/x"}, "database", "is not supported"),
        ({"smoke_test_every_hours": 6}, "settings", "TIERBOT_SMOKE_TEST_CHANNEL"),
    ],
)
def test_what_is_wrong_is_found_over_real_sockets(
    sandbox: SandboxProcess, changes: dict[str, object], name: str, says: str
) -> None:
    check = checked(sandbox, **changes)[name]
    assert check.state is State.BAD
    assert says in f"{check.says} {check.remedy}"


def test_the_bot_outside_its_channel_and_an_archived_channel_are_found(sandbox: SandboxProcess, do: Any) -> None:
    channel = do("channels", name="project")["channel"]["id"]
    assert checked(sandbox, channel=channel)["channel"].state is State.OK
    do("leave", user="tierbot", channel=channel)
    assert "/invite @" in checked(sandbox, channel=channel)["channel"].remedy
    do("archive", channel=channel)
    assert "#project is archived" in checked(sandbox, channel=channel)["channel"].says


def test_a_workspace_that_lacks_half_of_the_emoji_is_told_which(
    sandbox: SandboxProcess, tmp_path: Path, do: Any
) -> None:
    (tmp_path / "own.toml").write_text(OWN_TAGS)
    check = checked(sandbox, tags=tmp_path / "own.toml")["emoji"]
    assert check.state is State.BAD
    assert "2 of 4 are missing in the workspace: :our_logo: (ours), :their_logo: (theirs)" in check.says
    for name in ("our_logo", "their_logo"):
        do("emoji", name=name, url="https://e.example/x.png")
    assert checked(sandbox, tags=tmp_path / "own.toml")["emoji"].state is State.OK


def test_an_app_of_an_older_manifest_lacks_scopes_and_is_told_which() -> None:
    declared = manifest()
    wanted = declared["oauth_config"]["scopes"]["bot"]
    lacking = {"emoji:read", "channels:history", "channels:read", "groups:read"}
    declared["oauth_config"]["scopes"]["bot"] = [scope for scope in wanted if scope not in lacking]
    subscribed = declared["settings"]["event_subscriptions"]
    refused = {"emoji_changed", *channels.NEEDS.events}  # by Slack, without their scopes
    subscribed["bot_events"] = [event for event in subscribed["bot_events"] if event not in refused]
    with SandboxProcess(declared=declared) as older:
        checks = checked(older, slack_api_url=older.address.api_url)
    assert checks["scopes"].state is State.BAD
    assert "4 missing: channels:history, channels:read, emoji:read, groups:read" in checks["scopes"].says
    assert checks["channel"].state is State.BAD
    assert "Add the scope channels:read" in checks["channel"].says


def test_a_revoked_token_is_told_to_install_again(sandbox: SandboxProcess, do: Any) -> None:
    do("revoke")
    try:
        assert "Install the app again" in checked(sandbox)["bot token"].says
    finally:
        do("revoke", restore=True)


def test_a_database_of_others_a_damaged_one_and_one_too_new_are_told_apart(
    sandbox: SandboxProcess, tmp_path: Path
) -> None:
    import sqlite3

    def database(name: str) -> str:
        return str(checked(sandbox, database_url=f"sqlite:///{tmp_path}/{name}")["database"].says)

    (tmp_path / "damaged.db").write_bytes(b"SQLite format 3\x00" + b"\x07" * 5000)
    assert "not a valid SQLite database" in database("damaged.db")
    with closing(sqlite3.connect(tmp_path / "foreign.db")) as foreign, foreign:
        foreign.execute("CREATE TABLE recipes (id INTEGER)")
    foreign.close()
    assert "recipes" in database("foreign.db")
    open_store(f"sqlite:///{tmp_path}/new.db").close()
    with closing(sqlite3.connect(tmp_path / "new.db")) as new, new:
        new.execute("UPDATE tierbot_schema SET version_num = '9999'")
    new.close()
    assert "newer than this tierbot" in database("new.db")


def test_doctor_prints_a_line_a_check_and_ends_with_one_if_anything_is_bad(
    sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxp-1-abc")
    result = run("doctor", "--json")
    assert result.exit_code == 1
    checks = [json.loads(line) for line in result.stdout.splitlines()]
    assert {"name", "state", "says", "remedy"} == set(checks[0])
    assert {check["name"] for check in checks} >= {"bot token", "scopes", "channel", "database", "model", "feeds"}
    people = run("doctor")
    assert people.exit_code == 1
    assert "✗ bot token" in people.stdout
    assert "xoxp-1-abc" not in people.stdout


def test_settings_that_cannot_be_read_are_a_line_of_the_doctors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIERBOT_TIMEZONE", "Berlin")
    result = run("doctor", "--json")
    assert result.exit_code == 1
    assert "TIERBOT_TIMEZONE is 'Berlin'" in json.loads(result.stdout)["says"]


def test_a_smoke_test_needs_a_channel_and_a_bot_that_was_started(
    sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "--channel C0123456789" in str(run("doctor", "--smoke-test").exception)
    assert "SLACK_BOT_TOKEN" in str(run("doctor", "--smoke-test", "--channel", "C0123456789").exception)
    monkeypatch.setenv("SLACK_BOT_TOKEN", sandbox.address.bot_token)
    assert "no database yet" in str(run("doctor", "--smoke-test", "--channel", "C0123456789").exception)


def test_status_without_a_database_says_how_to_get_one() -> None:
    assert "no database yet" in str(run("status").exception)
