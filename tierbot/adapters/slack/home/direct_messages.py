"""Answers to direct messages: a person who writes to the bot learns what it can do, or gets the answer of a command."""

import logging
from functools import partial
from typing import Any

from slack_bolt import App, BoltContext
from slack_sdk import WebClient

from tierbot.adapters.slack.block_kit.blocks import Message, message
from tierbot.adapters.slack.block_kit.text import clean, plain
from tierbot.adapters.slack.calls import call
from tierbot.adapters.slack.commands.grammar import parse_leaderboard
from tierbot.adapters.slack.dependencies import Dependencies
from tierbot.adapters.slack.directory import Directory
from tierbot.adapters.slack.faults import describe
from tierbot.adapters.slack.messages.boards import render_leaderboard, render_my_score
from tierbot.adapters.slack.needs import Needs
from tierbot.adapters.slack.shortcuts.legend import render_legend
from tierbot.domain.nouns import TierbotError

NEEDS = Needs(methods={"chat.postMessage": ("chat:write",)}, events={"message.im": ("im:history",)})

_log = logging.getLogger(__name__)
_LONGEST = 200
_HELP = (
    "I post stories and guess their topic; your reactions teach me. Here you can write:\n"
    "• `myscore` – your score, rank and streak\n"
    "• `leaderboard`, `leaderboard last`, `leaderboard all` – who has judged the most\n"
    "• `tags`, `tags sport` – the topics and their emoji\n"
    "To get five stories to judge, open the *Home* tab above. To have colleagues say what a message is about, choose "
    "*Tag this* in its ⋮ menu."
)


def register(app: App, deps: Dependencies, directory: Directory) -> None:
    """Answer people's direct messages to the bot."""

    def is_from_a_person(event: dict[str, Any]) -> bool:
        quiet = event.get("subtype") or event.get("bot_id") or not event.get("user")
        return event.get("channel_type") == "im" and not quiet

    def answer(body: dict[str, Any], event: dict[str, Any], context: BoltContext, client: WebClient) -> None:
        workspace, user = str(context.team_id), str(event["user"])
        if not deps.is_new(workspace, str(body["event_id"])):
            return  # Slack delivered it again
        directory.keep_fresh(workspace, client)
        try:
            said = _answer(deps, workspace, user, plain(str(event.get("text") or "")), directory)
        except TierbotError as fault:
            said = message(describe(fault, "a direct message"))
        where = {"thread_ts": str(event["thread_ts"])} if event.get("thread_ts") else {}
        try:
            call(client.chat_postMessage, channel=str(event["channel"]), **said.as_arguments(), **where)
        except TierbotError as fault:
            _log.info("Could not answer a direct message: %s", fault)

    app.event("message", matchers=[is_from_a_person])(answer)


def _answer(deps: Dependencies, workspace: str, user: str, text: str, directory: Directory) -> Message:
    word, _, rest = clean(text, _LONGEST).lstrip("/").partition(" ")
    named = partial(directory.named, workspace)
    match word.lower():
        case "myscore" | "score":
            return render_my_score(deps.game.my_score(workspace, user), named)
        case "leaderboard":
            board = deps.game.leaderboard(workspace, parse_leaderboard(rest) or "this")
            return render_leaderboard(board, deps.clock.now(), named)
        case "tags":
            return render_legend(deps.legend.find(workspace, rest.strip()), rest.strip())
        case _:
            return message(_HELP)
