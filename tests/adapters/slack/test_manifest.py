"""The manifest says what the code needs, no less (the sandbox refuses) and no more (compared with the source)."""

import json
import re
from pathlib import Path

import pytest

import tierbot.adapters.slack
from tierbot.adapters.slack.manifest import ALL, bot_events, bot_scopes, manifest
from tierbot.domain.nouns import TierbotError
from tierbot.sandbox.kit.settings import read_manifest

SOURCE = Path(tierbot.adapters.slack.__path__[0])


def test_it_asks_for_these_scopes_and_events_and_no_others():
    assert bot_scopes() == (
        "app_mentions:read",
        "channels:history",
        "channels:read",
        "chat:write",
        "commands",
        "emoji:read",
        "files:write",
        "groups:history",
        "groups:read",
        "im:history",
        "im:write",
        "reactions:read",
        "reactions:write",
        "users:read",
    )
    assert bot_events() == (
        "app_home_opened",
        "app_mention",
        "channel_archive",
        "channel_deleted",
        "channel_id_changed",
        "channel_left",
        "channel_unarchive",
        "emoji_changed",
        "group_archive",
        "group_deleted",
        "group_left",
        "group_unarchive",
        "member_joined_channel",
        "member_left_channel",
        "message.im",
        "reaction_added",
        "reaction_removed",
    )


def test_a_public_address_brings_redirects_request_urls_and_the_events_that_tell_of_removals():
    plain, public = manifest(), manifest(public_url="https://bot.example/")
    assert "redirect_urls" not in plain["oauth_config"]
    assert public["oauth_config"]["redirect_urls"] == ["https://bot.example/slack/oauth_redirect"]
    subscriptions = public["settings"]["event_subscriptions"]
    assert subscriptions["request_url"] == "https://bot.example/slack/events"
    added = set(subscriptions["bot_events"]) - set(plain["settings"]["event_subscriptions"]["bot_events"])
    assert added == {"app_uninstalled", "tokens_revoked", "team_access_granted", "team_access_revoked"}
    switches = [
        (made["settings"]["org_deploy_enabled"], made["settings"]["socket_mode_enabled"]) for made in (plain, public)
    ]
    assert switches == [(False, True), (True, False)]
    assert public["settings"]["token_rotation_enabled"] is False


def test_every_method_that_the_code_calls_is_declared_and_every_declared_one_called():
    text = "".join(path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py"))
    families = "apps|auth|chat|conversations|emoji|files|reactions|users|views"
    called = {name.replace("_", ".") for name in re.findall(rf"\.((?:{families})_\w+)", text)}
    declared = {method for needs in ALL for method in needs.methods}
    assert called - {"apps.connections.open"} == declared  # that one takes the app token


def test_a_user_token_is_asked_for_only_where_a_smoke_test_is_wanted():
    assert "user" not in manifest()["oauth_config"]["scopes"]
    assert manifest(smoke_test=True)["oauth_config"]["scopes"]["user"] == ["reactions:write"]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"smoke_test": True},
        {"request_url": "https://bot.example/slack/events"},
        {"public_url": "https://bot.example"},
        {"name": "x" * 35},
    ],
)
def test_a_workspace_as_strict_as_slack_takes_it(options, tmp_path):
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps(manifest(**options)))
    assert read_manifest(file) == manifest(**options)


def test_it_stays_within_slacks_limits():
    made = manifest()
    shown = made["display_information"]
    assert len(shown["name"]) <= 35
    assert len(shown["description"]) <= 140
    assert 175 <= len(shown["long_description"]) <= 4000
    for command in made["features"]["slash_commands"]:
        assert command["command"].startswith("/")
        assert len(command["command"]) <= 32
        assert len(command["description"]) <= 2000
        assert len(command.get("usage_hint", "")) <= 1000
    for shortcut in made["features"].get("shortcuts", []):
        assert len(shortcut["name"]) <= 24
        assert len(shortcut["description"]) <= 150
        assert len(shortcut["callback_id"]) <= 255


def test_socket_mode_needs_no_address_and_http_mode_gives_it_everywhere():
    assert manifest()["settings"]["socket_mode_enabled"] is True
    assert "request_url" not in repr(manifest())
    url = "https://bot.example/slack/events"
    web = manifest(request_url=url)
    assert web["settings"]["socket_mode_enabled"] is False
    assert web["settings"]["event_subscriptions"]["request_url"] == url
    assert web["settings"]["interactivity"]["request_url"] == url
    assert {command["url"] for command in web["features"]["slash_commands"]} == {url}


@pytest.mark.parametrize("name", ["", "x" * 36])
def test_a_name_that_slack_would_refuse_is_refused_here(name):
    with pytest.raises(TierbotError, match="Slack allows 1 to 35"):
        manifest(name)
