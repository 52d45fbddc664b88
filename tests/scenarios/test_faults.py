"""Each thing that can go wrong with Slack, alone: the bot goes on, no vote is lost, no message is there twice."""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.scenarios.conftest import wait_until
from tests.support.operator import House, open_house
from tierbot.domain.feedback.votes import standing
from tierbot.domain.nouns import Article
from tierbot.use_cases.delivery import dispatch

SHARES = {
    "a call is refused with 429": {"api_429": 0.4, "retry_after": 1},
    "a call fails with 5xx": {"api_500": 0.4},
    "a call is done and its answer lost": {"api_lost_answer": 0.4},
    "acknowledgements are lost": {"lost_ack": 0.5},
    "acknowledgements are slow": {"slow_ack": 1.0, "slow_ack_seconds": 1.0},
    "events come twice": {"duplicate_event": 1.0},
    "events overtake each other": {"reorder_event": 1.0, "reorder_seconds": 1.0},
    "events never come": {"drop_event": 1.0},
    "lists of users are cut short": {"cut_users": 1, "drop_event": 0.5},
    "connections are refused": {"link_disabled": True},
    "connections are turned away": {"too_many_websockets": True},
}
MOMENTS = {
    **{
        f"disconnect, {reason}": ("sockets", {"do": "disconnect", "reason": reason}, None)
        for reason in ("warning", "refresh_requested", "link_disabled", "too_many_websockets")
    },
    "the connection is cut": ("sockets", {"do": "cut"}, None),
    "the connection is silent": ("sockets", {"do": "silence"}, ("sockets", {"do": "wake"})),
    "the token is revoked": ("revoke", {}, ("revoke", {"restore": True})),
    "the channel is archived": ("archive", {"archived": True}, ("archive", {"archived": False})),
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with pytest.MonkeyPatch.context() as patch, open_house(tmp_path_factory.mktemp("faults")) as built:
        patch.setattr(dispatch, "_FIXING", 1)  # a person fixes the workspace within a second here
        yield built


@pytest.mark.parametrize("name", SHARES)
def test_a_fault_that_lasts_loses_no_vote_and_sends_nothing_twice(house: House, name: str) -> None:
    house.do("faults", **SHARES[name])
    if {"link_disabled", "too_many_websockets"} & SHARES[name].keys():
        house.do("sockets", do="cut")
    try:
        played(house)
    finally:
        house.http.delete("faults")
    compared(house)


@pytest.mark.parametrize("name", MOMENTS)
def test_a_fault_of_a_moment_loses_no_vote_and_sends_nothing_twice(house: House, name: str) -> None:
    (call, body, undone) = MOMENTS[name]
    house.do(call, **body)
    try:
        played(house, may_react=name != "the channel is archived")
    finally:
        if undone:
            house.do(undone[0], **undone[1])
    compared(house)


def test_a_deleted_message_keeps_its_votes_and_stops_nothing(house: House) -> None:
    (post,) = house.post(1)
    house.react("bob", post, "pizza")
    house.do("delete", ts=post.ts)
    house.bot.loop.reconcile(house.workspace)
    with house.bot.store.read(house.workspace) as tx:
        assert [event.name for event in tx.ledger.events(post.channel, str(post.ts))] == ["pizza"]
    played(house)
    compared(house)


def played(house: House, *, may_react: bool = True) -> None:
    """Ask about one more article, and let three colleagues react to what stands."""
    with house.bot.store.read(house.workspace) as tx:
        before = tx.articles.count()
    article = Article(
        f"f{before}", f"Story {before * 7919} about pizza", "", f"https://n.example/{before}", "News", house.clock.now()
    )
    house.bot.loop.take_in(house.workspace, [article])
    assert house.bot.loop.ask(house.workspace, 1) == 1
    latest = [message["ts"] for message in house.messages() if message.get("metadata")][-1:]
    for ts in latest if may_react else ():
        for user in ("bob", "cid", "dee"):
            for act, emoji in (("react", "pizza"), ("react", "car"), ("unreact", "pizza")):
                house.http.post(act, json={"user": user, "ts": ts, "name": emoji})


def compared(house: House) -> None:
    """Fail unless, soon after, the ledger is what stands in Slack and each message is there once."""

    def is_so() -> bool:
        house.bot.loop.reconcile(house.workspace)
        truth = {(ts, user, name) for _, ts, user, name in house.see("votes")["votes"]}
        with house.bot.store.read(house.workspace) as tx:
            posts = tx.posts.in_round(1)
            sent = {str(post.ts) for post in posts if post.ts}
            found = {
                (str(post.ts), one.user, one.name)
                for post in posts
                if post.ts
                for one in standing(tx.ledger.events(post.channel, str(post.ts)))
            }
        there = {message["ts"] for message in house.messages()}
        return len(sent) == len(posts) and {one for one in found if one[0] in there} == truth

    wait_until(is_so, "the ledger to be what stands in Slack", 90)
    marks = Counter(
        message["metadata"]["event_payload"]["delivery_id"] for message in house.messages() if message.get("metadata")
    )
    assert [mark for mark, times in marks.items() if times > 1] == []
