"""A reaction is in the ledger before it is acknowledged; anything else is dropped; nothing crashes the inbox."""

import logging
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slack_sdk.socket_mode.request import SocketModeRequest

from tests.adapters.slack.conftest import NOW, SmallGame, StoppedClock, desk_of
from tierbot.adapters.slack.admins import Admins
from tierbot.adapters.slack.app import Identity, build_app
from tierbot.adapters.slack.connection.intake import answer
from tierbot.domain.nouns import Origin, ReactionEvent, Source
from tierbot.use_cases.ports import NoMeter

IDENTITY = Identity("T1", "Pizza Science", "UBOT", "BBOT", "xoxb-never-used")


class Inbox:
    """The app with a small game behind it; it has no network to reach."""

    def __init__(self):
        self.game, clock = SmallGame(), StoppedClock()
        deps = desk_of(self.game, clock, Admins(("UADMIN",), clock), lambda _: None)
        self.app = build_app(deps, IDENTITY, base_url="http://127.0.0.1:9/api", ignored_users=frozenset({"UOTHERBOT"}))

    def deliver(self, body) -> int:
        """Return the status that Bolt answers to a body."""
        return answer(self.app, SocketModeRequest("events_api", "envelope", body), NoMeter()).status


@pytest.fixture(scope="module")
def inbox():
    return Inbox()


@pytest.fixture(autouse=True)
def _empty(inbox):
    inbox.game.ledger.clear()
    inbox.game.deliveries.clear()


def reaction(kind="reaction_added", event_id="Ev1", user="U1", name="pizza", **event):
    return {
        "type": "event_callback",
        "team_id": "T1",
        "event_id": event_id,
        "event_time": 1762959600,
        "authorizations": [{"team_id": "T1", "user_id": "UBOT", "is_bot": True}],
        "event": {
            "type": kind,
            "user": user,
            "reaction": name,
            "item": {"type": "message", "channel": "C1", "ts": "1762950000.000100"},
            "event_ts": "1762959600.250000",
            **event,
        },
    }


def test_a_reaction_becomes_an_event_in_the_ledger(inbox):
    assert inbox.deliver(reaction(name="thumbsup::skin-tone-3")) == 200
    assert inbox.game.ledger == {
        ("T1", "Ev1"): ReactionEvent(
            event_id="Ev1",
            channel="C1",
            ts="1762950000.000100",
            user="U1",
            name="thumbsup::skin-tone-3",
            added=True,
            happened_at=datetime(2025, 11, 12, 15, 0, 0, 250000, tzinfo=UTC),
            received_at=NOW,
            source=Source.REACTION,
            origin=Origin.EVENT,
        )
    }


def test_a_removal_is_an_event_too(inbox):
    assert inbox.deliver(reaction("reaction_removed")) == 200
    assert [event.added for event in inbox.game.deliveries] == [False]


def test_the_worker_is_told_after_the_acknowledgement(inbox):
    while inbox.game.told.acquire(blocking=False):
        pass
    assert inbox.deliver(reaction()) == 200
    assert inbox.game.told.acquire(timeout=5)


def test_a_ledger_that_fails_is_answered_500_so_that_slack_delivers_again(inbox, caplog):
    inbox.game.fault = RuntimeError("the disk is full")
    assert inbox.deliver(reaction()) == 500
    assert inbox.game.ledger == {}
    assert "the disk is full" in caplog.text
    assert inbox.deliver(reaction()) == 200
    assert len(inbox.game.ledger) == 1


def test_an_event_delivered_twice_is_in_the_ledger_once(inbox):
    assert [inbox.deliver(reaction()), inbox.deliver(reaction())] == [200, 200]
    assert (len(inbox.game.deliveries), len(inbox.game.ledger)) == (2, 1)


@pytest.mark.parametrize(
    "body",
    [
        reaction(user="UBOT"),
        reaction(user="UOTHERBOT"),
        reaction(user="USLACKBOT"),
        reaction(bot_id="B9"),
        reaction(item={"type": "file", "file": "F1"}),
        {**reaction(), "team_id": "T2", "authorizations": [{"team_id": "T2"}]},
    ],
    ids=["ourselves", "a known bot", "slackbot", "some bot", "a file", "another workspace"],
)
def test_what_is_no_vote_is_acknowledged_and_not_recorded(inbox, body):
    assert inbox.deliver(body) == 200
    assert inbox.game.ledger == {}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"user": None}, "user is missing"),
        ({"user": ["U1"]}, "user is missing"),
        ({"reaction": ""}, "reaction is missing"),
        ({"reaction": "x" * 300}, "reaction is missing"),
        ({"event_ts": "yesterday"}, "event_ts 'yesterday' isn't a Slack timestamp"),
        ({"event_ts": "99999999999.000000"}, ""),
        ({"item": None}, "event.item isn't an object"),
        ({"item": {"type": "message", "channel": "C1", "ts": "1e9"}}, "ts '1e9' isn't a Slack timestamp"),
        ({"item": {"type": "message", "ts": "1762950000.000100"}}, "channel is missing"),
    ],
)
def test_a_malformed_event_is_acknowledged_and_logged_once(inbox, caplog, change, why):
    with caplog.at_level(logging.WARNING, logger="tierbot"):
        status = inbox.deliver(reaction(**change))
    assert status == 200
    if why:
        (record,) = [record for record in caplog.records if record.name.startswith("tierbot")]
        assert why in record.getMessage()
        assert inbox.game.ledger == {}


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def test_an_event_that_nobody_listens_to_is_acknowledged(inbox):
    """Unacknowledged it would come four times; an app that fails often is disabled by Slack."""
    assert inbox.deliver(reaction("member_joined_channel")) == 200


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.dictionaries(st.sampled_from(["type", "event", "command", "user", "team"]), junk))
def test_a_body_of_junk_is_acknowledged(inbox, body):
    assert inbox.deliver(body) == 200


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(field=st.sampled_from(["event", "event_id", "team_id", "type", "authorizations", "team", "user"]), value=junk)
def test_a_body_with_any_field_replaced_by_junk_is_acknowledged(inbox, field, value):
    assert inbox.deliver({**reaction(), field: value}) == 200


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(field=st.sampled_from(["user", "reaction", "item", "event_ts", "item_user", "type"]), value=junk)
def test_an_event_with_any_field_replaced_by_junk_is_acknowledged(inbox, field, value):
    assert inbox.deliver(reaction(**{field: value})) == 200


def test_after_slack_dropped_events_open_posts_are_compared_when_that_ends(inbox):
    told = []
    deps = replace(
        desk_of(inbox.game, StoppedClock(), Admins((), StoppedClock()), lambda _: None),
        on_events_missed=lambda *what: told.append(what),
    )
    app = build_app(deps, IDENTITY, base_url="http://127.0.0.1:9/api")
    notice = {"type": "app_rate_limited", "team_id": "T1", "api_app_id": "A1", "minute_rate_limited": 1762959600}
    for body in (notice, {**notice, "minute_rate_limited": "soon"}, {**notice, "minute_rate_limited": 10**30}):
        assert answer(app, SocketModeRequest("events_api", "envelope", body), NoMeter()).status == 200
    assert told == [("T1", datetime(2025, 11, 12, 15, 1, tzinfo=UTC))]
