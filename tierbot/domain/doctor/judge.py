"""What facts mean, and what to do: pure functions from facts to one line a check."""

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

LARGEST_SKEW = 60.0  # seconds; beyond it messages are looked for in the wrong stretch of a channel's history
LEAST_FREE = 200 * 1024 * 1024  # bytes
_MOST_NAMED = 8
_OTHERS_MAY_READ = 0o077
_SCOPES_PAGE = "OAuth & Permissions → Scopes"


class State(StrEnum):
    """How a check came out. UNKNOWN is no fault: it could not be told."""

    OK = "ok"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor's: what was looked at, how it is, and for BAD what to do."""

    name: str
    state: State
    says: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Needed:
    """What the code needs of the Slack app, by its manifest."""

    scopes: frozenset[str]
    events: tuple[str, ...]
    commands: tuple[str, ...]


def ok(name: str, says: str) -> Check:
    """Return a check that came out well."""
    return Check(name, State.OK, says)


def bad(name: str, says: str, remedy: str = "") -> Check:
    """Return a check that did not; `says` may hold the remedy already."""
    return Check(name, State.BAD, says, remedy)


def unknown(name: str, says: str) -> Check:
    """Return a check that could not be made."""
    return Check(name, State.UNKNOWN, says)


def is_well(checks: Iterable[Check]) -> bool:
    """Say whether nothing is BAD."""
    return all(check.state is not State.BAD for check in checks)


# --- settings -------------------------------------------------------------------------------------


def judge_settings(fault: str | None, smoke_test_hours: float = 0.0, smoke_test_channel: str = "") -> Check:
    """Judge whether the settings can be read, and fit one another."""
    if fault is not None:
        return bad("settings", " ".join(fault.splitlines()), "Mend it in the environment or in .env.")
    if smoke_test_hours and not smoke_test_channel:
        return bad(
            "settings",
            "TIERBOT_SMOKE_TEST_EVERY_HOURS is set, and no channel for the smoke test.",
            "Set TIERBOT_SMOKE_TEST_CHANNEL to the id of a channel for tests, or the hours to 0.",
        )
    return ok("settings", "all can be read")


# --- Slack ----------------------------------------------------------------------------------------


def judge_slack(
    facts: SlackFacts, bot_token: str, app_token: str, channel: str, needed: Needed, tags: TagSpace | None
) -> list[Check]:
    """Judge tokens, scopes, channel, emoji and clock."""
    return [
        judge_bot_token(facts.app, bot_token),
        judge_scopes(facts.app, needed.scopes),
        judge_app_token(facts.connections, app_token),
        judge_channel(facts.channel, channel),
        judge_emoji(facts.emoji, tags),
        judge_clock(facts.clock_ahead),
    ]


def judge_bot_token(app: AppFacts | Refusal | None, token: str) -> Check:
    """Judge the bot token, and who answered to it."""
    name = "bot token"
    if fault := wrong_token(token, BOT):
        return bad(name, f"SLACK_BOT_TOKEN: {fault}")
    if isinstance(app, Refusal):
        return bad(name, app.says)
    if app is None:
        return unknown(name, "Slack was not asked.")
    return ok(name, f"{app.bot} in {app.team}")


def judge_scopes(app: AppFacts | Refusal | None, needed: frozenset[str]) -> Check:
    """Judge the scopes that Slack granted against those that the code needs."""
    name = "scopes"
    if not isinstance(app, AppFacts):
        return unknown(name, "not to be told without a good bot token")
    if app.scopes is None:
        return unknown(name, "Slack did not list them.")
    if missing := sorted(needed - app.scopes):
        return bad(
            name,
            f"{_are(len(missing), 'scope')} missing: {', '.join(missing)}.",
            f"Add {'it' if len(missing) == 1 else 'them'} at {_SCOPES_PAGE} → Bot Token Scopes (or paste the new "
            "`tierbot manifest` at App Manifest), then install the app again.",
        )
    return ok(name, f"all {len(needed)} granted")


def judge_app_token(connections: bool | Refusal | None, token: str) -> Check:
    """Judge the app-level token."""
    name = "app token"
    if fault := wrong_token(token, APP):
        return bad(name, f"SLACK_APP_TOKEN: {fault}")
    if isinstance(connections, Refusal):
        return bad(name, connections.says)
    return ok(name, "Socket Mode can connect") if connections else unknown(name, "Slack was not asked.")


def judge_channel(found: ChannelFacts | Refusal | None, channel: str) -> Check:
    """Judge whether the bot can post in the channel."""
    name = "channel"
    if not channel:
        return bad(name, "TIERBOT_CHANNEL is not set.", "Set it to the channel's id (at the bottom of its details).")
    if isinstance(found, Refusal):
        return bad(name, found.says)
    if found is None:
        return unknown(name, "Slack was not asked.")
    if found.is_archived:
        return bad(name, f"#{found.name} is archived.", "Unarchive it, or set TIERBOT_CHANNEL to another.")
    if not found.is_member:
        return bad(name, f"The bot is not in #{found.name}.", f"Type /invite @ and the bot's name in #{found.name}.")
    return ok(name, f"in #{found.name}")


