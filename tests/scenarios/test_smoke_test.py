"""The canary's smoke test against a bot that runs: through Slack with a colleague's token, and on schedule."""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.conftest import World, wait_until
from tierbot.adapters.slack.canary import COMMANDS
from tierbot.adapters.slack.manifest import manifest
from tierbot.adapters.store.store import SqlStore
from tierbot.app.demo.workspace import SandboxProcess

BOBS = "xoxp-sandbox-bob"
USERS = ("ada:admin", "bob", "cleo")
STEPS = [
    "post a canary",
    "react",
    "see the vote arrive",
    *COMMANDS,
    "take the reaction back",
    "see the vote revoked",
    "clean up",
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Give a workspace with a bot that runs."""
    with SandboxProcess(seed=1, users=USERS, declared=manifest(smoke_test=True)) as sandbox:
        built = World(sandbox, tmp_path_factory.mktemp("world"))
        built.start()
        yield built
        built.stop()


@pytest.fixture
def den(world: World) -> str:
    return open_den(world)


def open_den(world: World) -> str:
    """Open a channel for tests, with the bot and bob in it."""
    name = f"tests-{time.monotonic_ns()}"
    made: dict[str, Any] = world.client.post("channels", json={"name": name, "members": ["bob"]}).json()
    return str(made["channel"]["id"])


def smoke_test(world: World, channel: str, token: str = "") -> tuple[int, dict[str, dict[str, Any]]]:
    world.environment["SLACK_USER_TOKEN"] = token
    done = world.run("doctor", "--smoke-test", "--channel", channel, "--json")
    steps = [json.loads(line) for line in done.stdout.splitlines()]
    assert [step["name"] for step in steps] == STEPS, done.stderr
    return done.returncode, {step["name"]: step for step in steps}


def in_channel(world: World, channel: str) -> list[dict[str, Any]]:
    found: dict[str, Any] = world.client.get("messages", params={"channel": channel}).json()
    return list(found["messages"])


def test_a_canary_goes_the_whole_way_as_a_colleague_and_leaves_no_trace(world: World, den: str) -> None:
    code, steps = smoke_test(world, den, BOBS)
    assert code == 0, steps
    assert {step["outcome"] for step in steps.values()} == {"ok"}
    assert (
        steps["react"]["says"] == ":balance_scale:: as @bob, through Slack" or "through Slack" in steps["react"]["says"]
    )
    assert "listeners" in steps["/leaderboard"]["says"]
    assert all(0 <= step["seconds"] < 20 for step in steps.values())
    assert in_channel(world, den) == []
    store = world.store()
    (workspace,) = store.workspace_ids()
    with store.read(workspace) as tx:
        assert tx.ledger.votes_in_round(1) == {}, "what is said of a canary counts for nobody"
        assert tx.ledger.untallied(10) == []
    store.close()
    told = json.loads(world.run("status", "--json").stdout)
    assert told["smoke_test"]["broken"] is None
    assert told["running"] is True


def test_without_a_colleagues_token_the_listeners_are_walked_through_and_the_smoke_test_says_so(
    world: World, den: str
) -> None:
    code, steps = smoke_test(world, den)
    assert code == 0, steps
    assert "the app's listeners directly" in steps["react"]["says"]
    assert "SLACK_USER_TOKEN" in steps["react"]["says"]
    assert in_channel(world, den) == []


def test_a_colleague_outside_the_channel_breaks_the_smoke_test_with_the_remedy_and_the_canary_goes(
    world: World, den: str
) -> None:
    code, steps = smoke_test(world, den, "xoxp-sandbox-cleo")
    assert code == 1
    assert steps["react"]["outcome"] == "broken"
    assert "must be a member of the channel" in steps["react"]["says"]
    assert steps["see the vote arrive"]["outcome"] == "not tried"
    assert [steps[text]["outcome"] for text in COMMANDS] == ["ok"] * len(COMMANDS)
    assert in_channel(world, den) == []


def test_a_token_of_the_wrong_kind_is_told_before_anything_is_posted(world: World, den: str) -> None:
    world.environment["SLACK_USER_TOKEN"] = world.sandbox.address.bot_token
    done = world.run("doctor", "--smoke-test", "--channel", den)
    assert done.returncode == 1
    assert "SLACK_USER_TOKEN: That's a bot token (xoxb-…). Expected a user token (xoxp-…)" in done.stderr
    assert in_channel(world, den) == []


def test_on_schedule_a_broken_step_is_told_to_the_admins_by_direct_message_once(tmp_path: Path) -> None:
    with SandboxProcess(seed=1, users=USERS, declared=manifest(smoke_test=True)) as sandbox:
        world = World(sandbox, tmp_path)
        den = open_den(world)
        every = {
            "TIERBOT_SMOKE_TEST_EVERY_HOURS": "0.0005",
            "TIERBOT_SMOKE_TEST_CHANNEL": den,
            "SLACK_USER_TOKEN": BOBS,
        }
        world.environment |= every
        world.start()
        try:
            travel_and_break(world, den)
        finally:
            world.stop()


def test_a_worker_keeps_the_smoke_tests_schedule_as_the_bot_in_one_process_does(tmp_path: Path) -> None:
    with SandboxProcess(seed=1, users=USERS, declared=manifest(smoke_test=True)) as sandbox:
        world = World(sandbox, tmp_path)
        den = open_den(world)
        world.environment |= {"TIERBOT_SMOKE_TEST_EVERY_HOURS": "6", "TIERBOT_SMOKE_TEST_CHANNEL": den}
        worker = world.launch("worker")
        store = world.store()
        try:
            (workspace,) = wait_until(lambda: worker.poll() is not None or store.workspace_ids(), "the workspace")
            wait_until(lambda: planned(store, workspace), "the smoke test to be planned")
            last = wait_until(lambda: travelled(store, workspace), "a smoke test")
            assert last["broken"] is None, (last, world.log())
            assert in_channel(world, den) == []
        finally:
            store.close()
            world.stop()


def planned(store: SqlStore, workspace: str) -> bool:
    """Have the smoke test due now, once it is planned."""
    with store.begin(workspace) as tx:
        due = tx.agenda.get("smoke_test")
        if due is not None:
            tx.agenda.put(replace(due, due_at=due.due_at.replace(year=2000)))
    return due is not None


def travelled(store: SqlStore, workspace: str) -> dict[str, Any] | None:
    with store.read(workspace) as tx:
        last = tx.workspaces.smoke_test()
    return asdict(last) if last else None


def travel_and_break(world: World, den: str) -> None:
    store = world.store()
    (workspace,) = wait_until(store.workspace_ids, "the workspace")

    def last() -> dict[str, Any] | None:
        return travelled(store, workspace)

    wait_until(lambda: planned(store, workspace), "the smoke test to be planned")
    first = wait_until(last, "a smoke test")
    assert first["broken"] is None, first
    assert direct_messages(world, "ada") == []
    world.client.post("leave", json={"user": "bob", "channel": den})
    wait_until(lambda: (last() or {}).get("broken") == "react", "a broken smoke test")
    wait_until(lambda: direct_messages(world, "ada"), "the news")
    again = (last() or {})["at"]
    wait_until(lambda: (last() or {})["at"] != again, "one more smoke test")
    (news,) = direct_messages(world, "ada")
    assert "failed at “react”" in news["text"]
    assert "must be a member of the channel" in str(news["blocks"])
    assert direct_messages(world, "bob") == []
    store.close()


def direct_messages(world: World, user: str) -> list[dict[str, Any]]:
    inbox: dict[str, Any] = world.client.get("inbox", params={"user": user}).json()
    return [message for channel in inbox["direct"] for message in channel["messages"]]
