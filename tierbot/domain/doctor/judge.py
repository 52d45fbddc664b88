"""Judges the facts about a setup: each check becomes one line that says what is wrong and what to do."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tierbot.domain.doctor.facts import (
    AppFacts,
    ChannelFacts,
    DatabaseFacts,
    EventFacts,
    FeedFacts,
    MachineFacts,
    Refusal,
    SlackFacts,
)
from tierbot.domain.doctor.tokens import APP, BOT, wrong_token
from tierbot.domain.tags import TagSpace, names_of

LARGEST_SKEW = 60.0  # seconds; beyond it, the bot searches the wrong part of a channel's history
LEAST_FREE = 200 * 1024 * 1024  # bytes
_MOST_NAMED = 8
_NOT_ASKED = "Slack wasn't asked."
_READABLE_BY_OTHERS = 0o077


class State(StrEnum):
    """The result of a check. UNKNOWN: it couldn't be made; that isn't an error."""

    OK = "ok"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of `tierbot doctor`: what was checked, the result, and for BAD how to fix it."""

    name: str
    state: State
    says: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Needed:
    """What the code needs from the Slack app, according to its manifest."""

    scopes: frozenset[str]
    events: tuple[str, ...]
    commands: tuple[str, ...]


def ok(name: str, says: str) -> Check:
    """Return a check that passed."""
    return Check(name, State.OK, says)


def bad(name: str, says: str, remedy: str = "") -> Check:
    """Return a check that failed; `says` may already include the remedy."""
    return Check(name, State.BAD, says, remedy)


def unknown(name: str, says: str) -> Check:
    """Return a check that couldn't be made."""
    return Check(name, State.UNKNOWN, says)


def is_well(checks: Iterable[Check]) -> bool:
    """Return whether no check is BAD."""
    return all(check.state is not State.BAD for check in checks)


def judge_settings(fault: str | None, smoke_test_hours: float = 0.0, smoke_test_channel: str = "") -> Check:
    """Judge whether the settings are valid and consistent."""
    if fault is not None:
        return bad("settings", " ".join(fault.splitlines()), "Fix it in the environment or in .env.")
    if smoke_test_hours and not smoke_test_channel:
        return bad(
            "settings",
            "TIERBOT_SMOKE_TEST_EVERY_HOURS is set, but TIERBOT_SMOKE_TEST_CHANNEL isn't.",
            "Set it to the id of a test channel, or set the hours to 0.",
        )
    return ok("settings", "every value is valid")


def judge_slack(
    facts: SlackFacts, bot_token: str, app_token: str, channel: str, needed: Needed, tags: TagSpace | None
) -> list[Check]:
    """Judge the tokens, scopes, channel, emoji and clock."""
    return [
        judge_bot_token(facts.app, bot_token),
        judge_scopes(facts.app, needed.scopes),
        judge_app_token(facts.connections, app_token),
        judge_channel(facts.channel, channel),
        judge_emoji(facts.emoji, tags),
        judge_clock(facts.clock_ahead),
    ]


def judge_bot_token(app: AppFacts | Refusal | None, token: str) -> Check:
    """Judge the bot token."""
    if fault := wrong_token(token, BOT):
        return bad("bot token", f"SLACK_BOT_TOKEN: {fault}")
    if isinstance(app, Refusal):
        return bad("bot token", app.says)
    if app is None:
        return unknown("bot token", _NOT_ASKED)
    return ok("bot token", f"{app.bot} in {app.team}")


def judge_scopes(app: AppFacts | Refusal | None, needed: frozenset[str]) -> Check:
    """Judge whether Slack granted all the scopes that the code needs."""
    if not isinstance(app, AppFacts):
        return unknown("scopes", "can't check without a valid bot token")
    if app.scopes is None:
        return unknown("scopes", "Slack didn't list them.")
    if missing := sorted(needed - app.scopes):
        return bad(
            "scopes",
            f"{len(missing)} missing: {', '.join(missing)}.",
            f"Add {'it' if len(missing) == 1 else 'them'} at OAuth & Permissions → Scopes → Bot Token Scopes (or paste the new "
            "`tierbot manifest` at App Manifest), then reinstall the app.",
        )
    return ok("scopes", f"all {len(needed)} granted")


def judge_app_token(connections: bool | Refusal | None, token: str) -> Check:
    """Judge the app-level token."""
    if fault := wrong_token(token, APP):
        return bad("app token", f"SLACK_APP_TOKEN: {fault}")
    if isinstance(connections, Refusal):
        return bad("app token", connections.says)
    return ok("app token", "Socket Mode can connect") if connections else unknown("app token", _NOT_ASKED)


def judge_channel(found: ChannelFacts | Refusal | None, channel: str) -> Check:
    """Judge whether the bot can post in the channel."""
    if not channel:
        return bad(
            "channel", "TIERBOT_CHANNEL isn't set.", "Set it to the channel's id (at the bottom of its details)."
        )
    if isinstance(found, Refusal):
        return bad("channel", found.says)
    if found is None:
        return unknown("channel", _NOT_ASKED)
    if found.is_archived:
        return bad("channel", f"#{found.name} is archived.", "Unarchive it, or set TIERBOT_CHANNEL to another channel.")
    if not found.is_member:
        return bad(
            "channel", f"The bot isn't in #{found.name}.", f"In #{found.name}, type /invite @ and the bot's name."
        )
    return ok("channel", f"in #{found.name}")


