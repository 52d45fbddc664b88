"""App Home and “send me five”, clicked in Slack, over real sockets."""

import pytest

from tests.scenarios.conftest import wait_until
from tests.support.operator import House, open_house


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with open_house(tmp_path_factory.mktemp("house")) as opened:
        yield opened


def home(house: House, user: str) -> str:
    answer = house.do("home", user=user, wait=10)
    assert answer["changed"]
    return str(answer["view"]["blocks"])


def shown(house: House, user: str) -> str:
    return str(house.see("inbox", user=user).get("home"))


def direct(house: House, user: str) -> str:
    return house.do("dm", user=user)["channel"]["id"]


def test_opening_the_home_shows_how_one_stands(house):
    (post,) = house.post()
    house.react("bob", post, "pizza")
    wait_until(lambda: "you are *1st of" in home(house, "bob"), "bob's score")
    assert "How the model is doing" in home(house, "bob")


def test_five_come_by_direct_message_and_reactions_there_count(house):
    house.post(6)
    house.do("action", user="cid", action_id="tierbot_send_me_five", home=bool(home(house, "cid")))
    channel = direct(house, "cid")
    wait_until(lambda: len(house.messages(channel)) == 5, "five posts")
    assert "5 posts on the way" in wait_until(lambda: "way" in shown(house, "cid") and shown(house, "cid"), "a word")
    message = house.messages(channel)[0]
    with house.bot.store.read(house.workspace) as tx:
        post = tx.posts.at(channel, message["ts"])
    assert post is not None
    assert post.channel == house.channel
    house.do("react", user="cid", ts=message["ts"], name="football", channel=channel)
    house.react("dee", post, "football")

    def settled():
        with house.bot.store.read(house.workspace) as tx:
            found = tx.verdicts.latest([post.id]).get(post.id)
        return found is not None and found.support.get("football") == 2 and set(found.tags) == {"football"}

    wait_until(settled, "the verdict from both places")
    why = house.do("shortcut", user="cid", callback_id="why_this_tag", ts=message["ts"], channel=channel, wait=5)
    house.modal("cid", why["views"][0]["id"], lambda text: "Words that mattered" in text)


def test_opting_out_in_the_home_is_one_click_and_back_is_another(house):
    assert "No mentions, no reminders" in home(house, "ada")
    house.do("action", user="ada", action_id="tierbot_opt_out", home=True)
    wait_until(lambda: "Mention and remind me again" in shown(house, "ada"), "the switch to turn")
    with house.bot.store.read(house.workspace) as tx:
        assert tx.trainers.opted_out() == {house.users["ada"]: "ada"}
    house.do("action", user="ada", action_id="tierbot_opt_in", home=True)
    wait_until(lambda: "No mentions, no reminders" in shown(house, "ada"), "the switch to turn back")
