"""Admins are those listed, or those that Slack names; Slack is asked seldom."""

from datetime import timedelta

import pytest

from tests.adapters.slack.conftest import StoppedClock
from tierbot.adapters.slack.admins import Admins, is_stranger, list_admins
from tierbot.adapters.slack.calls import web_client
from tierbot.domain.nouns import TierbotError


@pytest.fixture(scope="module")
def box(start):
    sandbox = start()
    for name, kind in (("gus", "guest"), ("rob", "bot")):
        user = sandbox.do("users", name=name, **{kind: True})["user"]
        sandbox.users[name] = user["id"]
    return sandbox


class Counted:
    """A client that counts how often it asks."""

    def __init__(self, client):
        self.client, self.asked = client, 0

    def users_info(self, **arguments):
        """Ask, and count."""
        self.asked += 1
        return self.client.users_info(**arguments)


def test_slacks_admins_are_admins_where_nobody_is_listed(box):
    admins = Admins((), StoppedClock())
    answers = {name: admins.has(box.info["team_id"], box.users[name], box.web) for name in ("ada", "bob", "gus", "rob")}
    assert answers == {"ada": True, "bob": False, "gus": False, "rob": False}


def test_guests_and_people_of_other_teams_are_no_admins_whatever_they_are_at_home(box):
    kinds = {"una": {"ultra": True, "admin": True}, "gia": {"guest": True, "admin": True}}
    kinds["sam"] = {"home": "T0ELSEWHERE", "admin": True}
    users = {name: box.do("users", name=name, **kind)["user"]["id"] for name, kind in kinds.items()}
    admins = Admins((), StoppedClock(), installers=lambda _: ())
    assert [admins.has(box.info["team_id"], user, box.web) for user in users.values()] == [False] * 3
    assert not set(users.values()) & set(list_admins(box.web, box.info["team_id"]))


def test_a_member_of_the_organisations_other_workspace_who_is_in_this_one_too_is_no_stranger():
    member = {"team_id": "T2", "enterprise_user": {"teams": ["T1", "T2"]}}
    assert not is_stranger(member, "T1")
    assert is_stranger(member, "T3")
    assert is_stranger({"team_id": "T1", "is_stranger": True}, "T1")


def test_who_installed_the_app_is_an_admin_there_and_nowhere_else(box):
    team, bob = box.info["team_id"], box.users["bob"]
    admins = Admins((), StoppedClock(), installers=lambda workspace: {bob} if workspace == team else ())
    assert admins.has(team, bob, box.web)
    assert not admins.has("T0ELSEWHERE", bob, box.web)


def test_the_list_outranks_slack(box):
    admins = Admins((box.users["bob"],), StoppedClock())
    assert admins.has(box.info["team_id"], box.users["bob"], box.web)
    assert not admins.has(box.info["team_id"], box.users["ada"], box.web)


def test_slack_is_asked_again_only_after_some_minutes(box):
    clock, client = StoppedClock(), Counted(box.web)
    admins = Admins((), clock)
    for _ in range(3):
        assert admins.has(box.info["team_id"], box.users["ada"], client)
    assert client.asked == 1
    clock.time += timedelta(minutes=6)
    assert admins.has(box.info["team_id"], box.users["ada"], client)
    assert client.asked == 2


def test_an_answer_for_one_workspace_is_none_for_another(box):
    admins, client = Admins((), StoppedClock()), Counted(box.web)
    admins.has(box.info["team_id"], box.users["ada"], client)
    admins.has("T2", box.users["ada"], client)
    assert client.asked == 2


def test_a_user_that_slack_does_not_know_is_no_admin(box):
    assert not Admins((), StoppedClock()).has("T1", "U0NOBODY", box.web)


def test_where_slack_does_not_tell_the_remedy_is_named(box):
    stranger = web_client("xoxb-wrong", box.info["api_url"])
    with pytest.raises(TierbotError, match="TIERBOT_ADMINS"):
        Admins((), StoppedClock()).has("T1", box.users["ada"], stranger)
