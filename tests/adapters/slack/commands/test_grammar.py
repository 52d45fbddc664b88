"""What may be typed after a command, and what is said of the rest."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.adapters.slack.conftest import SmallGame, StoppedClock, desk_of
from tierbot.adapters.slack.admins import Admins
from tierbot.adapters.slack.commands.grammar import Action, TierCommand, parse_leaderboard, parse_tier
from tierbot.adapters.slack.commands.listeners import run_admin_command
from tierbot.adapters.slack.faults import UnknownWordError


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("", TierCommand(Action.HELP)),
        (" help ", TierCommand(Action.HELP)),
        ("?", TierCommand(Action.HELP)),
        ("push", TierCommand(Action.PUSH, 1)),
        ("push 20", TierCommand(Action.PUSH, 20)),
        ("PUSH 050", TierCommand(Action.PUSH, 50)),
        ("round", TierCommand(Action.ROUND_STATUS)),
        ("round status", TierCommand(Action.ROUND_STATUS)),
        ("round   close", TierCommand(Action.ROUND_CLOSE)),
        ("retrain", TierCommand(Action.RETRAIN)),
        ("pause", TierCommand(Action.PAUSE)),
        ("resume", TierCommand(Action.RESUME)),
        ("models", TierCommand(Action.MODELS)),
        ("Rollback", TierCommand(Action.ROLLBACK)),
    ],
)
def test_orders_are_understood(typed, meant):
    assert parse_tier(typed) == meant


@pytest.mark.parametrize(
    "typed", ["push 0", "push 501", "push -1", "push two", "push 1 2", "push ²", "push 9999999999"]
)
def test_a_push_of_an_impossible_number_says_what_is_possible(typed):
    with pytest.raises(UnknownWordError, match="1 to 500"):
        parse_tier(typed)


@pytest.mark.parametrize("typed", ["dance", "round open", "retrain now", "<!channel>", "x" * 5000])
def test_an_unknown_word_is_told_all_that_is_possible(typed):
    with pytest.raises(UnknownWordError) as caught:
        parse_tier(typed)
    text = str(caught.value)
    assert all(word in text for word in ("push", "retrain", "round status", "pause", "resume", "models", "rollback"))
    assert "<!" not in text
    assert len(text) < 2500


@pytest.mark.parametrize(
    ("typed", "which"),
    [
        ("", "this"),
        ("this", "this"),
        ("Last", "last"),
        ("ALL", "all"),
        ("7", "7"),
        ("#7", "7"),
        ("round 12", "12"),
        ("help", None),
    ],
)
def test_leaderboards_are_chosen(typed, which):
    assert parse_leaderboard(typed) == which


@pytest.mark.parametrize("typed", ["0", "-3", "yesterday", "7 8", "٣", "1e3", "9" * 30])
def test_an_unknown_leaderboard_is_told_what_there_is(typed):
    with pytest.raises(UnknownWordError, match="/leaderboard last"):
        parse_leaderboard(typed)


@given(st.text())
def test_whatever_is_typed_is_understood_or_refused_in_words(typed):
    for read in (parse_tier, parse_leaderboard):
        with suppress(UnknownWordError):
            read(typed)


@pytest.fixture
def deps():
    clock = StoppedClock()
    return desk_of(SmallGame(), clock, Admins(("U1",), clock), {"T1": "C1"}.get)


def say(deps, typed, workspace="T1"):
    return run_admin_command(deps, workspace, "U1", parse_tier(typed), "trigger").text


def test_slow_work_is_requested_and_answered_at_once(deps):
    assert say(deps, "push 3") == "I'm posting 3 of 12 waiting stories in <#C1>."
    assert say(deps, "retrain") == (
        "I'm training a new model on 20 settled posts, 3 of them new. I'll announce the result in <#C1>."
    )
    assert say(deps, "round close") == "The round is about to close; I'll announce its champion in <#C1>."
    assert deps.game.requests == [("push", "U1", {"count": 3}), ("retrain", "U1", {}), ("close_round", "U1", {})]


def test_a_workspace_without_a_channel_is_answered_too(deps):
    said = say(deps, "push", workspace="T2")
    assert said == "No channel is set yet. Type `/tier channel` in the channel to play in."
    assert not deps.game.requests


def test_pausing_twice_says_that_it_is_so_already(deps):
    assert say(deps, "pause") == "Paused: no scheduled posts until `/tier resume`."
    assert say(deps, "pause") == "Scheduled posts are already paused."
    assert say(deps, "resume") == "Resumed: scheduled posts are on again."
    assert say(deps, "resume") == "Scheduled posts aren't paused."


def test_what_admins_look_at(deps):
    assert say(deps, "round") == "Round 3: 10 posts, 4 judged"
    assert say(deps, "models") == "2 models"
    assert say(deps, "rollback") == "Rolled back: model 1 (m0001) is in service again."
    assert "`/tier round close` – " in say(deps, "help")
