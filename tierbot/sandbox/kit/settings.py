"""Settings of a sandbox; by default it listens on this machine only."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from tierbot.sandbox.kit.manifests import problems

DEFAULT_SCOPES = frozenset(
    (
        "chat:write",
        "reactions:read",
        "reactions:write",
        "commands",
        "users:read",
        "files:write",
        "files:read",
        "emoji:read",
        "team:read",
        "channels:read",
        "channels:history",
        "channels:join",
        "groups:read",
        "groups:history",
        "im:read",
        "im:write",
        "im:history",
    )
)
DEFAULT_EVENTS = frozenset(
    ("reaction_added", "reaction_removed", "app_home_opened", "app_uninstalled", "tokens_revoked")
)


USER_TOKEN = "xoxp-sandbox-"  # noqa: S105  (prefix of a colleague's token; their name follows)
DEFAULT_USER_SCOPES = frozenset(("reactions:write",))


class SettingsError(ValueError):
    """An invalid setting; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command that the app registered."""

    name: str
    description: str = ""
    usage_hint: str = ""


DEFAULT_COMMANDS = (
    Command("/leaderboard", "Who judged most, and who agrees best", "[this|last|all|N]"),
    Command("/myscore", "Your score, rank and streak; only you see it"),
    Command("/tier", "For admins: push, retrain, rounds, models", "[push|retrain|round|pause|resume|models|rollback]"),
)


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A message or global shortcut that the app registered."""

    name: str
    callback_id: str
    kind: str = "message"


@dataclass(frozen=True, slots=True)
class Timings:
    """Durations in seconds; tests may shorten each."""

    ack: float = 3.0
    retries: tuple[float, ...] = (0.0, 60.0, 300.0)
    interaction: float = 3.0
    trigger: float = 3.0
    response_url: float = 1800.0
    ticket: float = 30.0
    connection: float = 4 * 3600.0
    warning: float = 10.0
    ping: float = 10.0
    file_processing: float = 0.2
    history: float = 60.0  # between two calls to a history method, while `reduced_history` is on


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one sandbox."""

    host: str = "127.0.0.1"
    port: int = 0
    public_url: str | None = None
    bot_token: str = "xoxb-sandbox-bot"  # noqa: S105  (it opens a sandbox, nothing else)
    app_token: str = "xapp-sandbox-app"  # noqa: S105
    signing_secret: str = "sandbox-signing-secret"  # noqa: S105
    control_token: str | None = None
    team: str = "Pizza Science"
    channel: str = "trending"
    bot_name: str = "tierbot"
    app_name: str = "tierbot"
    client_id: str = ""
    client_secret: str = "sandbox-client-secret"  # noqa: S105
    redirect_urls: tuple[str, ...] = ()
    installed: bool = True
    token_rotation: bool = False
    org: str = ""
    same_ids: bool = False
    seed: int = 0
    limits: bool = False
    request_url: str | None = None
    ask_on_ack: str | None = None
    scopes: frozenset[str] = DEFAULT_SCOPES
    user_scopes: frozenset[str] = DEFAULT_USER_SCOPES
    events: frozenset[str] = DEFAULT_EVENTS
    commands: tuple[Command, ...] = DEFAULT_COMMANDS
    shortcuts: tuple[Shortcut, ...] = ()
    timings: Timings = field(default_factory=Timings)
    later: tuple[tuple[float, str, dict[str, Any]], ...] = ()  # seconds from the start, control call, its body

    def with_manifest(self, manifest: dict[str, Any]) -> Self:
        """Return the settings with the names, scopes, events, commands and shortcuts of a Slack app manifest."""
        features = manifest.get("features", {})
        subscriptions = manifest.get("settings", {}).get("event_subscriptions", {})
        declared = manifest.get("oauth_config", {}).get("scopes", {})
        scopes = declared.get("bot")
        return replace(
            self,
            app_name=manifest.get("display_information", {}).get("name", self.app_name),
            bot_name=features.get("bot_user", {}).get("display_name", self.bot_name),
            scopes=frozenset(scopes) if scopes is not None else self.scopes,
            user_scopes=frozenset(declared.get("user") or ()),
            token_rotation=bool(manifest.get("settings", {}).get("token_rotation_enabled")),
            redirect_urls=tuple(manifest.get("oauth_config", {}).get("redirect_urls") or self.redirect_urls),
            events=frozenset(subscriptions["bot_events"]) if "bot_events" in subscriptions else self.events,
            commands=tuple(
                Command(item["command"], item.get("description", ""), item.get("usage_hint", ""))
                for item in features.get("slash_commands", [])
            )
            or self.commands,
            shortcuts=tuple(
                Shortcut(item["name"], item["callback_id"], item.get("type", "message"))
                for item in features.get("shortcuts", [])
            )
            or self.shortcuts,
        )


def read_manifest(path: Path) -> dict[str, Any]:
    """Read a JSON app manifest. Raises SettingsError if it is unreadable or Slack would refuse it."""
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path}: cannot read the JSON manifest: {error}") from error
    if not isinstance(manifest, dict):
        raise SettingsError(f"{path}: the manifest must be a JSON object")
    if found := problems(manifest):
        raise SettingsError(f"{path}: Slack would refuse this manifest: {'; '.join(found)}")
    return manifest
