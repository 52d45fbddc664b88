"""A message that may have been sent is looked for before anything is sent again, at the pace of reduced history limits."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.conftest import WORKSPACE, Harness, build_harness
from tests.support.limits import left_to_send, strict_slack
from tierbot.adapters.slack.calls import web_client
from tierbot.adapters.slack.messages.chat import SlackChat
from tierbot.domain.tags import default_tag_space
from tierbot.sandbox.kit.records import Message
from tierbot.sandbox.sandbox import Sandbox


@contextmanager
def reduced(folder: Path, **changes: object) -> Iterator[tuple[Harness, Sandbox]]:
    """Start a bot and a Slack with reduced history limits, on one clock."""
    harness = build_harness(folder, **changes)
    with strict_slack(harness.clock, reduced=True) as box:
        client = web_client(box.settings.bot_token, f"{box.base_url}/api/")
        chat = SlackChat(client, WORKSPACE, default_tag_space, harness.clock)
        harness.dispatcher.chats = lambda _: chat
        yield harness, box
    harness.bot.close()


def ask(harness: Harness, box: Sandbox, count: int) -> None:
    harness.bot.loop.take_in(WORKSPACE, harness.articles(count))
    assert harness.bot.loop.ask(WORKSPACE, count, channel=box.home_channel.id) == count


def chatter(box: Sandbox, count: int) -> None:
    """Let a colleague write so many messages."""
    if not (bob := next((user for user in box.workspace.users.values() if user.name == "bob"), None)):
        bob = box.add_colleague("bob")
    for number in range(count):
        box.workspace.post(Message(box.home_channel.id, bob.id, f"hi {number}"))


def marks(box: Sandbox) -> Counter[str]:
    """Return how often each delivery's message is in the channel."""
    found = (message.metadata for message in box.home_channel.messages.values() if message.metadata)
    return Counter(one["event_payload"]["delivery_id"] for one in found)


def play(harness: Harness, minutes: float) -> None:
    """Deliver for so many minutes of the shared clock."""
    until = harness.clock.now() + timedelta(minutes=minutes)
    while harness.clock.now() < until:
        if not harness.bot.loop.deliver(WORKSPACE):
            harness.clock.advance(seconds=1)


@pytest.mark.parametrize("fault", ["api_lost_answer", "api_500"])
def test_a_message_in_a_busy_channel_is_looked_for_page_by_page_while_the_others_go_out(
    tmp_path: Path, fault: str
) -> None:
    with reduced(tmp_path) as (harness, box):
        ask(harness, box, 6)
        box.faults.change({fault: 1.0, "methods": ["chat.postMessage"]})
        assert harness.bot.loop.deliver(WORKSPACE)
        box.faults.change({fault: 0.0})
        chatter(box, 50)  # four pages of fifteen
        began = harness.clock.now()
        while len(marks(box)) < 5 + (fault == "api_lost_answer"):
            play(harness, 0.1)
            assert harness.clock.now() - began < timedelta(minutes=1), "the other posts wait for a look-up"
        play(harness, 15)
        assert left_to_send(harness) == 0
        assert sorted(marks(box).values()) == [1] * 6
