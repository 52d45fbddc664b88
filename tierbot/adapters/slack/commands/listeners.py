"""The listeners of the slash commands.

No listener does slow work. Each acknowledges first (Slack waits 3 s) and answers through the response URL. Pushing,
retraining and closing a round are jobs that it requests from the scheduler.
"""

import logging
from functools import partial
from typing import Any

from slack_bolt import Ack, App, BoltContext, Respond
from slack_sdk import WebClient

from tierbot.adapters.slack.block_kit.blocks import Message, message
from tierbot.adapters.slack.block_kit.text import clean, mrkdwn
from tierbot.adapters.slack.block_kit.words import count
from tierbot.adapters.slack.commands.channels import choose_channel
from tierbot.adapters.slack.commands.grammar import (
    LEADERBOARD,
    LEADERBOARD_HELP,
    MY_SCORE,
    TIER,
    Action,
    TierCommand,
    help_text,
    parse_leaderboard,
    parse_tier,
)
from tierbot.adapters.slack.dependencies import Dependencies
from tierbot.adapters.slack.directory import Directory
from tierbot.adapters.slack.faults import reported
from tierbot.adapters.slack.messages.boards import (
    render_leaderboard,
    render_models,
    render_my_score,
    render_round_status,
)
from tierbot.adapters.slack.needs import Needs

_log = logging.getLogger(__name__)
_OK = 200
NEEDS = Needs(commands=(LEADERBOARD, MY_SCORE, TIER))
_REFUSAL = (
    "`/tier` is for the admins of this workspace; please ask one of them. "
    "Everyone can play: react to a post with the emoji of its topic, and see `/leaderboard` and `/myscore`."
)


def register(app: App, deps: Dependencies, directory: Directory) -> None:
    """Register every command with Bolt."""

    def leaderboard(
        ack: Ack, respond: Respond, command: dict[str, Any], context: BoltContext, client: WebClient
    ) -> None:
        ack()
        with reported(respond, LEADERBOARD.name):
            workspace, which = str(context.team_id), parse_leaderboard(command.get("text") or "")
            if which is None:
                _reply(respond, message(LEADERBOARD_HELP))
                return
            board = deps.game.leaderboard(workspace, which)
            directory.keep_fresh(workspace, client)
            named = partial(directory.named, workspace)
            _reply(respond, render_leaderboard(board, deps.clock.now(), named), everyone=True)

    def my_score(ack: Ack, respond: Respond, command: dict[str, Any], context: BoltContext) -> None:
        ack()
        with reported(respond, MY_SCORE.name):
            _reply(respond, render_my_score(deps.game.my_score(str(context.team_id), str(command["user_id"]))))

    def tier(ack: Ack, respond: Respond, command: dict[str, Any], context: BoltContext, client: WebClient) -> None:
        ack()
        with reported(respond, TIER.name):
            workspace, user = str(context.team_id), str(command["user_id"])
            if not deps.admins.has(workspace, user, client):
                _reply(respond, message(_REFUSAL))
                return
            parsed = parse_tier(command.get("text") or "")
            if parsed.action is Action.CHANNEL:
                here, bot = str(command.get("channel_id") or ""), str(context.bot_user_id)
                said = choose_channel(deps.game, client, workspace, user, parsed.channel, here, bot)
                _reply(respond, message(said))
                return
            _reply(respond, run_admin_command(deps, workspace, user, parsed, str(command.get("trigger_id") or "")))

    app.command(LEADERBOARD.name)(leaderboard)
    app.command(MY_SCORE.name)(my_score)
    app.command(TIER.name)(tier)


def run_admin_command(deps: Dependencies, workspace: str, by: str, command: TierCommand, trigger: str) -> Message:
    """Run an admin's command or request its job, and return the answer. trigger: Slack's id of the command."""
    if command.action is Action.ROUND_STATUS:
        return render_round_status(deps.game.round_status(workspace), deps.clock.now())
    if command.action is Action.MODELS:
        return render_models(deps.game.models(workspace))
    return message(_answer(deps, workspace, by, command, trigger))


def _answer(deps: Dependencies, workspace: str, by: str, command: TierCommand, trigger: str) -> str:
    channel, game = deps.channel(workspace), deps.game
    where = f"<#{channel}>" if channel else "the channel"
    match command.action:
        case Action.PUSH if not channel:
            answer = "No channel is set yet. Type `/tier channel` in the channel to play in."
        case Action.PUSH:
            game.request(workspace, "push", by, trigger, count=command.count)
            answer = f"Queued up to {count(command.count, 'post')} for {where}, as long as articles are waiting."
        case Action.RETRAIN:
            game.request(workspace, "retrain", by, trigger)
            answer = f"A retraining is queued; I'll announce the result in {where}."
        case Action.ROUND_CLOSE:
            game.request(workspace, "close_round", by, trigger)
            answer = f"The round is about to close; I'll announce its champion in {where}."
        case Action.PAUSE:
            paused = game.pause(workspace, by)
            answer = "Paused: I won't post anything until `/tier resume`." if paused else "Posting is already paused."
        case Action.RESUME:
            answer = "Resumed: I'm posting again." if game.resume(workspace, by) else "Posting isn't paused."
        case Action.ROLLBACK:
            version = game.roll_back(workspace, by)
            answer = f"Rolled back: model {version.number} ({mrkdwn(clean(version.id, 60))}) is in service again."
        case _:
            answer = f"Commands:\n{help_text()}"
    return answer


def _reply(respond: Respond, answer: Message, *, everyone: bool = False) -> None:
    response = respond(
        text=answer.text,
        blocks=list(answer.blocks),
        response_type="in_channel" if everyone else "ephemeral",
        replace_original=False,
    )
    if response.status_code != _OK:  # the SDK doesn't report it
        _log.warning("Slack refused an answer: %s %s", response.status_code, clean(response.body, 200))
