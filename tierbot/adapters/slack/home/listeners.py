"""App Home's listeners and its view: score, standings, progress, and a trainer's own switches."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from datetime import datetime
from typing import Any

from slack_bolt import Ack, App, BoltContext
from slack_sdk import WebClient

from tierbot.adapters.slack.block_kit.blocks import Block, context, header, section, sections
from tierbot.adapters.slack.block_kit.modals import Button, View, actions, button
from tierbot.adapters.slack.block_kit.text import clean, mrkdwn, person
from tierbot.adapters.slack.block_kit.words import accuracy, count, percent, remaining
from tierbot.adapters.slack.dependencies import Dependencies
from tierbot.adapters.slack.directory import Directory
from tierbot.adapters.slack.errors import call
from tierbot.adapters.slack.faults import explained, told
from tierbot.adapters.slack.messages.boards import render_my_score, standing_line
from tierbot.adapters.slack.needs import Needs
from tierbot.domain.nouns import TierbotError
from tierbot.domain.rounds.boards import Home, RoundAccuracy

NEEDS = Needs(methods={"views.publish": (), "chat.postEphemeral": ("chat:write",)}, events={"app_home_opened": ()})

_log = logging.getLogger(__name__)
_STANDINGS = 5
_ENOUGH = 5  # settled posts before a round's accuracy says anything
_BAR = 20
Named = Callable[[str], str]


def register(app: App, deps: Dependencies, directory: Directory, slow: Executor) -> None:
    """Tell Bolt of the event and of the buttons."""

    def opened(event: dict[str, Any], context: BoltContext, client: WebClient) -> None:
        if event.get("tab", "home") == "home":
            directory.keep_fresh(str(context.team_id), client)
            publish(deps, directory, client, str(context.team_id), str(event["user"]))

    def five(ack: Ack, body: dict[str, Any], context: BoltContext, client: WebClient) -> None:
        ack()
        with explained(None, Button.FIVE):
            slow.submit(_send_five, deps, directory, client, str(context.team_id), body)

    def quiet(ack: Ack, body: dict[str, Any], context: BoltContext, client: WebClient) -> None:
        ack()
        with explained(None, Button.QUIET):
            _opt(deps, directory, client, str(context.team_id), body, opted_out=True)

    def loud(ack: Ack, body: dict[str, Any], context: BoltContext, client: WebClient) -> None:
        ack()
        with explained(None, Button.LOUD):
            _opt(deps, directory, client, str(context.team_id), body, opted_out=False)

    app.event("app_home_opened")(opened)
    for action, listener in ((Button.FIVE, five), (Button.QUIET, quiet), (Button.LOUD, loud)):
        app.action(action.value)(listener)


def _send_five(
    deps: Dependencies, directory: Directory, client: WebClient, workspace: str, body: dict[str, Any]
) -> None:
    user = str(body["user"]["id"])
    try:
        sent = deps.invitations.send(workspace, user)
        said = (
            f"{count(sent, 'post')} on the way to your messages with me. Your reactions there count as in the channel."
            if sent
            else "There is nothing left to judge right now. Come back when new stories are in."
        )
    except Exception as fault:  # noqa: BLE001 - nobody stands behind this thread: the person must be told here
        said = told(fault, Button.FIVE)
    _answer(deps, directory, client, workspace, body, said)


def _opt(
    deps: Dependencies,
    directory: Directory,
    client: WebClient,
    workspace: str,
    body: dict[str, Any],
    *,
    opted_out: bool,
) -> None:
    user = str(body["user"]["id"])
    directory.keep_fresh(workspace, client)
    try:
        deps.home.opt_out(workspace, user, directory.name(workspace, user) or "", opted_out=opted_out)
        said = (
            "Done: I will not mention you and not remind you. You can play on as before; App Home turns it back."
            if opted_out
            else "Welcome back: I may mention you, and remind you at most once a day."
        )
    except Exception as fault:  # noqa: BLE001 - an action in App Home has no response url: it is told here
        said = told(fault, "opt_out" if opted_out else "opt_in")
    _answer(deps, directory, client, workspace, body, said)


def _answer(
    deps: Dependencies, directory: Directory, client: WebClient, workspace: str, body: dict[str, Any], said: str
) -> None:
    """Say what came of a click where it was clicked: in App Home, or under the message for the clicker's eyes."""
    user = str(body["user"]["id"])
    try:
        if (body.get("view") or {}).get("type") == "home":
            publish(deps, directory, client, workspace, user, said)
        else:
            channel = str(body["channel"]["id"])
            call("chat.postEphemeral", client.chat_postEphemeral, channel=channel, user=user, text=said)
    except TierbotError as fault:
        _log.warning("An answer to %s was not shown: %s", user, fault)


def publish(
    deps: Dependencies, directory: Directory, client: WebClient, workspace: str, user: str, said: str = ""
) -> None:
    """Show a user their App Home as it stands, with what came of their last click. Raises TierbotError."""

    def named(who: str) -> str:
        name = directory.name(workspace, who)
        return f"*{mrkdwn(name)}*" if name else person(who)

    view = render_home(deps.home.of(workspace, user), deps.clock.now(), named, said)
    call("views.publish", client.views_publish, user_id=user, view=view)


def render_home(home: Home, now: datetime, named: Named = person, said: str = "") -> View:
    """Return App Home; `said` (mrkdwn) is what came of the last click."""
    blocks: list[Block] = [header("Your game")]
    blocks += [section(said)] if said else []
    blocks += render_my_score(home.score).blocks
    blocks.append(actions([button("Send me five to judge", Button.FIVE, style="primary")], "tierbot_play"))
    closes = f" closes in {remaining(home.board.closes_at, now)}" if home.board.closes_at else ""
    blocks += [{"type": "divider"}, header(f"Round {home.score.round_number}{closes}")]
    lines = [standing_line(one, named) for one in home.board.standings[:_STANDINGS]]
    blocks += sections(lines or ["Nobody has judged an article yet. Be the first!"])
    blocks += [{"type": "divider"}, header("How the model is doing"), *_progress(home.progress)]
    if home.model:
        blocks.append(context(f"In service: model {mrkdwn(clean(home.model, 60))}."))
    blocks += [{"type": "divider"}, *_switch(home.opted_out)]
    return {"type": "home", "blocks": blocks}


def _progress(progress: Sequence[RoundAccuracy]) -> list[Block]:
    told_ = [one for one in progress if one.all.n >= _ENOUGH]
    if not told_:
        return [
            section("Too little has settled yet: it takes two colleagues who agree on a story, and five such stories.")
        ]
    lines = [f"`{_bar(one.all.value or 0.0)}` *{percent(one.all.value or 0.0)}*  round {one.number}" for one in told_]
    last = told_[-1]
    notes = [f"Round {last.number}: {accuracy(last.all)}."]
    if last.blank.n:
        notes.append(f"On blank posts, which name no tag: {accuracy(last.blank)}.")
    return [*sections(lines), context(" ".join(notes))]


def _bar(share: float) -> str:
    filled = round(share * _BAR)
    return "█" * filled + "░" * (_BAR - filled)


def _switch(opted_out: bool) -> list[Block]:
    if opted_out:
        said = "I do not mention you and send you no reminders."
        return [section(said, accessory=button("Mention and remind me again", Button.LOUD))]
    said = "I mention who wins a round, and remind at most once a day those who have not judged yet."
    return [section(said, accessory=button("No mentions, no reminders", Button.QUIET))]
