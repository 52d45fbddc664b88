"""App Home: score, standings, the model's progress, and a trainer's own settings."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from slack_bolt import Ack, App, BoltContext
from slack_sdk import WebClient

from tierbot.adapters.slack.block_kit.blocks import Block, context, header, section, sections
from tierbot.adapters.slack.block_kit.modals import Button, View, actions, button
from tierbot.adapters.slack.block_kit.text import person, safe
from tierbot.adapters.slack.block_kit.words import accuracy, bar, count, percent, remaining
from tierbot.adapters.slack.calls import call
from tierbot.adapters.slack.dependencies import Dependencies
from tierbot.adapters.slack.directory import Directory
from tierbot.adapters.slack.faults import describe, reported
from tierbot.adapters.slack.messages.boards import Named, render_my_score, standing_line
from tierbot.adapters.slack.needs import Needs
from tierbot.domain.nouns import TierbotError
from tierbot.domain.rounds.boards import Home, Queue
from tierbot.domain.rounds.figures import RoundFigures

NEEDS = Needs(methods={"views.publish": (), "chat.postEphemeral": ("chat:write",)}, events={"app_home_opened": ()})

_log = logging.getLogger(__name__)
_STANDINGS = 5
_ENOUGH = 5  # settled posts before a round's accuracy is shown
_BAR = 20


def register(app: App, deps: Dependencies, directory: Directory, slow: Executor) -> None:
    """Register the event and the buttons with Bolt."""

    def opened(event: dict[str, Any], context: BoltContext, client: WebClient) -> None:
        if event.get("tab", "home") == "home":
            directory.keep_fresh(str(context.team_id), client)
            _Click(deps, directory, client, str(context.team_id), str(event["user"])).publish()

    def on(button: Button, answer: Callable[[_Click], str], slow: Executor | None = None) -> None:
        def listener(ack: Ack, body: dict[str, Any], context: BoltContext, client: WebClient) -> None:
            ack()
            with reported(None, button):
                click = _Click(deps, directory, client, str(context.team_id), str(body["user"]["id"]))
                if slow:
                    slow.submit(click.answer, button, body, answer)
                else:
                    click.answer(button, body, answer)

        app.action(button.value)(listener)

    app.event("app_home_opened")(opened)
    on(Button.FIVE, _Click.send_five, slow)
    on(Button.QUIET, partial(_Click.opt_out, opted_out=True))
    on(Button.LOUD, partial(_Click.opt_out, opted_out=False))


@dataclass(frozen=True, slots=True)
class _Click:
    """A user's click, or a visit to App Home."""

    deps: Dependencies
    directory: Directory
    client: WebClient
    workspace: str
    user: str

    def send_five(self) -> str:
        """Send five posts; return the answer."""
        if not (sent := self.deps.invitations.send(self.workspace, self.user)):
            return "There's nothing left to judge right now. Check back when new stories are in."
        return f"{count(sent, 'post')} on the way to your direct messages with me. Reactions there count the same as in the channel."

    def opt_out(self, *, opted_out: bool) -> str:
        """Stop or resume mentions and reminders; return the answer."""
        self.directory.keep_fresh(self.workspace, self.client)
        name = self.directory.name(self.workspace, self.user) or ""
        self.deps.home.opt_out(self.workspace, self.user, name, opted_out=opted_out)
        if opted_out:
            return "Done: I won't mention or remind you. You can still play; to undo this, use App Home."
        return "Welcome back: I may mention you, and remind you up to once a day."

    def answer(self, button: Button, body: dict[str, Any], answer: Callable[["_Click"], str]) -> None:
        """Show the answer to a click: in App Home, or below the message for this user alone."""
        try:
            said = answer(self)
        except Exception as fault:  # noqa: BLE001 - there is no response URL to report it to
            said = describe(fault, button)
        try:
            if (body.get("view") or {}).get("type") == "home":
                self.publish(said)
                return
            channel = str(body["channel"]["id"])
            call(self.client.chat_postEphemeral, channel=channel, user=self.user, text=said)
        except TierbotError as fault:
            _log.warning("Could not show an answer to %s: %s", self.user, fault)

    def publish(self, said: str = "") -> None:
        """Update the user's App Home, with the answer to their last click. Raises TierbotError."""
        named = partial(self.directory.named, self.workspace)
        view = render_home(self.deps.home.of(self.workspace, self.user), self.deps.clock.now(), named, said)
        call(self.client.views_publish, user_id=self.user, view=view)


def render_home(home: Home, now: datetime, named: Named = person, said: str = "") -> View:
    """Return App Home; `said` (mrkdwn) is the answer to the last click."""
    blocks: list[Block] = [header("Your game")]
    blocks += [section(said)] if said else []
    blocks += render_my_score(home.score, named).blocks
    play = [button("Send me five to judge", Button.FIVE, style="primary"), button("All topics", Button.LEGEND)]
    blocks.append(actions(play, "tierbot_play"))
    closes = f" closes in {remaining(home.board.closes_at, now)}" if home.board.closes_at else ""
    blocks += [{"type": "divider"}, header(f"Round {home.score.round_number}{closes}")]
    lines = [standing_line(one, named) for one in home.board.standings[:_STANDINGS]]
    blocks += sections(lines or ["Nobody has judged an article yet. Be the first!"])
    blocks.append(context(_waiting(home.queue, now)))
    blocks += [{"type": "divider"}, header("How the model is doing"), *_progress(home.progress)]
    if home.model:
        blocks.append(context(f"In service: model {safe(home.model, 60)}."))
    blocks += [{"type": "divider"}, *_switch(home.opted_out)]
    return {"type": "home", "blocks": blocks}


def _waiting(queue: Queue, now: datetime) -> str:
    stories = count(queue.waiting, "story", "stories")
    said = (
        f"{stories} {'is' if queue.waiting == 1 else 'are'} waiting to be posted"
        if queue.waiting
        else "No stories are waiting to be posted"
    )
    if queue.unsent:
        said += f", {count(queue.unsent, 'post')} {'is' if queue.unsent == 1 else 'are'} on the way"
    if queue.paused:
        return f"{said}. Scheduled posts are paused."
    if queue.next_push and queue.waiting and not queue.unsent:
        said += f". The next posts are due in {remaining(queue.next_push, now)}"
    return f"{said}."


def _progress(progress: Sequence[RoundFigures]) -> list[Block]:
    shown = [one for one in progress if one.all.n >= _ENOUGH]
    if not shown:
        return [section("Too early to tell: I need five stories on which two colleagues agree.")]
    lines = [
        f"`{bar(one.all.value or 0.0, _BAR)}` *{percent(one.all.value or 0.0)}*  round {one.number}" for one in shown
    ]
    last = shown[-1]
    notes = [f"Round {last.number}: {accuracy(last.all)}."]
    if last.blank.n:
        notes.append(f"On blank posts, which name no tag: {accuracy(last.blank)}.")
    return [*sections(lines), context(" ".join(notes))]


def _switch(opted_out: bool) -> list[Block]:
    if opted_out:
        said = "I don't mention you or send you reminders."
        return [section(said, accessory=button("Mention and remind me again", Button.LOUD))]
    said = "I mention the winners of a round, and remind people who haven't judged yet, up to once a day."
    return [section(said, accessory=button("No mentions, no reminders", Button.QUIET))]
