"""The Slack app manifest, generated from the modules' NEEDS (see needs.py)."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from tierbot.adapters.slack import admins as people
from tierbot.adapters.slack import app, canary, channels, directory, examine
from tierbot.adapters.slack.commands import listeners
from tierbot.adapters.slack.connection.web import EVENTS_PATH
from tierbot.adapters.slack.home import direct_messages
from tierbot.adapters.slack.home import listeners as home
from tierbot.adapters.slack.installation import oauth
from tierbot.adapters.slack.messages import chat, upload
from tierbot.adapters.slack.needs import Needs
from tierbot.adapters.slack.reactions import emoji_changes, inbox
from tierbot.adapters.slack.shortcuts import legend, tagging
from tierbot.adapters.slack.shortcuts import listeners as shortcuts
from tierbot.domain.nouns import TierbotError

ALL: tuple[Needs, ...] = (
    app.NEEDS,
    canary.NEEDS,
    channels.NEEDS,
    chat.NEEDS,
    direct_messages.NEEDS,
    directory.NEEDS,
    emoji_changes.NEEDS,
    examine.NEEDS,
    home.NEEDS,
    inbox.NEEDS,
    legend.NEEDS,
    listeners.NEEDS,
    people.NEEDS,
    shortcuts.NEEDS,
    tagging.NEEDS,
    upload.NEEDS,
)
_NEW_APP = "https://api.slack.com/apps?new_app=1&manifest_json="
_NAME = 35  # Slack's limit, in characters

_DESCRIPTION = "Posts articles with an emoji; learns from your reactions"
_LONG_DESCRIPTION = (
    "tierbot posts articles in a channel, each with the emoji of the topic that its classifier predicts. Colleagues "
    "answer with the right topic's emoji, or 👎. Every reaction is a point on the leaderboard, a verdict on the "
    "prediction and a label for the article, and the classifier trains on them and gets better every round."
)


def bot_scopes() -> tuple[str, ...]:
    """Return every bot scope that the code needs, sorted."""
    return tuple(sorted(frozenset().union(*(needs.scopes for needs in ALL))))


def bot_events() -> tuple[str, ...]:
    """Return every event that the code listens to, sorted."""
    return tuple(sorted({event for needs in ALL for event in needs.events}))


def bot_commands() -> tuple[str, ...]:
    """Return every slash command that the code answers, sorted."""
    return tuple(sorted(command.name for needs in ALL for command in needs.commands))


def link(declared: Mapping[str, Any]) -> str:
    """Return the address that opens Slack's page for a new app, with a manifest filled in."""
    return _NEW_APP + quote(json.dumps(declared, separators=(",", ":"), ensure_ascii=False), safe="")


def manifest(
    name: str = "tierbot", *, request_url: str | None = None, public_url: str | None = None, smoke_test: bool = False
) -> dict[str, Any]:
    """Return the manifest: for Socket Mode, or for HTTP mode at `request_url` (https://…/slack/events).

    public_url: the public address of `tierbot web`; makes the app installable in many workspaces and organizations.
    smoke_test: also request a user token, with which `tierbot doctor --smoke-test` reacts as a colleague.

    Raises TierbotError if the name is empty or too long for Slack.
    """
    if not 0 < len(name) <= _NAME:
        raise TierbotError(f"The app's name {name!r} has {len(name)} characters; Slack allows 1 to {_NAME}.")
    if public_url:
        request_url = request_url or public_url.rstrip("/") + EVENTS_PATH
    events = {*bot_events(), *(oauth.NEEDS.events if public_url else ())}
    redirects = {"redirect_urls": [public_url.rstrip("/") + oauth.REDIRECT_PATH]} if public_url else {}
    web = {"request_url": request_url} if request_url else {}
    commands = [
        {"command": c.name, "description": c.description, "should_escape": False}
        | ({"usage_hint": c.usage_hint} if c.usage_hint else {})
        | ({"url": request_url} if request_url else {})
        for needs in ALL
        for c in needs.commands
    ]
    shortcuts = [
        {"name": s.name, "type": "message", "callback_id": s.callback_id, "description": s.description}
        for needs in ALL
        for s in needs.shortcuts
    ]
    return {
        "display_information": {"name": name, "description": _DESCRIPTION, "long_description": _LONG_DESCRIPTION},
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": name, "always_online": True},
            "slash_commands": commands,
            "shortcuts": shortcuts,
        },
        "oauth_config": {
            **redirects,
            "scopes": {"bot": list(bot_scopes()), **({"user": list(canary.USER_SCOPES)} if smoke_test else {})},
        },
        "settings": {
            "event_subscriptions": {**web, "bot_events": sorted(events)},
            "interactivity": {
                "is_enabled": True,
                **web,
                **({"message_menu_options_url": request_url} if request_url else {}),
            },
            "org_deploy_enabled": bool(public_url),
            "socket_mode_enabled": request_url is None,
            "token_rotation_enabled": False,
        },
    }
