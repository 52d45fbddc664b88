"""Tokens of colleagues, and manifests that Slack would refuse."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from tierbot.sandbox.cli import main
from tierbot.sandbox.kit.manifests import problems
from tierbot.sandbox.kit.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BOBS = "xoxp-sandbox-bob"

MANIFEST: dict[str, Any] = {
    "display_information": {"name": "Tier"},
    "features": {
        "bot_user": {"display_name": "tier"},
        "slash_commands": [{"command": "/hi", "description": "greets"}],
        "shortcuts": [{"name": "Why", "type": "message", "callback_id": "why", "description": "x"}],
    },
    "oauth_config": {"scopes": {"bot": ["commands", "reactions:read"], "user": ["reactions:write"]}},
    "settings": {"event_subscriptions": {"bot_events": ["reaction_added"]}, "socket_mode_enabled": True},
}


def test_a_colleagues_token_reacts_as_that_colleague(desk: Any) -> None:
    ts = desk.post()
    assert desk.call("auth.test", BOBS)["user_id"] == desk.bob
    assert "bot_id" not in desk.call("auth.test", BOBS)
    assert desk.call("reactions.add", BOBS, channel=desk.channel, timestamp=ts, name="pizza")["ok"]
    assert desk.box.workspace.message(desk.channel, ts).reactions == {"pizza": [desk.bob]}
    assert desk.call("reactions.remove", BOBS, channel=desk.channel, timestamp=ts, name="pizza")["ok"]
    assert desk.box.workspace.message(desk.channel, ts).reactions == {}


def test_a_colleagues_token_may_do_what_its_own_scopes_say_and_no_more(desks: Callable[..., Any], desk: Any) -> None:
    assert desk.call("auth.test", "xoxp-sandbox-nobody")["error"] == "invalid_auth"
    assert desk.call("chat.postMessage", BOBS, channel=desk.channel, text="x")["error"] == "not_allowed_token_type"
    assert desk.call("apps.connections.open", BOBS)["error"] == "not_allowed_token_type"
    bare = desks(Settings(user_scopes=frozenset()))
    refused = bare.call("reactions.add", BOBS, channel=bare.channel, timestamp=bare.post(), name="pizza")
    assert (refused["error"], refused["needed"]) == ("missing_scope", "reactions:write")


def test_a_manifest_that_slack_takes_has_no_problems() -> None:
    assert problems(MANIFEST) == []
    assert Settings().with_manifest(MANIFEST).user_scopes == {"reactions:write"}


@pytest.mark.parametrize(
    ("place", "value", "complaint"),
    [
        (("display_information", "name"), "x" * 36, "/display_information/name: must have 1 to 35"),
        (
            ("display_information", "long_description"),
            "short",
            "/display_information/long_description: must have 175 to 4000",
        ),
        (("display_information", "motto"), "x", "/display_information/motto: unknown property"),
        (("secrets",), {}, "/secrets: unknown property"),
        (("settings",), [], "/settings: must be an object"),
        (("features", "slash_commands", 0, "command"), "/Say Hi", "lowercase text without spaces"),
        (("features", "slash_commands", 0, "shout"), True, "/features/slash_commands/0/shout: unknown"),
        (
            ("features", "slash_commands", 0, "description"),
            "",
            "/features/slash_commands/0/description: must have 1 to 2000",
        ),
        (("features", "shortcuts", 0, "name"), "x" * 25, "/features/shortcuts/0/name: must have 1 to 24"),
        (("features", "shortcuts", 0, "type"), "modal", "must be message or global"),
        (("features", "shortcuts"), [{}] * 16, "no more than 15"),
        (("oauth_config", "scopes", "bot"), ["commands"], "reaction_added needs the scope reactions:read"),
        (("oauth_config", "scopes", "bot"), ["reactions:read"], "need the scope commands"),
        (("settings", "socket_mode_enabled"), False, "request_url: missing"),
    ],
)
def test_what_slack_would_refuse_is_refused_with_its_place(
    place: tuple[Any, ...], value: Any, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = copy.deepcopy(MANIFEST)
    inner: Any = manifest
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps(manifest))
    assert main(["--manifest", str(file)]) == 2
    assert complaint in capsys.readouterr().err
