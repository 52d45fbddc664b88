"""Late votes thanked and nudges sent in Slack, over real sockets; one click ends the nudges."""

from datetime import timedelta

import pytest

from tests.scenarios.conftest import wait_until
from tests.support.operator import House, open_house


@pytest.fixture
def house(tmp_path):
    with open_house(tmp_path, weekdays="mon,tue,wed,thu,fri,sat,sun") as opened:
        yield opened


def ephemerals(house: House, user: str) -> list[str]:
    return [message["text"] for message in house.see("inbox", user=user)["ephemerals"]]


def test_a_late_vote_is_thanked_for_by_emoji_and_by_menu(house):
    first, second = house.post(2)
    house.react("bob", first, "pizza")
    assert house.bot.loop.close_round(house.workspace)
    house.clock.ahead = timedelta(seconds=2)  # for a second the round that closed is still taken for current
    house.react("bob", second, "pizza")
    wait_until(lambda: any("Round 1 is over" in text for text in ephemerals(house, "bob")), "thanks")
    house.react("bob", second, "football")
    menu = house.do("shortcut", user="cid", callback_id="name_the_right_tag", ts=first.ts, wait=5)["views"][0]
    house.do("suggest", user="cid", view_id=menu["id"], action_id="tag", value="food")
    house.do("submit", user="cid", view_id=menu["id"], values={"tag": ["food"]})
    wait_until(lambda: any("Round 1 is over" in text for text in ephemerals(house, "cid")), "thanks by menu")
    assert len(ephemerals(house, "bob")) == 1


def test_a_nudge_comes_by_direct_message_sends_five_and_is_ended_by_one_click(house):
    for post in house.post(2):
        house.react("bob", post, "pizza")
    assert house.bot.loop.close_round(house.workspace)
    house.post(6)
    house.clock.ahead = timedelta(days=2)
    assert house.bot.nudges.nudge(house.workspace, house.clock.now() + timedelta(hours=1)) == 1
    channel = house.do("dm", user="bob")["channel"]["id"]
    (nudge,) = wait_until(lambda: house.messages(channel), "the nudge")
    assert "You haven't played in round 2 yet, and 6 stories could use your opinion" in nudge["text"]
    house.do("action", user="bob", action_id="tierbot_send_me_five", ts=nudge["ts"], channel=channel)
    wait_until(lambda: len(house.messages(channel)) == 6, "five posts")
    house.do("action", user="bob", action_id="tierbot_opt_out", ts=nudge["ts"], channel=channel)
    wait_until(lambda: any("won't mention or remind you" in text for text in ephemerals(house, "bob")), "the answer")
    house.clock.ahead = timedelta(days=4)
    assert house.bot.nudges.nudge(house.workspace, house.clock.now() + timedelta(hours=1)) == 0
