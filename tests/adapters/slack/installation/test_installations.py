"""Where the app is installed: tokens sealed at rest, ends that are true, and organisations."""

import logging
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.support.installations import NEW, OLD, TOKEN, Place, installed, org_wide
from tierbot.adapters.slack.installation.vault import Vault, VaultError
from tierbot.use_cases.ports import ChatUnavailableError


@pytest.fixture
def place(tmp_path):
    opened = Place(f"sqlite:///{tmp_path}/bot.db", OLD)
    yield opened
    opened.store.close()


def test_a_token_is_not_in_the_database_as_it_is(place, tmp_path):
    place.all.begin(installed(), TOKEN)
    with place.store._database.read() as connection:
        (kept,) = connection.execute(text("SELECT sealed_token FROM installation")).scalars()
    assert TOKEN not in kept
    place.store.close()
    assert all(TOKEN.encode() not in path.read_bytes() for path in tmp_path.glob("bot.db*"))
    assert place.all.of("T1").token == TOKEN


def test_an_installed_workspace_runs_and_its_joining_is_on_the_agenda(place):
    place.all.begin(installed(), TOKEN)
    assert place.store.running_ids() == ["T1"]
    assert place.jobs() == [("join", "UADA")]
    assert place.all.asked_by("T1", None).bot_user_id == "UBOT"
    assert place.all.asked_by("T2", None) is None
    assert place.all.installers("T1") == {"UADA"}
    assert place.all.installers("T2") == frozenset()


@pytest.mark.parametrize(
    "keys", [(), ("",), ("short",), (OLD, "xoxb-no-key")], ids=["none", "empty", "short", "second"]
)
def test_without_a_key_or_with_one_that_is_none_the_error_says_how_to_make_one(keys):
    with pytest.raises(VaultError, match=r"TIERBOT_SECRET_KEY.*openssl rand -base64 32") as caught:
        Vault(keys)
    assert "xoxb-no-key" not in str(caught.value)


def test_a_wrong_key_is_named_with_both_ways_out(place):
    place.all.begin(installed(), TOKEN)
    with pytest.raises(VaultError, match=r"Append the old key after .* install the app again"):
        place.reopened(NEW).of("T1")


def test_a_new_key_before_the_old_one_takes_all_tokens_over(place):
    place.all.begin(installed(), TOKEN)
    both = place.reopened(NEW, OLD)
    assert both.of("T1").token == TOKEN
    assert both.reseal() == (1, [])
    assert place.reopened(NEW).of("T1").token == TOKEN, "the old key is of no use any more"
    sound, faults = place.reopened(OLD).reseal()
    assert (sound, len(faults)) == (0, 1)
    assert "T1" in faults[0]


def test_an_uninstalled_workspace_stops_keeps_its_data_and_goes_on_when_installed_again(place):
    place.all.begin(installed(), TOKEN)
    before = place.workspace()
    place.dead.add(TOKEN)
    assert place.all.end("T1", "app_uninstalled")
    assert place.all.of("T1") is place.all.asked_by("T1", None) is None
    assert place.store.running_ids() == []
    assert place.workspace() == replace(before, stopped_at=place.clock.now())
    assert not place.all.end("T1", "tokens_revoked"), "once is enough"
    place.clock.time += timedelta(hours=1)
    place.all.begin(installed(installed_at=place.clock.now()), "xoxb-2")
    assert place.workspace() == before
    assert place.all.of("T1").token == "xoxb-2"
    with place.store.read("T1") as tx:
        trail = [(line["who"], line["what"]) for line in tx.workspaces.audit_trail(9)]
    assert trail == [("UADA", "install app"), ("slack", "app_uninstalled"), ("UADA", "install app")]


def test_news_of_an_end_that_comes_late_ends_nothing_new(place):
    """Slack delivers events again for minutes or hours: meanwhile the app may be back."""
    place.all.begin(installed(), TOKEN)
    place.all.begin(installed(), "xoxb-2")
    place.dead.add(TOKEN)
    assert not place.all.end("T1", "app_uninstalled")
    assert place.all.of("T1").token == "xoxb-2"


