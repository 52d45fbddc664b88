"""Validate app manifests as Slack does; each problem names the property it is about."""

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

_SECTIONS = {
    "_metadata": {"major_version", "minor_version"},
    "display_information": {"name", "description", "long_description", "background_color"},
    "features": {"app_home", "bot_user", "shortcuts", "slash_commands", "unfurl_domains"},
    "oauth_config": {"redirect_urls", "scopes", "pkce_enabled", "token_management_enabled"},
    "settings": {
        "allowed_ip_address_ranges",
        "event_subscriptions",
        "incoming_webhooks",
        "interactivity",
        "is_hosted",
        "org_deploy_enabled",
        "siws_links",
        "socket_mode_enabled",
        "token_rotation_enabled",
    },
}
# The shortest and longest text that Slack accepts for each field.
_DISPLAY = {"name": (1, 35), "description": (0, 140), "long_description": (175, 4000)}
_BOT_USER = {"display_name": (1, 80)}
_COMMAND = {"command": (2, 32), "description": (1, 2000), "usage_hint": (0, 1000)}
_SHORTCUT = {"name": (1, 24), "callback_id": (1, 255), "description": (1, 150)}
_MOST_COMMANDS, _MOST_SHORTCUTS = 50, 15
_EVENT_SCOPES = {
    "reaction_added": ("reactions:read",),
    "reaction_removed": ("reactions:read",),
    "emoji_changed": ("emoji:read",),
    "app_mention": ("app_mentions:read",),
    "message.channels": ("channels:history",),
    "message.groups": ("groups:history",),
    "message.im": ("im:history",),
    "member_joined_channel": ("channels:read", "groups:read"),
    "member_left_channel": ("channels:read", "groups:read"),
    "channel_id_changed": ("channels:read", "groups:read", "im:read", "mpim:read"),
    **{f"channel_{what}": ("channels:read",) for what in ("archive", "unarchive", "deleted", "rename", "left")},
    **{f"group_{what}": ("groups:read",) for what in ("archive", "unarchive", "deleted", "rename", "left")},
}


def problems(manifest: Json) -> list[str]:
    """Return the problems that Slack would report, each as "/place: reason"; empty for a valid manifest."""
    if shape := list(_unknown(manifest)):
        return shape
    features, settings = manifest.get("features") or {}, manifest.get("settings") or {}
    found = list(_texts("/display_information", manifest.get("display_information") or {}, _DISPLAY, {"name"}))
    if "bot_user" in features:
        found += _texts("/features/bot_user", features["bot_user"], _BOT_USER, {"display_name"})
    found += _commands(features.get("slash_commands") or [])
    found += _shortcuts(features.get("shortcuts") or [])
    return [*found, *_events(manifest, features, settings)]


def _unknown(manifest: Json) -> Iterator[str]:
    for name, section in manifest.items():
        if name not in _SECTIONS:
            yield f"/{name}: unknown property"
        elif not isinstance(section, dict):
            yield f"/{name}: must be an object"
        else:
            yield from (f"/{name}/{key}: unknown property" for key in section if key not in _SECTIONS[name])


def _texts(place: str, given: Json, limits: dict[str, tuple[int, int]], required: set[str]) -> Iterator[str]:
    for name, (least, most) in limits.items():
        if name not in given:
            if name in required:
                yield f"{place}/{name}: missing"
            continue
        value = given[name]
        if not isinstance(value, str) or not least <= len(value) <= most:
            yield f"{place}/{name}: must have {least} to {most} characters"


def _commands(commands: list[Json]) -> Iterator[str]:
    if len(commands) > _MOST_COMMANDS:
        yield f"/features/slash_commands: no more than {_MOST_COMMANDS} allowed"
    for i, item in enumerate(commands):
        place = f"/features/slash_commands/{i}"
        yield from _texts(place, item, _COMMAND, {"command", "description"})
        yield from (
            f"{place}/{key}: unknown property" for key in item if key not in {*_COMMAND, "url", "should_escape"}
        )
        name = str(item.get("command"))
        if not name.startswith("/") or name != name.lower() or " " in name:
            yield f"{place}/command: must be a slash and lowercase text without spaces"


def _shortcuts(shortcuts: list[Json]) -> Iterator[str]:
    if len(shortcuts) > _MOST_SHORTCUTS:
        yield f"/features/shortcuts: no more than {_MOST_SHORTCUTS} allowed"
    for i, item in enumerate(shortcuts):
        place = f"/features/shortcuts/{i}"
        yield from _texts(place, item, _SHORTCUT, set(_SHORTCUT))
        if item.get("type") not in {"message", "global"}:
            yield f"{place}/type: must be message or global"


def _events(manifest: Json, features: Json, settings: Json) -> Iterator[str]:
    scopes = set(((manifest.get("oauth_config") or {}).get("scopes") or {}).get("bot") or ())
    subscriptions = settings.get("event_subscriptions") or {}
    events = subscriptions.get("bot_events") or []
    if events and "bot_user" not in features:
        yield "/settings/event_subscriptions: bot events need /features/bot_user"
    for event in events:
        needed = _EVENT_SCOPES.get(event, ())
        if needed and not scopes & set(needed):
            yield f"/settings/event_subscriptions/bot_events: {event} needs the scope {' or '.join(needed)}"
    if (features.get("slash_commands") or features.get("shortcuts")) and "commands" not in scopes:
        yield "/oauth_config/scopes/bot: slash commands and shortcuts need the scope commands"
    if events and not settings.get("socket_mode_enabled") and not subscriptions.get("request_url"):
        yield "/settings/event_subscriptions/request_url: missing, and Socket Mode is off"
