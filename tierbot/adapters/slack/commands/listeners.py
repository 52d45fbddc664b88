"""The listeners of the slash commands.

No listener does slow work. Each acknowledges first (Slack waits 3 s) and answers through the response URL. Pushing,
retraining and closing a round are jobs that it requests from the scheduler.
"""

import logging
import re
from functools import partial
from typing import Any

from slack_bolt import Ack, App, BoltContext, Respond
from slack_sdk import WebClient

from tierbot.adapters.slack.block_kit.blocks import Message, message, with_lines
from tierbot.adapters.slack.block_kit.text import safe
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
from tierbot.adapters.slack.examine import ask_channel
from tierbot.adapters.slack.faults import reported
from tierbot.adapters.slack.messages.boards import (
    render_leaderboard,
    render_models,
    render_my_score,
    render_round_status,
)
from tierbot.adapters.slack.messages.requests import push_answer, retrain_answer
from tierbot.adapters.slack.messages.waiting import waiting_lines
from tierbot.adapters.slack.needs import Needs
from tierbot.domain.doctor.facts import ChannelFacts, Refusal
from tierbot.use_cases.game.questions import Game

_log = logging.getLogger(__name__)
NEEDS = Needs(commands=(LEADERBOARD, MY_SCORE, TIER))
_MENTION = re.compile(r"(?:<#)?([CG][A-Z0-9]{4,})(?:\|[^>]*)?>?", re.IGNORECASE)
_INVISIBLE = frozenset({"channel_not_found", "not_in_channel", "no_access"})
_SAYS_WHAT_WAITS = frozenset({Action.HELP, Action.ROUND_STATUS, Action.PUSH, Action.RESUME})
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
                reply(respond, message(LEADERBOARD_HELP))
                return
            board = deps.game.leaderboard(workspace, which)
            directory.keep_fresh(workspace, client)
            named = partial(directory.named, workspace)
            reply(respond, render_leaderboard(board, deps.clock.now(), named), everyone=True)

    def my_score(ack: Ack, respond: Respond, command: dict[str, Any], context: BoltContext, client: WebClient) -> None:
        ack()
        with reported(respond, MY_SCORE.name):
            workspace = str(context.team_id)
            score = deps.game.my_score(workspace, str(command["user_id"]))
            directory.keep_fresh(workspace, client)
            reply(respond, render_my_score(score, partial(directory.named, workspace)))

    def tier(ack: Ack, respond: Respond, command: dict[str, Any], context: BoltContext, client: WebClient) -> None:
        ack()
        with reported(respond, TIER.name):
            workspace, user = str(context.team_id), str(command["user_id"])
            if not deps.admins.has(workspace, user, client):
                reply(respond, message(_REFUSAL))
                return
            parsed = parse_tier(command.get("text") or "")
            if parsed.action is Action.CHANNEL:
                here, bot = str(command.get("channel_id") or ""), str(context.bot_user_id)
                said = _choose_channel(deps.game, client, workspace, user, parsed.channel, here, bot)
                reply(respond, message(said))
                return
            answer = run_admin_command(deps, workspace, user, parsed, str(command.get("trigger_id") or ""))
            waiting = waiting_lines(deps.game.waiting(workspace), context.bot_user_id)
            reply(respond, with_lines(answer, waiting) if parsed.action in _SAYS_WHAT_WAITS else answer)

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
            answer = push_answer(game.push(workspace, command.count, by, trigger), where)
        case Action.RETRAIN:
            answer = retrain_answer(game.retrain(workspace, by, trigger), where)
        case Action.ROUND_CLOSE:
            game.request(workspace, "close_round", by, trigger)
            answer = f"The round is about to close; I'll announce its champion in {where}."
        case Action.PAUSE:
            paused = game.pause(workspace, by)
            answer = (
                "Paused: no scheduled posts until `/tier resume`." if paused else "Scheduled posts are already paused."
            )
        case Action.RESUME:
            answer = (
                "Resumed: scheduled posts are on again."
                if game.resume(workspace, by)
                else "Scheduled posts aren't paused."
            )
        case Action.ROLLBACK:
            version = game.roll_back(workspace, by)
            answer = f"Rolled back: model {version.number} ({safe(version.id, 60)}) is in service again."
        case _:
            answer = f"Commands:\n{help_text()}"
    return answer


def reply(respond: Respond, answer: Message, *, everyone: bool = False) -> None:
    """Answer a command through its response URL, for its user alone or for everyone in the channel."""
    kind = "in_channel" if everyone else "ephemeral"
    respond(**answer.as_arguments(), response_type=kind, replace_original=False)


def _choose_channel(game: Game, client: WebClient, workspace: str, by: str, named: str, here: str, bot: str) -> str:
    """Play in the channel `named` (an id or a mention), or else in `here`, where the admin typed the command.

    The bot, whose user id is `bot`, must be a member first, or its posts would fail. Returns the answer (mrkdwn).
    """
    match = _MENTION.fullmatch(named)
    if named and match is None:
        return (
            f"I only know channels by their id. Type `/tier channel` in {safe(named, 60)} itself, or give "
            "the id at the bottom of the channel's details, such as `/tier channel C0123456789`."
        )
    channel = match[1].upper() if match else here
    if not channel.startswith(("C", "G")):
        return "This is a direct message. Type `/tier channel` in the channel that your team will play in."
    if obstacle := _obstacle(ask_channel(client, channel), channel, bot):
        return obstacle
    if not game.choose_channel(workspace, channel, by):
        return f"I already play in <#{channel}>."
    return f"From now on I play in <#{channel}>. Posts follow the schedule; `/tier push 5` posts the first five now."


def _obstacle(found: ChannelFacts | Refusal, channel: str, bot: str) -> str:
    """Return why the bot can't post there and what to do about it; empty if it can."""
    if isinstance(found, Refusal) and found.code not in _INVISIBLE:
        return f"I couldn't check <#{channel}>. {safe(found.says, 500)}"
    if isinstance(found, Refusal) or not found.is_member:
        return f"I'm not in <#{channel}> yet. Type `/invite <@{bot}>` there, then `/tier channel` again."
    return f"<#{channel}> is archived. Choose another channel." if found.is_archived else ""
