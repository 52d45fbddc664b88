"""What running the bot costs: time to connect, click to ledger, commands, memory at rest and while training.

Run with: pytest tests/benchmarks/test_running.py -s
The figures of issue "The loop closes": connected in 15 s, ledger in 100 ms (median), commands in 300 ms, 900 MB
at rest, 1.5 GB for the process tree while retraining.
"""

import statistics
import time
from pathlib import Path

import psutil
import pytest

from tests.scenarios.conftest import World, wait_until
from tierbot.app.demo.workspace import SandboxProcess

POSTS, USERS = 40, 12


@pytest.fixture
def world(tmp_path: Path):
    users = ("ada:admin", *(f"user{i}" for i in range(USERS)))
    with SandboxProcess(seed=1, users=users) as sandbox:
        built = World(sandbox, tmp_path)
        del built.environment["TIERBOT_ENCODER"]
        yield built
        built.stop()


def megabytes(process: psutil.Process) -> float:
    tree = [process, *process.children(recursive=True)]
    return sum(one.memory_info().rss for one in tree) / 1e6


def test_running_costs(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    began = time.monotonic()
    bot = psutil.Process(world.start().pid)
    connected = time.monotonic() - began
    world.add_articles(POSTS)
    world.sandbox.command(f"/tier push {POSTS}")
    posts = wait_until(lambda: len(world.posts()) == POSTS and world.posts(), "the posts")
    began = time.monotonic()
    clicks = []
    for ts in posts:
        for i in range(USERS):
            clicked = time.monotonic()
            acts = len(posts) * USERS
            assert world.act("react", f"user{i}", ts, "pizza" if i % 2 else "football")["ok"]
            clicks.append(time.monotonic() - clicked)
    stats = wait_until(lambda: (s := world.stats())["acknowledged"] >= acts and s, "all acknowledgements")
    commands = []
    for text in ("/leaderboard", "/myscore", "/tier round status", "/tier models") * 5:
        asked = time.monotonic()
        assert world.sandbox.command(text)
        commands.append(time.monotonic() - asked)
    idle = megabytes(bot)
    world.sandbox.command("/tier retrain")
    peak = 0.0

    def announced() -> bool:
        nonlocal peak
        peak = max(peak, megabytes(bot))
        return any("model 2" in str(message).lower() or "m0002" in str(message) for message in world.messages())

    wait_until(announced, "the announcement of the retrained model")
    with capsys.disabled():
        print(f"\nstart to connected        {connected:6.1f} s    (15)")
        print(f"click to ledger, median   {stats['ack_ms']['p50']:6.0f} ms   (100)")
        print(f"command answered, median  {1000 * statistics.median(commands):6.0f} ms   (300)")
        print(f"command answered, slowest {1000 * max(commands):6.0f} ms")
        print(f"at rest                   {idle:6.0f} MB   (900)")
        print(f"tree while retraining     {peak:6.0f} MB   (1500)")
    assert connected < 15
    assert statistics.median(commands) < 0.3
    assert idle < 900
    assert peak < 1500
