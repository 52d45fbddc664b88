"""The legend in Slack: `/tags`, and a button on each post and in App Home, for those who don't know the emoji."""

from collections.abc import Sequence
from typing import Any

from slack_bolt import Ack, App, BoltContext, Respond
from slack_sdk import WebClient

from tierbot.adapters.slack.block_kit.blocks import Block, Message, context, listing, plain, sections
from tierbot.adapters.slack.block_kit.modals import Button, View, modal
from tierbot.adapters.slack.block_kit.text import clean, emoji, safe
from tierbot.adapters.slack.block_kit.words import count
from tierbot.adapters.slack.commands.listeners import reply
from tierbot.adapters.slack.dependencies import Dependencies
from tierbot.adapters.slack.faults import reported
from tierbot.adapters.slack.needs import Needs, SlashCommand
from tierbot.adapters.slack.shortcuts.listeners import open_view
from tierbot.domain.nouns import Tag

TAGS = SlashCommand("/tags", "Show the topics and their emoji", "[word]")
NEEDS = Needs(methods={"views.open": ()}, commands=(TAGS,))

TITLE = "Topics and emoji"
CALLBACK = "tierbot_legend_search"
_BLOCK, _ACTION = "tierbot_legend_typed", "typed"
_MOST, _NAME, _DESCRIPTION, _TYPED = 25, 60, 150, 60


def register(app: App, deps: Dependencies) -> None:
    """Register the command, the button and the search with Bolt."""

    def tags(ack: Ack, respond: Respond, command: dict[str, Any], context: BoltContext) -> None:
        ack()
        with reported(respond, TAGS.name):
            typed = clean(command.get("text") or "", _TYPED)
            reply(respond, render_legend(deps.legend.find(str(context.team_id), typed), typed))

    def opened(ack: Ack, body: dict[str, Any], context: BoltContext, client: WebClient) -> None:
        ack()
        with reported(None, TITLE):
            open_view(client, body, legend_view(deps.legend.find(str(context.team_id))))

    def searched(ack: Ack, view: dict[str, Any], context: BoltContext) -> None:
        typed = clean(view["state"]["values"][_BLOCK][_ACTION].get("value") or "", _TYPED)
        ack(response_action="update", view=legend_view(deps.legend.find(str(context.team_id), typed), typed))

    app.command(TAGS.name)(tags)
    app.action(Button.LEGEND.value)(opened)
    app.view(CALLBACK)(searched)


def render_legend(tags: Sequence[Tag], typed: str) -> Message:
    """Return the answer to `/tags`."""
    lines = listing([_line(tag) for tag in tags], _MOST, "topics; add a word to search, such as `/tags sport`")
    found = f"{count(len(tags), 'topic')}{f' for “{safe(typed, _TYPED)}”' if typed else ', the most used first'}"
    return Message(
        found, (*sections([f"*{found}*", *lines]), context("Add the emoji to a post as a reaction to vote."))
    )


def legend_view(tags: Sequence[Tag], typed: str = "") -> View:
    """Return the modal with these tags and a field to search for others."""
    field: Block = {"type": "plain_text_input", "action_id": _ACTION, "max_length": _TYPED}
    search: Block = {
        "type": "input",
        "block_id": _BLOCK,
        "label": plain("Search", 2000),
        "element": field | ({"initial_value": typed} if typed else {}),
        "optional": True,
    }
    lines = [_line(tag) for tag in tags] or ["No topic fits. Try another word, or leave the field empty for all."]
    how = context("The most used come first. Add the emoji to a post as a reaction to vote.")
    return modal(TITLE, [search, how, *sections(lines)], callback_id=CALLBACK, submit="Search", close="Close")


def _line(tag: Tag) -> str:
    sign = emoji(tag.short_name)
    return f"{sign}  *{safe(tag.name, _NAME)}*  `{sign}`  {safe(tag.description, _DESCRIPTION)}"
