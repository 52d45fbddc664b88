"""The channel is closed to the bot: by Socket Mode and by HTTP, on both databases, posts wait, and go out once it is open."""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.scenarios.conftest import wait_until
from tests.support.operator import WAYS, House, open_house_by
from tierbot.domain.nouns import Article, Post
from tierbot.use_cases.ports import DeliveryState

# How a channel is closed and opened again, and what admins are told about it.
CLOSED: dict[str, tuple[tuple[str, dict[str, object]], tuple[str, dict[str, object]], str]] = {
    "removed": (("leave", {"user": "tierbot"}), ("join", {"user": "tierbot"}), "I'm no longer in"),
    "archived": (("archive", {}), ("archive", {"archived": False}), "is archived"),
}


@pytest.fixture(scope="module", params=WAYS, ids=" and ".join)
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house_by(request.param, tmp_path_factory.mktemp("house")) as built:
        yield built


def told(house: House) -> list[str]:
    """Return what the admins were told about closed channels."""
    inboxes = house.see("inbox", user="ada")["direct"]
    texts = [str(message["blocks"]) for direct in inboxes for message in direct["messages"]]
    return [text for text in texts if "tier channel" in text]


def ask(house: House, count: int) -> None:
    """Have so many new stories posted, without waiting for them."""
    with house.bot.store.read(house.workspace) as tx:
        start = tx.articles.count()
    now = house.bot.clock.now()
    articles = [
        Article(f"w{i}", f"Story {i * 7919} about pizza", "", f"https://n.example/w{i}", "News", now)
        for i in range(start, start + count)
    ]
    house.bot.loop.take_in(house.workspace, articles)
    assert house.bot.loop.ask(house.workspace, count) == count


def posts(house: House) -> list[Post]:
    with house.bot.store.read(house.workspace) as tx:
        return tx.posts.in_round(1)


def all_sent(house: House) -> bool:
    with house.bot.store.read(house.workspace) as tx:
        counts = tx.outbox.counts()
    assert counts[DeliveryState.PARKED] == 0
    return counts[DeliveryState.PENDING] + counts[DeliveryState.SENDING] == 0 and all(post.ts for post in posts(house))


def once_each(house: House) -> bool:
    marks = Counter(one["metadata"]["event_payload"]["delivery_id"] for one in house.messages() if one.get("metadata"))
    return set(marks.values()) <= {1}


def closed(house: House) -> list[str]:
    with house.bot.store.read(house.workspace) as tx:
        return [one.why for one in tx.channels.closed()]


def say(house: House, command: str) -> str:
    elsewhere = {"channel": direct_of(house)}
    return str(house.do("command", user="ada", command=command, wait=20, **elsewhere)["responses"])


def direct_of(house: House) -> str:
    return str(house.do("dm", user="ada")["channel"]["id"])


@pytest.mark.parametrize("name", CLOSED)
def test_posts_wait_until_the_channel_is_open_again_and_admins_are_told_once_what_to_do(
    house: House, name: str
) -> None:
    (shut, shut_with), (open_, open_with), says = CLOSED[name]
    before = len(told(house))
    house.do(shut, **shut_with)
    wait_until(lambda: len(told(house)) == before + 1, "the admins to be told")
    assert says in told(house)[-1]
    ask(house, 3)
    waits = wait_until(lambda: "3 messages waiting" in (said := say(house, "/tier")) and said, "/tier to say so")
    assert says in waits
    attempts = [one.failures for one in unsent(house)]
    assert attempts == [0] * len(attempts), "waiting uses nothing up"
    house.do(open_, **open_with)
    wait_until(lambda: all_sent(house), "the posts to be sent", 20)
    assert once_each(house)
    assert closed(house) == []
    assert "waiting" not in say(house, "/tier")
    assert len(told(house)) == before + 1, "once"


def unsent(house: House):
    with house.bot.store.read(house.workspace) as tx:
        return tx.outbox.unsent()


def test_a_channel_that_is_made_private_is_played_in_as_before(house: House) -> None:
    house.do("private")
    (post,) = house.post(1)
    house.react("bob", post, "pizza")
    house.do("leave", user="tierbot")
    wait_until(lambda: closed(house) == ["channel_not_found"], "the channel to be closed")
    ask(house, 1)
    house.do("join", user="tierbot")
    wait_until(lambda: all_sent(house), "the posts to be sent", 20)
    house.do("private", private=False)


def test_a_renamed_channel_is_played_in_as_before(house: House) -> None:
    house.do("rename", name="stories")
    house.post(1)
    house.do("rename", name="trending")


@pytest.mark.parametrize("is_told", [True, False], ids=["told", "not told"])
def test_votes_under_a_new_id_reach_their_posts_and_posts_go_out_under_it(house: House, is_told: bool) -> None:
    (post,) = house.post(1)
    house.react("bob", post, "pizza")
    house.do("faults", drop_event=0.0 if is_told else 1.0)
    new = str(house.do("change_id")["channel"]["id"])
    house.do("react", user="cid", ts=post.ts, name="pizza", channel=new)
    house.http.delete("faults")
    ask(house, 2)
    wait_until(lambda: all_sent(house), "the posts to be sent", 30)
    assert once_each(house)
    assert {one.channel for one in posts(house)} == {new}
    house.do("react", user="dee", ts=post.ts, name="pizza", channel=new)
    wait_until(lambda: voters(house, post) == {"bob", "cid", "dee"}, "the votes before and after the change")
    with house.bot.store.read(house.workspace) as tx:
        team = tx.workspaces.get()
    assert team is not None
    assert team.channel == new
    assert closed(house) == []


def voters(house: House, post: Post) -> set[str]:
    names = {user: name for name, user in house.users.items()}
    with house.bot.store.read(house.workspace) as tx:
        return {names[vote.user] for vote in tx.ledger.votes([post.id])[post.id]}


def test_posts_for_a_deleted_channel_go_to_the_one_that_an_admin_chooses(house: House) -> None:
    """The last one: the home channel is gone afterwards."""
    before = len(told(house))
    other = house.do("channels", name="elsewhere", members=["ada", "bob"])["channel"]["id"]
    house.do("delete_channel")
    wait_until(lambda: len(told(house)) == before + 1, "the admins to be told")
    ask(house, 2)
    wait_until(lambda: "2 messages waiting" in say(house, "/tier"), "/tier to say so")
    assert "From now on I play in" in say(house, f"/tier channel {other}")
    wait_until(lambda: all_sent(house), "the posts to be sent", 30)
    there = [one for one in house.messages(other) if one.get("metadata")]
    assert len(there) == 2
