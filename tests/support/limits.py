"""A push against Slack's rate limits, on one clock for both sides that moves only when nothing can be done now."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import WORKSPACE, Harness, build_harness
from tests.support.fakes import ManualClock
from tierbot.adapters.slack.calls import web_client
from tierbot.adapters.slack.messages.chat import SlackChat
from tierbot.domain.tags import default_tag_space
from tierbot.sandbox.kit.clock import Clock
from tierbot.sandbox.kit.settings import Settings
from tierbot.sandbox.sandbox import Sandbox
from tierbot.sandbox.server import address, listen, make_server
from tierbot.use_cases.ports import DeliveryKind, DeliveryState

_STEP = 0.25  # seconds, of the clock that is moved
BURST = 5  # messages that Slack takes at once before it counts seconds


@contextmanager
def strict_slack(clock: ManualClock, *, reduced: bool = False) -> Iterator[Sandbox]:
    """Serve a Slack with its limits in force, on the clock given; `reduced`: those of history, too."""
    box = Sandbox(Settings(limits=True), clock=Clock(lambda: clock.now().timestamp()))
    box.faults.change({"reduced_history": reduced})
    listener = listen("127.0.0.1", 0)
    box.teams.base_url = address(listener, "127.0.0.1")
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    server = make_server(box)

    async def run() -> None:
        await server.start(listener)
        ready.set()
        await server.run_until_told()
        await box.close()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    assert ready.wait(20)
    try:
        yield box
    finally:
        server.should_exit = True
        thread.join(20)
        loop.close()


def push(folder: Path, posts: int) -> tuple[float, Sandbox, Harness]:
    """Post so many articles with their emoji; return the seconds that took by the clock, and both sides."""
    harness = build_harness(folder, slack_posts_per_second=1.0)
    loop = harness.bot.loop
    with strict_slack(harness.clock) as box:
        client = web_client(box.settings.bot_token, f"{box.base_url}/api/")
        chat = SlackChat(client, WORKSPACE, default_tag_space, harness.clock)
        harness.dispatcher.chats = lambda _: chat
        with harness.bot.store.begin(WORKSPACE) as tx:
            known = tx.workspaces.get()
            assert known is not None
        loop.take_in(WORKSPACE, harness.articles(posts))
        assert loop.ask(WORKSPACE, posts, channel=box.home_channel.id) == posts
        began = harness.clock.now()
        while (left := left_to_send(harness)) and (harness.clock.now() - began).total_seconds() < 20 * posts + 600:
            if not loop.deliver(WORKSPACE):
                harness.clock.advance(seconds=_STEP)
        took = (harness.clock.now() - began).total_seconds()
        assert not left, "it did not end"
    return took, box, harness


def left_to_send(harness: Harness) -> int:
    with harness.bot.store.read(WORKSPACE) as tx:
        counts = tx.outbox.counts()
    return counts[DeliveryState.PENDING] + counts[DeliveryState.SENDING]


def check(took: float, posts: int, box: Sandbox, harness: Harness) -> dict[str, object]:
    """Fail unless every post and every emoji is there once, nothing was refused, and it went as fast as Slack lets it."""
    with harness.bot.store.read(WORKSPACE) as tx:
        assert tx.outbox.parked() == []
        asked = tx.posts.in_round(1)
    sent = [message for message in box.workspace.channels[box.home_channel.id].messages.values() if message.metadata]
    marks = Counter(message.metadata["event_payload"]["delivery_id"] for message in sent)
    assert (len(marks), max(marks.values())) == (posts, 1)
    wanted = sum(post.arm.value == "tier" for post in asked)
    given = sum(len(message.reactions) for message in sent)
    assert given == wanted, "every pre-filled emoji is on its post"
    slowest = max(posts - BURST, (wanted - 50) * 60 / 50)  # chat.postMessage 1/s, reactions.add 50/min
    assert took >= slowest - 1, "faster than Slack allows"
    assert took <= 1.15 * max(slowest, posts) + 10, "slower than Slack allows"
    return {"posts": posts, "emoji": given, "seconds": took, "limit": round(slowest, 1), "kinds": len(DeliveryKind)}
