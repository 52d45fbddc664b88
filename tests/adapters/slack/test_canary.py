"""The smoke test's hands over real sockets: what breaks where no bot listens, and answers that come to this machine."""

import pytest
from slack_bolt import App

from tests.adapters.slack.conftest import SmallGame, StoppedClock, desk_of
from tierbot.adapters.slack.admins import Admins, list_admins
from tierbot.adapters.slack.app import build_app, identify
from tierbot.adapters.slack.canary import COMMANDS, FAKE_USER, Canary, colleague
from tierbot.domain.nouns import TierbotError


@pytest.fixture(scope="module")
def box(start):
    return start()


@pytest.fixture
def game():
    return SmallGame()


@pytest.fixture
def app(box, game) -> App:
    clock = StoppedClock()
    deps = desk_of(game, clock, Admins((), clock), lambda _: box.channel)
    return build_app(deps, identify(box.web), base_url=box.info["api_url"])


def canary(box, app, game, **options):
    def stands(channel, ts, user):
        seen = [event for event in game.deliveries if (event.channel, event.ts, event.user) == (channel, ts, user)]
        return bool(seen) and seen[-1].added

    given = {"channel": box.channel, "emoji": "pizza", "timeout": 0.3, "has_vote": stands, "clock": StoppedClock()}
    return Canary(box.web, app, identify(box.web), **(given | options))


def test_through_the_listeners_a_reaction_reaches_the_ledger_and_leaves_it(box, app, game):
    hands = canary(box, app, game)
    hands.post()
    assert "to the app's listeners directly" in hands.react()
    assert hands.see_vote() == "in the ledger"
    hands.unreact()
    assert hands.see_no_vote() == "revoked in the ledger"
    assert [(event.user, event.name, event.added) for event in game.deliveries] == [
        (FAKE_USER, "pizza", True),
        (FAKE_USER, "pizza", False),
    ]
    assert hands.clean_up() == "deleted the canary"
    assert box.see("messages")["messages"] == []


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("proxy", ["", "http://127.0.0.1:9"])
def test_every_command_is_answered_on_this_machine_whatever_proxy_is_set(box, app, game, command, proxy, monkeypatch):
    hands = canary(box, app, game, timeout=5)
    if proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
    assert "from the app's listeners directly" in hands.command(command)


def test_a_command_that_nobody_answers_breaks_its_step(box, app, game):
    with pytest.raises(TierbotError, match=r"answered|no answer"):
        canary(box, app, game).command("/juggle")


def test_a_command_that_fails_breaks_its_step_with_the_number_that_the_log_has(box, app, game):
    with pytest.raises(TierbotError, match=r"/leaderboard 13: Something went wrong on my side.*number"):
        canary(box, app, game, timeout=5).command("/leaderboard 13")


def test_a_vote_that_does_not_come_breaks_the_step_and_says_where_to_look(box, app, game):
    client = colleague("xoxp-sandbox-bob", box.info["api_url"])
    hands = canary(box, app, game, user_client=client)
    hands.post()
    with pytest.raises(TierbotError, match=r"SLACK_USER_TOKEN.*reactions:write"):
        hands.react()  # this manifest has no user scopes
    with pytest.raises(TierbotError, match=r"within 0\.3 s\. Is `tierbot run` running"):
        hands.see_vote()
    hands.clean_up()


def test_a_fault_of_the_listeners_breaks_the_step(box, app, game):
    hands = canary(box, app, game)
    hands.post()
    game.fault = RuntimeError("disk full")
    with pytest.raises(TierbotError, match="answered 500"):
        hands.react()
    hands.clean_up()


def test_a_token_of_another_kind_is_refused_with_the_kind_that_is_wanted():
    with pytest.raises(TierbotError, match=r"That's a bot token \(xoxb-…\). Expected a user token"):
        colleague("xoxb-1-abc", "https://slack.com/api/")


def test_slacks_own_admins_are_listed(box):
    assert list_admins(box.web, box.info["team_id"]) == [box.users["ada"]]
