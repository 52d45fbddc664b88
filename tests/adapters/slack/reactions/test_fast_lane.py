"""The lane for plain reactions takes what Bolt would take, leaves the rest to it, and tells nobody before the commit."""

import queue

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slack_sdk.socket_mode.request import SocketModeRequest

from tests.adapters.slack.conftest import SmallGame, StoppedClock, desk_of
from tests.adapters.slack.installation.test_installations import TOKEN, installed
from tests.adapters.slack.installation.test_oauth import BOTS_GONE, REACTION, desk  # noqa: F401 - a fixture
from tests.adapters.slack.reactions.test_inbox import IDENTITY, junk, reaction
from tierbot.adapters.slack.admins import Admins
from tierbot.adapters.slack.app import AuthorizeOne, build_app
from tierbot.adapters.slack.connection.intake import answer
from tierbot.adapters.slack.directory import Directory
from tierbot.use_cases.ports import NoMeter


class Members:
    """A client that lists a colleague, a bot, and somebody of another company."""

    def users_list(self, **_):
        ours = {"id": "UOURS", "team_id": "T2", "enterprise_user": {"teams": ["T1", "T2"]}}
        abroad = {"id": "UABROAD", "team_id": "T9", "is_stranger": True}
        return {"members": [ours, abroad, {"id": "UZAP", "team_id": "T1", "is_bot": True}]}


class Two:
    """The app with its lane: an event goes by the lane, or through Bolt only."""

    def __init__(self):
        self.play, clock = SmallGame(), StoppedClock()
        directory = Directory(clock)
        directory.keep_fresh("T1", Members())
        asked = desk_of(self.play, clock, Admins((), clock), lambda _: None)
        self.app = build_app(asked, AuthorizeOne(IDENTITY), base_url="http://127.0.0.1:9/api", directory=directory)

    def by_lane(self, body):
        """Return whether the lane took a body, and how it ended."""
        self.play.ledger.clear()
        ends = queue.SimpleQueue()
        taken = self.app.lane.take(body, ends.put)
        end = ends.get(timeout=20) if taken else None
        assert ends.empty()
        return taken, end, dict(self.play.ledger)

    def by_bolt(self, body):
        self.play.ledger.clear()
        status = answer(self.app, SocketModeRequest("events_api", "envelope", body), NoMeter()).status
        return status, dict(self.play.ledger)


@pytest.fixture(scope="module")
def two():
    return Two()


@pytest.mark.parametrize("body", [reaction(), reaction("reaction_removed"), reaction(user="UOURS", user_team="T2")])
def test_a_plain_reaction_is_taken_and_is_what_bolt_would_have_recorded(two, body):
    taken, end, ledger = two.by_lane(body)
    assert (taken, end, len(ledger)) == (True, True, 1)
    assert two.by_bolt(body) == (200, ledger)


@pytest.mark.parametrize(
    "body",
    [
        reaction(user="UBOT"),
        reaction(user="USLACKBOT"),
        reaction(user="UZAP"),
        reaction(bot_id="B9"),
        reaction(item={"type": "file", "file": "F1"}),
        reaction(user="somebody"),
        reaction(event_ts="yesterday"),
        reaction("member_joined_channel"),
        {**reaction(), "type": "url_verification"},
        {**reaction(), "event_id": None},
        {**reaction(), "authorizations": [{"team_id": "T2"}]},
        {**reaction(), "authorizations": [{"team_id": None}]},
        {**reaction(), "authorizations": [], "team_id": "T2"},
        {**reaction(), "authorizations": "T1"},
        {},
    ],
)
def test_what_is_no_plain_reaction_of_this_workspace_is_left_to_bolt_which_records_nothing_of_it(two, body):
    assert two.by_lane(body) == (False, None, {})
    assert two.by_bolt(body) == (200, {})


@pytest.mark.parametrize(
    "body",
    [
        reaction(user="UABROAD"),
        reaction(user="UABROAD", user_team="T1"),
        reaction(user="UNEW", user_team="T9"),
        reaction(user="UNEW", user_team="E9"),
    ],
    ids=["listed", "listed, whatever the event says", "not listed, of another team", "not listed, of another company"],
)
def test_somebody_of_another_company_in_a_shared_channel_has_no_vote(two, body):
    shared = {**body, "is_ext_shared_channel": True}
    assert two.by_lane(shared) == (False, None, {})
    assert two.by_bolt(shared) == (200, {})


def test_a_colleague_whom_nobody_listed_yet_has_one(two):
    assert two.by_lane(reaction(user="UNEW", user_team="T1"))[:2] == (True, True)
    own = {"team_id": "T1", "enterprise_id": "E1"}
    assert two.by_lane({**reaction(user="UNEW", user_team="E1"), "authorizations": [own]})[:2] == (True, True)


def test_a_ledger_that_fails_is_told_so_that_slack_delivers_again(two, caplog):
    two.play.fault = RuntimeError("the disk is full")
    assert two.by_lane(reaction()) == (True, False, {})
    assert "the disk is full" in caplog.text
    assert two.by_lane(reaction())[:2] == (True, True)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    field=st.sampled_from(
        ["event", "event_id", "team_id", "type", "authorizations", "team", "user", "view", "message"]
    ),
    inner=st.sampled_from(["user", "reaction", "item", "event_ts", "type", "user_team", "bot_id", "team", "channel"]),
    value=junk,
)
def test_whatever_the_lane_takes_bolt_would_have_recorded_alike(two, field, inner, value):
    for body in ({**reaction(), field: value}, reaction(**{inner: value})):
        taken, _, ledger = two.by_lane(body)
        if taken:
            assert two.by_bolt(body) == (200, ledger)
        else:
            assert not ledger


def test_a_workspace_is_known_to_the_lane_only_while_its_installation_was_just_looked_up(desk):  # noqa: F811
    lane, ends = desk.app.lane, queue.SimpleQueue()
    body = {"type": "event_callback", "event_id": "Ev9", "authorizations": [{"team_id": "T1"}], "event": REACTION}
    assert not lane.take(body, ends.put), "not installed"
    desk.all.begin(installed(), TOKEN)
    assert not lane.take(body, ends.put), "nobody looked yet"
    assert desk.event(REACTION).status_code == 200
    assert lane.take(body, ends.put)
    assert ends.get(timeout=20)
    desk.dead.add(TOKEN)
    assert desk.event({"type": "app_uninstalled"}).status_code == 200
    assert not lane.take(body, ends.put), "uninstalled in mid-round"
    assert desk.event(BOTS_GONE).status_code == 200
    assert ends.empty()