def judge_emoji(custom: frozenset[str] | Refusal | None, tags: TagSpace | None) -> Check:
    """Judge whether every tag's emoji exists in the workspace."""
    if tags is None:
        return unknown("emoji", "can't check without a tag space")
    own = [tag for tag in tags.active if not names_of(tag.short_name)]
    if not own:
        return ok("emoji", f"all {len(tags.active)} tags have a standard emoji")
    if isinstance(custom, Refusal):
        return bad("emoji", f"The workspace's custom emoji can't be listed. {custom.says}")
    if custom is None:
        return unknown("emoji", f"{len(own)} tags have custom emoji; Slack wasn't asked for them.")
    missing = [f":{tag.short_name}: ({tag.id})" for tag in own if tag.short_name not in custom]
    if missing:
        return bad(
            "emoji",
            f"{len(missing)} of {len(tags.active)} are missing in the workspace: {_some(missing)}.",
            "Add them in Slack (Customize workspace → Emoji), or give these tags other emoji in TIERBOT_TAGS.",
        )
    return ok("emoji", f"all {len(tags.active)} tags have one, {len(own)} of them custom")


def judge_clock(ahead: float | None) -> Check:
    """Judge this machine's clock by how many seconds it is ahead of Slack's."""
    if ahead is None:
        return unknown("clock", "Slack didn't report its time.")
    off = f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} Slack's"
    if abs(ahead) > LARGEST_SKEW:
        return bad("clock", f"This machine's clock is {off}.", "Synchronize it (NTP).")
    return ok("clock", "agrees with Slack's" if abs(ahead) < 2 else off)  # noqa: PLR2004 - the header's resolution


def judge_machine(facts: MachineFacts, needed: Needed, now: datetime) -> list[Check]:
    """Judge the database, its disk, the encoder, model and feeds, and whether Slack's events arrive."""
    return [
        *_database(facts.database),
        _component("encoder", facts.encoder),
        _component("model", facts.model),
        _events(facts.events, needed.events, now),
        # Slack doesn't tell a bot which commands its app has; the smoke test shows that they work.
        unknown("commands", f"Slack doesn't say whether the app has {', '.join(needed.commands)}: type one to check"),
        _feeds(facts.feeds),
        *_env_file(facts.env_mode),
    ]


def _database(found: DatabaseFacts) -> Iterable[Check]:
    if found.fault is not None:
        yield bad("database", found.fault)
    elif found.is_new:
        yield ok("database", f"{found.where}: `tierbot run` will create it")
    elif found.revision != found.newest:
        yield ok(
            "database", f"{found.where}: schema {found.revision}, to be upgraded to {found.newest} at the next start"
        )
    else:
        yield ok("database", f"{found.where}: readable and writable, schema {found.revision}")
    if found.free_bytes is None:
        yield unknown("disk", "the database isn't on this machine")
    elif found.free_bytes < LEAST_FREE:
        yield bad(
            "disk",
            f"Only {_megabytes(found.free_bytes)} free on the database's disk.",
            f"Make room: keep at least {_megabytes(LEAST_FREE)} free.",
        )
    else:
        yield ok("disk", f"{_megabytes(found.free_bytes)} free")


def _component(name: str, found: str | Refusal | None) -> Check:
    if found is None:
        return unknown(name, "not checked: the database can't be used")
    return bad(name, found.says) if isinstance(found, Refusal) else ok(name, found)


def _events(found: EventFacts | None, needed: Collection[str], now: datetime) -> Check:
    listed = ", ".join(needed)
    if found is None or (found.live is None and found.reconciled is None):
        return unknown("events", f"no reaction yet (needs {listed}): `tierbot doctor --smoke-test` sends one")
    if found.live is not None:
        return ok("events", f"reactions arrive, the last one {_ago(now, found.live)}")
    return bad(
        "events",
        "Reactions were found by reconciliation, but none has arrived as an event.",
        f"At api.slack.com/apps, check that Socket Mode is on and Event Subscriptions has {listed}; then reinstall.",
    )


def _feeds(feeds: tuple[FeedFacts, ...] | None) -> Check:
    if feeds is None:
        return unknown("feeds", "not checked")
    if not feeds:
        return ok("feeds", "none: add articles with `tierbot add`")
    if broken := [f"{feed.url} ({feed.fault})" for feed in feeds if feed.fault]:
        return bad("feeds", f"{len(broken)} of {len(feeds)} can't be read: {_some(broken)}.", "Fix or remove them.")
    if unread := sum(not feed.polled for feed in feeds):
        return unknown("feeds", f"{unread} of {len(feeds)} not read yet: the bot reads them while it runs")
    return ok("feeds", f"all {len(feeds)} can be read")


def _env_file(mode: int | None) -> Iterable[Check]:
    if mode is not None and mode & _READABLE_BY_OTHERS:
        yield bad(".env", f"Others on this machine can read it (mode {mode & 0o777:o}).", "Run chmod 600 .env")
    elif mode is not None:
        yield ok(".env", "readable only by its owner")


def _some(names: list[str]) -> str:
    rest = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def _megabytes(number: int) -> str:
    return f"{number / 1024**2:,.0f} MB"


def _ago(now: datetime, then: datetime) -> str:
    minutes = max(0, int((now - then).total_seconds()) // 60)
    if minutes < 120:  # noqa: PLR2004 - two hours
        return f"{minutes} min ago"
    hours = minutes // 60
    return f"{hours} h ago" if hours < 48 else f"{hours // 24} d ago"  # noqa: PLR2004 - two days
