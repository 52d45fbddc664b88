"""`tierbot status`: the bot's state."""

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from tierbot.cli.output import AsJson, counted, out, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tierbot.use_cases.ports import Store, Workspace

_MOST = 8
_JOBS = {
    "push": "posts",
    "ask in threads": "posts in threads",
    "poll": "feeds are read",
    "close_round": "the round ends",
    "retrain": "retraining",
    "reconcile": "posts are compared with Slack",
    "expire": "old personal data is deleted",
    "prune": "what is no longer needed is deleted",
    "nudge": "reminders",
    "watch": "votes are checked for cheating",
    "join": "setup",
    "emoji_aliases": "the workspace's emoji are read",
    "emoji_missing": "admins are told about a missing emoji",
    "channel_closed": "admins are told about a closed channel",
    "channel_moved": "posts follow a channel's new id",
    "smoke_test": "smoke test",
}
"""What jobs do, for people."""


def status(as_json: AsJson = False) -> None:
    """Show the bot's state from its database: running or not, round, votes, model, outbox, jobs, feeds.

    With several workspaces it prints one line each, unless TIERBOT_WORKSPACE names one.

    Example: `tierbot status --json`
    """
    from tierbot.adapters.files.configuration import load_boundaries
    from tierbot.adapters.store import open_store
    from tierbot.cli.wiring import logging_of
    from tierbot.reports.status import status_of
    from tierbot.settings import load_settings
    from tierbot.use_cases.ports import only_workspace

    settings = load_settings()
    logging_of(settings)
    channel = "" if settings.many_workspaces else settings.channel
    store = open_store(settings.database_url, create=False)
    try:
        workspaces = store.workspaces()
        if len(workspaces) > 1 and not settings.workspace:
            _overview(store, workspaces, channel, as_json=as_json)
            return
        with store.read(only_workspace(workspaces, settings.workspace)) as tx:
            boundaries = partial(load_boundaries, settings.boundaries)
            found = status_of(tx, channel, datetime.now(UTC), boundaries, ask_unclear=settings.ask_unclear)
    finally:
        store.close()
    if as_json:
        print_json(_plain(found))
    else:
        out.print("\n".join(_lines(found, datetime.now(UTC))))


def _overview(store: "Store", workspaces: "Sequence[Workspace]", channel: str, *, as_json: bool) -> None:
    from tierbot.reports.status import overview_of, state_in_words

    found = []
    for workspace in workspaces:
        with store.read(workspace.id) as tx:
            found.append(overview_of(tx, workspace, channel))
    if as_json:
        print_json(_plain({"workspaces": found}))
        return
    columns = ("id", "name", "channel", "round", "posts", "waiting", "parked")
    rows = [[*(str(one[column] or "–") for column in columns), state_in_words(one)] for one in found]
    print_table(["workspace", *columns[1:], "state"], rows)
    out.print("For one workspace's details: TIERBOT_WORKSPACE=T… tierbot status")


