"""The listeners of the message shortcuts. Each acknowledges first; slow work runs in `slow`, one task at a time."""

import logging
from collections.abc import Mapping
from concurrent.futures import Executor
from typing import Any

from slack_bolt import Ack, App, BoltContext, Respond
from slack_sdk import WebClient

from tierbot.adapters.slack.block_kit.modals import View, notice
from tierbot.adapters.slack.block_kit.text import clean
from tierbot.adapters.slack.calls import call
from tierbot.adapters.slack.dependencies import Dependencies
from tierbot.adapters.slack.faults import describe, literal, reported
from tierbot.adapters.slack.needs import MessageShortcut, Needs
from tierbot.adapters.slack.shortcuts import explanations, menus
from tierbot.domain.nouns import TierbotError

_log = logging.getLogger(__name__)
_LONGEST = 2500

WHY = MessageShortcut("Why this tag?", "why_this_tag", "See why the model chose this tag, once you have voted")
NAME = MessageShortcut(menus.TITLE, menus.CALLBACK, "Vote without knowing the emoji: search all topics")
NEEDS = Needs(methods={"views.open": (), "views.update": ()}, shortcuts=(WHY, NAME))


def register(app: App, deps: Dependencies, slow: Executor) -> None:
    """Register the message shortcuts with Bolt."""

    def why(ack: Ack, respond: Respond, body: dict[str, Any], context: BoltContext, client: WebClient) -> None:
        ack()
        with reported(respond, WHY.callback_id):
            workspace, (channel, ts) = str(context.team_id), _channel_and_ts(body)
            try:
                post_id = deps.explanations.post_for(workspace, str(body["user"]["id"]), channel, ts)
                known = deps.explanations.known(workspace, post_id)
            except TierbotError as fault:
                open_view(client, body, notice(explanations.TITLE, literal(fault)))
                return
            view_id = open_view(client, body, explanations.render_explanation(known, deps.tags(workspace)))
            slow.submit(_explain, deps, client, workspace, post_id, view_id)

    def name(ack: Ack, respond: Respond, body: dict[str, Any], context: BoltContext, client: WebClient) -> None:
        ack()
        with reported(respond, NAME.callback_id):
            channel, ts = _channel_and_ts(body)
            try:
                menu = deps.menu_votes.menu(str(context.team_id), str(body["user"]["id"]), channel, ts)
                view = menus.render_menu(menu, channel, ts)
            except TierbotError as fault:
                view = notice(menus.TITLE, literal(fault))
            open_view(client, body, view)

    def suggest(ack: Ack, payload: dict[str, Any], context: BoltContext) -> None:
        ack(options=menus.options_for(deps.tags(str(context.team_id)), str(payload.get("value") or "")))

    def named(ack: Ack, body: dict[str, Any], context: BoltContext) -> None:
        # Like a reaction, the vote is written before it is acknowledged.
        workspace, user = str(context.team_id), str(body["user"]["id"])
        try:
            said = menus.read_menu(body["view"])
            deps.menu_votes.name(workspace, user, said.channel, said.ts, said.tag_ids, said.form)
        except TierbotError as fault:
            ack(response_action="errors", errors={menus.BLOCK: clean(str(fault), _LONGEST)})
            return
        ack()

    app.shortcut({"type": "message_action", "callback_id": WHY.callback_id})(why)
    app.shortcut({"type": "message_action", "callback_id": NAME.callback_id})(name)
    app.options(menus.ACTION)(suggest)
    app.view(menus.CALLBACK)(named)


def _explain(deps: Dependencies, client: WebClient, workspace: str, post_id: str, view_id: str) -> None:
    try:
        found = deps.explanations.explanation(workspace, post_id)
        view = explanations.render_explanation(found, deps.tags(workspace))
    except Exception as fault:  # noqa: BLE001 - no caller waits for this thread; the person must see the error
        view = notice(explanations.TITLE, describe(fault, WHY.callback_id))
    try:
        call(client.views_update, view_id=view_id, view=view)
    except TierbotError as fault:  # the person closed it
        _log.info("Could not show the explanation of post %s: %s", post_id, fault)


def _channel_and_ts(body: Mapping[str, Any]) -> tuple[str, str]:
    return str(body["channel"]["id"]), str(body.get("message_ts") or body["message"]["ts"])


def open_view(client: WebClient, body: Mapping[str, Any], view: View) -> str:
    """Open a modal for the user and return its id; the trigger expires after three seconds."""
    opened = call(client.views_open, trigger_id=str(body["trigger_id"]), view=view)
    return str(opened["view"]["id"])
