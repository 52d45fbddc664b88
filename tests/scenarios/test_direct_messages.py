"""Whoever writes to the bot gets an answer, and the bot never answers itself, over real sockets."""

import pytest

from tests.scenarios.conftest import wait_until
from tests.support.operator import open_house


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with open_house(tmp_path_factory.mktemp("house")) as opened:
        yield opened


def said_to(house, user: str, text: str) -> str:
    """Write to the bot, and return its answer."""
    channel = house.do("dm", user=user)["channel"]["id"]
    asked = house.do("message", user=user, channel=channel, text=text)["ts"]

    def answers():
        shown = house.see("messages", channel=channel)["messages"]
        return [one for one in shown if one.get("bot_id") and one["ts"] > asked]

    return str(wait_until(answers, "an answer"))


def test_a_greeting_is_answered_with_what_the_bot_can_do_and_once(house):
    assert "your reactions teach me" in said_to(house, "bob", "hello?")
    channel = house.do("dm", user="bob")["channel"]["id"]
    said_to(house, "bob", "and again")
    assert len([one for one in house.see("messages", channel=channel)["messages"] if one.get("bot_id")]) == 2


def test_commands_work_without_a_slash(house):
    assert "Nobody" in said_to(house, "bob", "leaderboard")
    assert "*Movies*" in said_to(house, "bob", "tags film")
    assert "haven't judged an article in round 1" in said_to(house, "bob", "/myscore")
    assert "doesn't exist" in said_to(house, "bob", "leaderboard everything")


def test_a_message_that_slack_delivers_twice_is_answered_once(house):
    house.do("faults", duplicate_event=1.0)
    try:
        said_to(house, "dee", "hello?")
        said_to(house, "dee", "hello again?")
    finally:
        house.do("faults", duplicate_event=0.0)
    channel = house.do("dm", user="dee")["channel"]["id"]
    assert len([one for one in house.see("messages", channel=channel)["messages"] if one.get("bot_id")]) == 2


def test_a_message_in_a_thread_as_slacks_assistant_view_opens_them_is_answered_there(house):
    channel = house.do("dm", user="dee")["channel"]["id"]
    start = house.do("message", user="dee", channel=channel, text="New chat")["ts"]
    house.do("message", user="dee", channel=channel, text="tags film", thread_ts=start)

    def answers():
        shown = house.see("messages", channel=channel, thread_ts=start)["messages"]
        return [one for one in shown if one.get("bot_id") and one.get("thread_ts") == start]

    (answer,) = wait_until(answers, "an answer in the thread")
    assert "*Movies*" in str(answer)
