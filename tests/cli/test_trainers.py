"""`tierbot trainers` shows pseudonyms; --identities shows names, to whoever may read the database."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import WORKSPACE, Harness, build_harness
from tests.support.invoke import said
from tests.support.rows import NOON
from tierbot.adapters.store import open_store
from tierbot.app.demo.workspace import SandboxProcess
from tierbot.use_cases.ports import Doubt


@pytest.fixture
def people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Yield a sandbox's user ids by name; both have voted on three posts of the configured bot."""
    with SandboxProcess(users=("ada:admin", "bob")) as sandbox:
        ids = {name: user for user, name in sandbox.names().items()}
        harness = build_harness(tmp_path)
        _play(harness, ids["ada"], ids["bob"])
        harness.bot.close()
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("TIERBOT_ENCODER", "hashing")
        monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/test.db")
        monkeypatch.setenv("SLACK_API_URL", sandbox.address.api_url)
        monkeypatch.setenv("SLACK_BOT_TOKEN", sandbox.address.bot_token)
        yield ids


def _play(harness: Harness, *users: str) -> None:
    harness.know(*users)
    for ts in harness.posts(3):
        for user in users:
            harness.react(user, ts, harness.emoji(ts))
    harness.settle()


def test_trainers_are_pseudonyms_unless_identities_are_asked_for(people: dict[str, str]) -> None:
    hidden = said("trainers") + said("trainers", "--json")
    assert not any(word in hidden for word in (*people.values(), "ada", "bob"))
    shown = {one["user"] for one in json.loads(said("trainers", "--identities", "--json"))["trainers"]}
    assert {user.rpartition(" ")[2] for user in shown} == {f"({people['ada']})", f"({people['bob']})"}
    assert {user.lower().partition(" ")[0] for user in shown} == {"ada", "bob"}


def test_the_report_names_people_for_those_who_may_know(people: dict[str, str]) -> None:
    assert people["ada"] not in said("report", "--json")
    named = {one["name"].lower() for one in json.loads(said("report", "--json", "--identities"))["trainers"]}
    assert any(name.startswith("ada") and people["ada"].lower() in name for name in named)


def test_a_doubt_names_people_beside_their_ids_for_those_who_may_know(people: dict[str, str]) -> None:
    store = open_store(os.environ["DATABASE_URL"])
    with store.begin(WORKSPACE) as tx:
        users, evidence = (people["ada"],), "clicked 40 posts in a minute"
        tx.doubts.put([Doubt("d1", "clicks", users, None, 40, 4.0, 40, 0.001, evidence, (), NOON)])
    store.close()
    assert said("doubts").startswith(f"d1  {people['ada']} clicked 40 posts")
    named = said("doubts", "--identities").lower()
    assert named.startswith(f"d1  ada ({people['ada'].lower()}) clicked 40 posts")
    assert json.loads(said("doubts", "--json"))["users"] == [people["ada"]]


def test_without_slack_the_ids_stand_for_the_names(people: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1-revoked")
    shown = {one["user"] for one in json.loads(said("trainers", "--identities", "--json"))["trainers"]}
    assert shown == {people["ada"], people["bob"]}
