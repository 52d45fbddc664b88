"""The directory knows names, and asks Slack seldom."""

from datetime import timedelta

import pytest

from tests.adapters.slack.conftest import StoppedClock
from tierbot.adapters.slack.calls import web_client
from tierbot.adapters.slack.directory import Directory


@pytest.fixture(scope="module")
def box(start):
    sandbox = start()
    eve = sandbox.do("users", name="eve", real_name="Eve <\u202e> of Pizza")
    sandbox.users["eve"] = eve["user"]["id"]
    return sandbox


class Counted:
    """A client that counts its pages, and fails when told."""

    def __init__(self, client):
        self.client, self.pages = client, 0

    def users_list(self, **arguments):
        """List, and count."""
        self.pages += 1
        return self.client.users_list(**{**arguments, "limit": 2})  # several pages, whatever the team's size


def test_it_knows_nothing_until_it_has_asked(box):
    directory = Directory(StoppedClock())
    assert directory.name("T1", box.users["ada"]) is None


def test_it_knows_everyone_by_name(box):
    directory, client, team = Directory(StoppedClock()), Counted(box.web), box.web.auth_test()["team_id"]
    directory.keep_fresh(team, client)
    assert client.pages > 1
    assert directory.name(team, box.users["ada"]) == "ada"
    assert "\u202e" not in directory.name(team, box.users["eve"])


def test_one_workspace_knows_nothing_of_another(box):
    directory = Directory(StoppedClock())
    directory.keep_fresh("T1", box.web)
    assert directory.name("T2", box.users["ada"]) is None


def test_it_asks_once_an_hour(box):
    clock, client = StoppedClock(), Counted(box.web)
    directory = Directory(clock)
    directory.keep_fresh("T1", client)
    pages = client.pages
    directory.keep_fresh("T1", client)
    assert client.pages == pages
    clock.time += timedelta(minutes=61)
    directory.keep_fresh("T1", client)
    assert client.pages == 2 * pages


def test_what_is_known_stays_when_slack_refuses(box):
    clock = StoppedClock()
    directory = Directory(clock)
    directory.keep_fresh("T1", box.web)
    clock.time += timedelta(minutes=61)
    directory.keep_fresh("T1", web_client("xoxb-wrong", box.info["api_url"]))
    assert directory.name("T1", box.users["ada"]) == "ada"