def test_where_slack_does_not_say_whether_a_token_works_the_event_must_come_again(place):
    place.all.begin(installed(), TOKEN)
    place.fault = ChatUnavailableError("no answer")
    with pytest.raises(ChatUnavailableError):
        place.all.end("T1", "app_uninstalled")
    assert place.all.of("T1").token == TOKEN


def test_an_end_of_a_token_that_no_key_opens_is_believed(place):
    place.all.begin(installed(), TOKEN)
    assert place.reopened(NEW).end("T1", "app_uninstalled")
    assert not place.asked


def test_a_token_that_slack_refuses_in_mid_round_ends_the_installation(place, caplog):
    caplog.set_level(logging.INFO)
    place.all.begin(installed(), TOKEN)
    place.all.lost("T1", "token_revoked")
    assert place.store.running_ids() == ["T1"], "it works: the refusal was about an older one"
    place.dead.add(TOKEN)
    place.all.lost("T1", "token_revoked")
    assert place.store.running_ids() == []
    assert TOKEN not in caplog.text


def test_an_organisations_installation_serves_a_workspace_from_its_first_request(place):
    place.all.begin(org_wide(), TOKEN)
    assert place.store.workspace_ids() == []
    found = place.all.asked_by("T7", "E1")
    assert (found.team_id, found.token) == ("T7", TOKEN)
    assert place.workspace("T7").enterprise == "E1"
    assert place.jobs("T7") == [("join", "UADA")]
    assert place.all.of("T7").token == TOKEN
    assert place.all.asked_by("T8", "E2") is None
    assert place.all.asked_by("T8", None) is None
    assert place.all.asked_by(None, "E1").token == TOKEN


def test_a_workspaces_own_installation_comes_before_its_organisations(place):
    place.all.begin(org_wide(), TOKEN)
    place.all.begin(installed("T7", enterprise="E1"), "xoxb-own")
    assert place.all.asked_by("T7", "E1").token == "xoxb-own"
    assert place.all.of("T7").token == "xoxb-own"
    place.dead.add("xoxb-own")
    assert place.all.end("T7", "app_uninstalled")
    assert place.workspace("T7").stopped_at is not None, "until its organisation lets the app in again"


def test_the_end_of_an_organisations_installation_stops_its_workspaces_but_those_with_their_own(place):
    place.all.begin(org_wide(), TOKEN)
    for team in ("T7", "T8"):
        place.all.asked_by(team, "E1")
    place.all.begin(installed("T8", enterprise="E1"), "xoxb-own")
    place.all.begin(installed("T1"), "xoxb-elsewhere")
    place.dead.add(TOKEN)
    assert place.all.end("E1", "app_uninstalled")
    assert place.store.running_ids() == ["T1", "T8"]
    place.all.begin(org_wide(), "xoxb-again")
    assert place.store.running_ids() == ["T1", "T7", "T8"]


def test_a_workspace_that_its_organisation_takes_the_app_from_stops_and_is_let_in_again(place):
    place.all.begin(org_wide(), TOKEN)
    place.all.asked_by("T7", "E1")
    place.all.revoked("T7", "E1")
    assert place.store.running_ids() == []
    assert place.all.asked_by("T7", "E1") is None
    place.all.revoked("T7", "E2")
    place.all.admit("T7", "E2")
    assert place.store.running_ids() == [], "another organisation has no say"
    place.all.admit("T7", "E1")
    assert place.all.asked_by("T7", "E1").token == TOKEN


def test_an_installation_elsewhere_is_noticed_after_some_seconds(place):
    assert place.all.asked_by("T1", None) is None
    place.reopened(OLD).begin(installed(), TOKEN)
    place.clock.time += timedelta(seconds=6)
    assert place.all.asked_by("T1", None).token == TOKEN
