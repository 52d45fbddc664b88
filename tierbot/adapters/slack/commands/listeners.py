"""The slash commands' listeners: plain functions that answer, and `register`, which tells Bolt of them.

No listener does slow work. Each acknowledges first (Slack waits 3 s) and answers through the response url;
pushing, retraining and closing a round are requests put on the agenda.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from slack_bolt import Ack, App, BoltContext, Respond
from slack_sdk import WebClient

from tierbot.adapters.slack.block_kit.blocks import Message, section
from tierbot.adapters.slack.block_kit.text import clean, mrkdwn, person
from tierbot.adapters.slack.block_kit.words import count
from tierbot.adapters.slack.commands.channels import choose_channel
from tierbot.adapters.slack.commands.grammar import (
    LEADERBOARD,
    LEADERBOARD_HELP,
    MY_SCORE,
    TIER,
    Action,
    Order,
    help_text,
    read_order,
    read_which,
)
from tierbot.adapters.slack.dependencies import Dependencies
from tierbot.adapters.slack.directory import Directory
from tierbot.adapters.slack.faults import explained
from tierbot.adapters.slack.messages.boards import (
    render_leaderboard,
    render_models,
    render_my_score,
    render_round_status,
)
from tierbot.adapters.slack.needs import Needs

_log = logging.getLogger(__name__)
_TAKEN = 200
NEEDS = Needs(commands=(LEADERBOARD, MY_SCORE, TIER))


def register(app: App, deps: Dependencies, directory: Directory) -> None:
    """Tell Bolt of every command."""

    def leaderboard(
        ack: Ack, respond: Respond, command: dict[str, Any], context: BoltContext, client: WebClient
    ) -> None:
        ack()
        with explained(respond, LEADERBOARD.name):
            workspace, which = str(context.team_id), read_which(command.get("text") or "")
            if which is None:
                _tell(respond, _plain(LEADERBOARD_HELP))
                return
            board = deps.game.leaderboard(workspace, which)
            directory.keep_fresh(workspace, client)

            def named(user: str) -> str:
                name = directory.name(workspace, user)
                return f"*{mrkdwn(name)}*" if name else person(user)

            _tell(respond, render_leaderboard(board, deps.clock.now(), named), everyone=True)

    def my_score(ack: Ack, respond: Respond, command: dict[str, Any], context: BoltContext) -> None:
        ack()
        with explained(respond, MY_SCORE.name):
            _tell(respond, render_my_score(deps.game.my_score(str(context.team_id), str(command["user_id"]))))

    def tier(ack: Ack, respond: Respond, command: dict[str, Any], context: BoltContext, client: WebClient) -> None:
        ack()
        with explained(respond, TIER.name):
            workspace, user = str(context.team_id), str(command["user_id"])
            if not deps.admins.has(workspace, user, client):
                _tell(respond, refusal())
                return
            order = read_order(command.get("text") or "")
            if order.action is Action.CHANNEL:
                here, bot = str(command.get("channel_id") or ""), str(context.bot_user_id)
                _tell(respond, choose_channel(deps.game, client, workspace, user, order.channel, here, bot))
                return
            _tell(respond, run_admin_command(deps, workspace, user, order, str(command.get("trigger_id") or "")))

    app.command(LEADERBOARD.name)(leaderboard)
    app.command(MY_SCORE.name)(my_score)
    app.command(TIER.name)(tier)


def run_admin_command(deps: Dependencies, workspace: str, by: str, order: Order, trigger: str) -> Message:
    """Do what an admin asked, or put it on the agenda, and return the answer. trigger: Slack's id of the command."""
    if order.action is Action.PUSH:
        if not deps.channel(workspace):
            return _plain("No channel is chosen yet. Type `/tier channel` in the one to play in.")
        deps.game.request(workspace, "push", by, trigger, count=order.count)
        return _plain(
            f"Up to {count(order.count, 'post')} queued for {_where(deps, workspace)}: as many as articles wait."
        )
    if order.action in _REQUESTS:
        job, answer = _REQUESTS[order.action]
        deps.game.request(workspace, job, by, trigger)
        return _plain(answer.format(_where(deps, workspace)))
    return _DEEDS[order.action](deps, workspace, by)


def _round_status(deps: Dependencies, workspace: str, _: str) -> Message:
    return render_round_status(deps.game.round_status(workspace), deps.clock.now())


def _pause(deps: Dependencies, workspace: str, by: str) -> Message:
    news = deps.game.pause(workspace, by)
    return _plain("Paused: nothing is posted until `/tier resume`." if news else "It is paused already.")


def _resume(deps: Dependencies, workspace: str, by: str) -> Message:
    news = deps.game.resume(workspace, by)
    return _plain("Resumed: posts will come again." if news else "It is not paused.")


def _models(deps: Dependencies, workspace: str, _: str) -> Message:
    return render_models(deps.game.models(workspace))


def _rollback(deps: Dependencies, workspace: str, by: str) -> Message:
    version = deps.game.rollback(workspace, by)
    return _plain(f"Rolled back: model {version.number} ({mrkdwn(clean(version.id, 60))}) is in service again.")


def _help(*_: object) -> Message:
    return _plain(f"You can say:\n{help_text()}")


_REQUESTS: Mapping[Action, tuple[str, str]] = {
    Action.RETRAIN: ("retrain", "A retraining is queued; I will announce the result in {}."),
    Action.ROUND_CLOSE: ("close_round", "The round will be closed; I will announce its champion in {}."),
}
_DEEDS: Mapping[Action, Callable[[Dependencies, str, str], Message]] = {
    Action.HELP: _help,
    Action.ROUND_STATUS: _round_status,
    Action.PAUSE: _pause,
    Action.RESUME: _resume,
    Action.MODELS: _models,
    Action.ROLLBACK: _rollback,
}


def refusal() -> Message:
    """Return what someone who is no admin is told, and what they can do instead."""
    return _plain(
        "`/tier` is for the admins of this workspace; please ask one of them. "
        "Everyone can play: react to a post with the emoji of its topic, and see `/leaderboard` and `/myscore`."
    )


def _where(deps: Dependencies, workspace: str) -> str:
    channel = deps.channel(workspace)
    return f"<#{channel}>" if channel else "the channel"


def _plain(text: str) -> Message:
    return Message(text, (section(text),))


def _tell(respond: Respond, message: Message, *, everyone: bool = False) -> None:
    answer = respond(
        text=message.text,
        blocks=list(message.blocks),
        response_type="in_channel" if everyone else "ephemeral",
        replace_original=False,
    )
    if answer.status_code != _TAKEN:  # the SDK says nothing of it
        _log.warning("Slack refused an answer: %s %s", answer.status_code, clean(answer.body, 200))
