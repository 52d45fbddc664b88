"""“Tag this” and mentions, over real sockets: the question stands below the message, and votes there count."""

import pytest

from tests.scenarios.conftest import wait_until
from tests.support.operator import House, open_house
from tierbot.adapters.store import StoreError
from tierbot.use_cases.articles.tag_requests import TagRequests


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with open_house(tmp_path_factory.mktemp("house")) as opened:
        yield opened


def questions(house: House, ts: str, channel: str | None = None):
    """Return the bot's messages below a message."""
    return [one for one in house.messages(channel) if one.get("thread_ts") == ts and one.get("bot_id")]


def bot(house: House) -> str:
    return f"<@{house.see('state')['app']['user_id']}>"


def verdicts(house: House, ts: str):
    with house.bot.store.read(house.workspace) as tx:
        post = tx.posts.at(house.channel, ts)
        return tx.verdicts.latest([post.id]).get(post.id) if post else None


def test_a_tagged_message_is_asked_about_below_itself_and_settles(house: House) -> None:
    ts = house.do("message", user="bob", text="<!here> who wants <https://n.example/x|pizza> &amp; pasta?")["ts"]
    house.do("shortcut", user="cid", callback_id="tag_this", ts=ts, wait=5)
    (asked,) = wait_until(lambda: questions(house, ts), "the question")
    assert "who wants pizza &amp; pasta?" in str(asked["blocks"])
    for user in ("bob", "cid"):
        house.do("react", user=user, ts=asked["ts"], name="pizza")
    found = wait_until(lambda: verdicts(house, asked["ts"]), "the verdict")
    wait_until(lambda: verdicts(house, asked["ts"]).voters == 2, "both votes")
    assert found.support.get("food")
    house.do("shortcut", user="dee", callback_id="tag_this", ts=ts, wait=5)
    wait_until(
        lambda: "already asked about this message" in str(house.see("inbox", user="dee")["ephemerals"]), "to be told"
    )
    assert len(questions(house, ts)) == 1


def test_a_mention_with_text_and_one_below_a_message_ask_in_the_thread(house: House) -> None:
    me = bot(house)
    ts = house.do("message", user="bob", text=f"{me} a rocket was launched to the moon")["ts"]
    (asked,) = wait_until(lambda: questions(house, ts), "the question")
    assert "a rocket was launched" in str(asked["blocks"])
    root = house.do("message", user="bob", text="The court has ruled on the lawsuit")["ts"]
    house.do("message", user="cid", text=me, thread_ts=root)
    (below,) = wait_until(lambda: questions(house, root), "the question below")
    assert "The court has ruled" in str(below["blocks"])


def test_a_bare_mention_is_answered_with_how_to_ask(house: House) -> None:
    me = bot(house)
    house.do("message", user="dee", text=me)
    wait_until(
        lambda: "Mention me with the text" in str(house.see("inbox", user="dee")["ephemerals"]), "to be told how"
    )


def test_a_mention_that_could_not_be_written_is_delivered_again_and_asked_about_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    take, faults = TagRequests.take, [StoreError("The disk is full.")]

    def at_first_broken(*given):
        if faults:
            raise faults.pop()
        return take(*given)

    monkeypatch.setattr(TagRequests, "take", at_first_broken)
    ts = house.do("message", user="bob", text=f"{bot(house)} a chef bakes bread")["ts"]
    (asked,) = wait_until(lambda: questions(house, ts), "the question")
    assert "a chef bakes bread" in str(asked["blocks"])
    assert not faults


def test_where_the_bot_is_not_it_says_how_to_let_it_in(house: House) -> None:
    made = house.http.post("channels", json={"name": "elsewhere", "members": ["bob"], "bot": False}).json()
    channel = made["channel"]["id"]
    ts = house.do("message", user="bob", text="pizza?", channel=channel)["ts"]
    answer = house.do("shortcut", user="bob", callback_id="tag_this", ts=ts, channel=channel, wait=5)
    wait_until(
        lambda: "I'm not in this channel" in str(answer) + str(house.see("inbox", user="bob")["ephemerals"]),
        "to be told",
    )
    with house.bot.store.read(house.workspace) as tx:
        assert not any("pizza?" in one.title for one in tx.articles.requested(9, in_threads=True))