def _plain(value: Any) -> Any:
    """Return plain data, with times in ISO 8601."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else value


def _lines(found: dict[str, Any], now: datetime) -> list[str]:
    outbox = found["outbox"]
    lines = [
        f"workspace    {found['workspace']['name']} ({found['workspace']['id']}), channel {found['channel'] or 'not set'}",
        f"running      {_running(found, now)}",
        f"reactions    {_when(found['last_reaction_at'], now) or 'none yet'}",
        *_round(found["round"], now),
        f"model        {found['model']['id']}, created {found['model']['made_at']:%Y-%m-%d}"
        if found["model"]
        else "model        –",
        *_articles(found["articles"]),
        f"outbox       {outbox['waiting']} waiting, {outbox['sent']} sent, {outbox['parked']} parked" + _late(outbox),
    ]
    lines += [
        f"  waiting    {item['waiting']} for {item['channel']} since {_when(item['since'], now)}: {item['why']}"
        for item in found["closed_channels"]
    ]
    if outbox["maybe_sent"]:
        lines.append(f"  looked for {counted(outbox['maybe_sent'], 'message')} that may have been sent")
    lines += [f"  parked     {item['kind']} {item['id']}: {item['slack_says']}" for item in found["parked"][-_MOST:]]
    if outbox["parked"]:
        lines.append("             `tierbot outbox` lists, retries or drops them")
    if found["voters_waiting"]:
        people = counted(found["voters_waiting"], "person", "people")
        lines.append(
            f"voters       {people} to look up in Slack before their votes count; `tierbot doctor` if this lasts"
        )
    lines += [
        f"next         {_JOBS.get(item['job'], item['job'])} {_when(item['due_at'], now)}{_failed(item)}"
        for item in found["jobs"][:_MOST]
    ]
    feeds = found["feeds"]
    lines.append(f"feeds        {feeds['listed']} listed, {len(feeds['broken'])} with errors")
    lines += [f"  broken     {item['name']}: {item['problem']}" for item in feeds["broken"][:_MOST]]
    lines += [f"drift        {_drift(item)}" for item in found["drift"]["signals"][:_MOST]]
    lines += [f"doubt        {' and '.join(item['users'])} {item['evidence']}" for item in found["doubts"][:_MOST]]
    if smoke_test := found["smoke_test"]:
        said = f"failed at “{smoke_test['broken']}”" if smoke_test["broken"] else "all steps passed"
        lines.append(f"smoke test   {said}, {_when(datetime.fromisoformat(smoke_test['at']), now)}")
    return lines


def _drift(signal: dict[str, Any]) -> str:
    from tierbot.domain.training.drift import Signal

    return Signal(**signal).in_words()


def _running(found: dict[str, Any], now: datetime) -> str:
    if stopped := found["workspace"]["stopped_at"]:
        return f"stopped {_when(stopped, now)}: the app was uninstalled there; its data is kept"
    if found["running"]:
        paused = ", scheduled posts are paused until /tier resume" if found["paused"] else ""
        return f"yes, last tick {_when(found['last_tick_at'], now)}{paused}"
    last = _when(found["last_tick_at"], now)  # empty if the bot stopped cleanly
    return f"no{f', last tick {last}' if last else ''}; start it with `tierbot run`"


def _round(round_: dict[str, Any] | None, now: datetime) -> list[str]:
    if round_ is None:
        return ["round        none is open; one opens when the bot starts"]
    verdicts = round_["verdicts"]
    return [
        f"round        {round_['number']}, closes {_when(round_['closes_at'], now)}",
        (
            f"             {counted(round_['posts'], 'post')}, {counted(round_['votes'], 'vote')} "
            f"by {counted(round_['trainers'], 'trainer')}"
        ),
        f"             verdicts: {verdicts['named']} named, {verdicts['wrong']} wrong, {verdicts['abstained']} abstained",
    ]


def _articles(articles: dict[str, Any]) -> list[str]:
    unsent = articles["posts_unsent"]
    lines = [
        f"articles     {articles['waiting']} waiting to be posted"
        + (f", {counted(unsent, 'post')} on the way to Slack" if unsent else "")
    ]
    for push in articles["pushes"]:
        of = f" of {push['posts']}" if push["posts"] else ""
        lines.append(f"  push       {push['left']}{of} still to post, requested by {push['asked_by'] or 'someone'}")
    return lines


def _failed(job: dict[str, Any]) -> str:
    return f", failed {counted(job['failed'], 'time')}: {job['error']}" if job["failed"] else ""


def _late(outbox: dict[str, Any]) -> str:
    seconds = outbox["oldest_late_seconds"]
    if not seconds:
        return ""
    return f"; the oldest is {_span(seconds)} late" + (f": {outbox['oldest_error']}" if outbox["oldest_error"] else "")


def _when(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return ""
    seconds = (moment - now).total_seconds()
    return f"in {_span(seconds)}" if seconds > 0 else f"{_span(abs(seconds))} ago"


def _span(seconds: float) -> str:
    minutes, hours = int(seconds // 60), int(seconds // 3600)
    if minutes < 2:  # noqa: PLR2004
        return f"{seconds:.0f} s"
    if hours < 2:  # noqa: PLR2004
        return f"{minutes} min"
    return f"{hours} h" if hours < 48 else f"{hours // 24} d"  # noqa: PLR2004
