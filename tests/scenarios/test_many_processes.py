"""`tierbot web` and `tierbot worker` for many workspaces, as an operator runs and looks after them."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.conftest import World, wait_until
from tests.support.balancer import Balancer
from tests.support.processes import port_of
from tests.support.town import CLIENT, CLIENT_SECRET, KEY, SIGNING, install, manifest_at
from tierbot.app.demo.workspace import SandboxProcess


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Balancer() as balancer:
        public = f"http://127.0.0.1:{balancer.port}"
        flags = ("--request-url", f"{public}/slack/events", "--client-id", CLIENT, "--not-installed")
        flags += ("--team", "North", "--another-team", "South")
        declared = manifest_at(public)
        with SandboxProcess(users=("ada:admin", "bob"), declared=declared, flags=flags) as sandbox:
            built = World(sandbox, tmp_path)
            for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "TIERBOT_CHANNEL"):
                del built.environment[name]
            built.environment |= {
                "SLACK_CLIENT_ID": CLIENT,
                "SLACK_CLIENT_SECRET": CLIENT_SECRET,
                "SLACK_SIGNING_SECRET": SIGNING,
                "TIERBOT_SECRET_KEY": KEY,
                "TIERBOT_PUBLIC_URL": public,
            }
            built.balancer = balancer  # type: ignore[attr-defined]
            yield built
            built.stop()


def test_two_workspaces_install_play_and_one_leaves_while_status_and_doctor_tell(world: World) -> None:
    world.launch("web", "--host", "127.0.0.1", "--port", "0")
    world.balancer.ports = [port_of(world, 0)]  # type: ignore[attr-defined]
    world.launch("worker")
    public = world.environment["TIERBOT_PUBLIC_URL"]
    north, south = world.sandbox.teams
    for team in (north, south):
        state = world.client.get(team["control_url"] + "state").json()
        ada = next(user["id"] for user in state["users"] if user["name"] == "ada")
        assert "Thank you" in install(world.sandbox.address.url.rstrip("/"), public, team["team_id"], ada).text
    told = lambda team: world.client.get(team["control_url"] + "inbox", params={"user": "ada"}).text  # noqa: E731
    for team in (north, south):
        wait_until(lambda team=team: "/tier channel" in told(team), f"the welcome in {team['name']}")
    answer = world.sandbox.command("/tier channel")
    assert "From now on I play in" in str(answer)
    assert "Choose one with TIERBOT_WORKSPACE" in world.run("audit").stderr
    world.environment["TIERBOT_WORKSPACE"] = north["team_id"]
    world.add_articles(3)
    assert "I'm posting 3" in str(world.sandbox.command("/tier push 3"))
    wait_until(lambda: len(world.posts()) == 3, "the posts")
    assert f"North ({north['team_id']}), channel {north['channel']}" in world.run("status").stdout
    assert "choose channel" in world.run("audit").stdout
    del world.environment["TIERBOT_WORKSPACE"]
    world.client.post(south["control_url"] + "uninstall", json={})

    def overview() -> dict[str, dict[str, object]]:
        return {one["name"]: one for one in json.loads(world.run("status", "--json").stdout)["workspaces"]}

    found = wait_until(lambda: (seen := overview())["South"]["stopped_at"] and seen, "South to stop")
    assert (found["North"]["posts"], found["North"]["stopped_at"], found["South"]["channel"]) == (3, None, None)
    _see_what_the_doctor_says(world)
    for bot in world.bots:
        bot.send_signal(signal.SIGTERM)
    assert [bot.wait(15) for bot in world.bots] == [0, 0], world.log()
    assert "xoxb-" not in world.log()


def _see_what_the_doctor_says(world: World) -> None:
    def lines() -> dict[str, dict[str, str]]:
        said = world.run("doctor", "--json").stdout.splitlines()
        return {line["name"]: line for line in map(json.loads, said)}

    checks = lines()
    assert {name: checks[name]["state"] for name in ("credentials", "secret key", "North", "South")} == {
        "credentials": "ok",
        "secret key": "ok",
        "North": "ok",
        "South": "unknown",
    }
    assert "/slack/install" in checks["South"]["says"]
    right = world.environment["TIERBOT_SECRET_KEY"]
    world.environment["TIERBOT_SECRET_KEY"] = os.urandom(4).hex()
    checks = lines()
    world.environment["TIERBOT_SECRET_KEY"] = right
    assert checks["secret key"]["state"] == "bad"
    assert "openssl" in checks["secret key"]["says"]


@pytest.mark.parametrize(
    ("missing", "says"),
    [
        ("TIERBOT_SECRET_KEY", "Set TIERBOT_SECRET_KEY"),
        ("SLACK_CLIENT_SECRET", "SLACK_CLIENT_ID and SLACK_CLIENT_SECRET"),
    ],
)
def test_without_what_it_needs_it_does_not_start_and_says_what(world: World, missing: str, says: str) -> None:
    del world.environment[missing]
    done = world.run("web", "--port", "0")
    assert done.returncode == 1
    assert says in done.stderr


def test_run_is_for_one_workspace_and_says_so(world: World) -> None:
    done = world.run("run")
    assert done.returncode == 1
    assert "run `tierbot web` and `tierbot worker`" in " ".join(done.stderr.split())