def judge_emoji(custom: frozenset[str] | Refusal | None, tags: TagSpace | None) -> Check:
    """Judge whether each tag's emoji is there."""
    name = "emoji"
    if tags is None:
        return unknown(name, "not to be told without a tag space")
    own = [tag for tag in tags.active if not names_of(tag.short_name)]
    if not own:
        return ok(name, f"all {len(tags.active)} tags have one that every workspace has")
    if isinstance(custom, Refusal):
        return bad(name, f"The workspace's own emoji could not be listed. {custom.says}")
    if custom is None:
        return unknown(name, f"{len(own)} tags use the workspace's own emoji; Slack was not asked for them.")
    missing = [f":{tag.short_name}: ({tag.id})" for tag in own if tag.short_name not in custom]
    if missing:
        return bad(
            name,
            f"The workspace lacks {len(missing)} of {len(tags.active)}: {_some(missing)}.",
            "Add them in Slack (Customize workspace → Emoji), or give these tags others in TIERBOT_TAGS.",
        )
    return ok(name, f"all {len(tags.active)} tags have one, {len(own)} of them the workspace's own")


def judge_clock(ahead: float | None) -> Check:
    """Judge this machine's clock, by seconds ahead of Slack's."""
    name = "clock"
    if ahead is None:
        return unknown(name, "Slack did not tell its time.")
    off = f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} Slack's"
    if abs(ahead) > LARGEST_SKEW:
        return bad(name, f"This machine's clock is {off}.", "Set it, and keep it set (NTP).")
    return ok(name, "agrees with Slack's" if abs(ahead) < 2 else off)  # noqa: PLR2004 - the header's resolution


# --- this machine ---------------------------------------------------------------------------------


def judge_machine(facts: MachineFacts, needed: Needed, now: datetime) -> list[Check]:
    """Judge the database, its disk, encoder, model, feeds, and whether Slack's events arrive."""
    return [
        *_database(facts.database),
        _thing("encoder", facts.encoder),
        _thing("model", facts.model),
        _events(facts.events, needed.events, now),
        _commands(needed.commands),
        _feeds(facts.feeds),
        *_env_file(facts.env_mode),
    ]


def _database(found: DatabaseFacts) -> Iterable[Check]:
    if found.fault is not None:
        yield bad("database", found.fault)
    elif found.is_new:
        yield ok("database", f"{found.where}: made at the first `tierbot run`")
    elif found.revision != found.newest:
        yield ok("database", f"{found.where}: schema {found.revision}, upgraded to {found.newest} at the next start")
    else:
        yield ok("database", f"{found.where}: opens, can be written, schema {found.revision}")
    if found.free_bytes is None:
        yield unknown("disk", "the database is not a file of this machine")
    elif found.free_bytes < LEAST_FREE:
        yield bad(
            "disk",
            f"{_megabytes(found.free_bytes)} are free where the database is.",
            f"Make room: it should be {_megabytes(LEAST_FREE)} at least.",
        )
    else:
        yield ok("disk", f"{_megabytes(found.free_bytes)} free")


def _thing(name: str, found: str | Refusal | None) -> Check:
    if found is None:
        return unknown(name, "not looked at: the database cannot be used")
    return bad(name, found.says) if isinstance(found, Refusal) else ok(name, found)


def _events(found: EventFacts | None, wanted: Collection[str], now: datetime) -> Check:
    name, listed = "events", ", ".join(wanted)
    if found is None or (found.live is None and found.reconciled is None):
        return unknown(name, f"no reaction has come yet ({listed} wanted): `tierbot doctor --smoke-test` sends one")
    if found.live is not None:
        return ok(name, f"reactions arrive, the last one {_ago(now, found.live)}")
    return bad(
        name,
        "Reactions were found by comparing with Slack, but none ever arrived as an event.",
        f"Check at api.slack.com/apps that Socket Mode is on and Event Subscriptions has {listed}; install again.",
    )


def _commands(wanted: Collection[str]) -> Check:
    # Slack tells no bot which commands its app has; that they answer here, the smoke test shows.
    return unknown("commands", f"Slack does not say whether the app has {', '.join(wanted)}: type one to see")


def _feeds(feeds: tuple[FeedFacts, ...] | None) -> Check:
    name = "feeds"
    if feeds is None:
        return unknown(name, "not looked at")
    if not feeds:
        return ok(name, "none: articles come by `tierbot add`")
    if broken := [f"{feed.url} ({feed.fault})" for feed in feeds if feed.fault]:
        return bad(name, f"{len(broken)} of {len(feeds)} could not be read: {_some(broken)}.", "Mend or remove them.")
    return ok(name, f"all {len(feeds)} were read")


def _env_file(mode: int | None) -> Iterable[Check]:
    if mode is not None and mode & _OTHERS_MAY_READ:
        yield bad(".env", f"Others on this machine may read it (mode {mode & 0o777:o}).", "chmod 600 .env")
    elif mode is not None:
        yield ok(".env", "readable by its owner only")


# --- words ----------------------------------------------------------------------------------------


def _are(number: int, noun: str) -> str:
    return f"{number} {noun} is" if number == 1 else f"{number} {noun}s are"


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
