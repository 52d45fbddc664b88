"""“Send me five”: which posts, where they go, and that what is said there counts."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import WORKSPACE, Harness, build_harness
from tierbot.domain.nouns import Arm, Post, ReactionEvent, TierbotError
from tierbot.use_cases.asking.invitations import MOST_UNANSWERED
from tierbot.use_cases.ports import ChatUnavailableError, DeliveryKind, ReactionCount


def post_of(harness: Harness, ts: str, channel: str = "C1") -> Post:
    with harness.bot.store.read(WORKSPACE) as tx:
        post = tx.posts.at(channel, ts)
    assert post is not None
    return post


def send(harness: Harness, user: str, count: int = 5) -> int:
    sent = harness.bot.invitations.send(WORKSPACE, user, count)
    harness.deliver()
    return sent


def messages(harness: Harness, user: str) -> list[str]:
    """Return the ts of the posts in a user's direct messages, oldest first."""
    return sorted(ts for ts, view in harness.chat.posts.items() if view.post.channel == f"D{user}")


def react(harness: Harness, user: str, channel: str, ts: str, name: str, *, added: bool = True) -> None:
    harness.clock.advance(seconds=1)
    now = harness.clock.now()
    event = ReactionEvent(f"Ev-{now.isoformat()}", channel, ts, user, name, added, now, now)
    assert harness.bot.loop.record(WORKSPACE, event)


def verdict(harness: Harness, post: Post):
    harness.settle()
    with harness.bot.store.read(WORKSPACE) as tx:
        return tx.verdicts.latest([post.id])[post.id]


def test_posts_that_need_an_opinion_are_sent_with_the_propensity_of_each_draw_and_settled_ones_last(
    harness: Harness,
) -> None:
    settled, single, split, untouched = harness.posts(4)
    for user in ("U1", "U2"):
        harness.react(user, settled, "pizza")
    harness.react("U1", single, "pizza")
    for user, name in zip(("U1", "U2", "U3", "U4"), ("pizza", "football", "car", "scales"), strict=True):
        harness.react(user, split, name)
    harness.settle()
    assert harness.bot.invitations.send(WORKSPACE, "U9", 3) == 3
    ids = [post_of(harness, ts).id for ts in (split, single, untouched)]
    with harness.bot.store.read(WORKSPACE) as tx:
        drawn = [one.payload for id_ in ids for one in tx.outbox.waiting(DeliveryKind.INVITE, id_)]
    assert len(drawn) == 3
    assert all(one["assigner"] == "need-1" and 0 < one["propensity"] <= 1 for one in drawn)
    assert any(one["propensity"] == 1 for one in drawn)  # the last had no other beside it
    harness.deliver()
    asked = [harness.chat.posts[ts].article.id for ts in messages(harness, "U9")]
    assert set(asked) == {harness.chat.posts[ts].article.id for ts in (split, single, untouched)}
    assert send(harness, "U9") == 1, "who asks for more gets what has settled"
    asked += [harness.chat.posts[ts].article.id for ts in messages(harness, "U9")]
    assert harness.chat.posts[settled].article.id in asked
    assert send(harness, "U9") == 0


def test_what_one_has_judged_is_not_sent_even_before_it_is_tallied(harness: Harness) -> None:
    first, second = harness.posts(2)
    harness.react("U1", first, "pizza")
    assert send(harness, "U1") == 1
    (ts,) = messages(harness, "U1")
    assert harness.chat.posts[ts].article.id == harness.chat.posts[second].article.id


def test_an_invitation_looks_and_is_prefilled_like_the_post(harness: Harness) -> None:
    posts = harness.posts(6)
    before = len(harness.chat.prefilled)
    send(harness, "U1")
    for ts in messages(harness, "U1"):
        view = harness.chat.posts[ts]
        original = next(
            harness.chat.posts[one] for one in posts if harness.chat.posts[one].article.id == view.article.id
        )
        assert (view.tag_id, view.post.arm, view.post.id) == (original.tag_id, original.post.arm, original.post.id)
        prefills = [emoji for where, emoji in harness.chat.prefilled[before:] if where == ts]
        assert prefills == ([] if view.post.arm is Arm.BLANK else [harness.emoji(ts)])


def test_a_reaction_in_direct_messages_is_a_vote_on_the_post(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    harness.react("U1", ts, "football")
    send(harness, "U2")
    (there,) = messages(harness, "U2")
    react(harness, "U2", "DU2", there, "football")
    found = verdict(harness, post_of(harness, ts))
    assert (found.tags, found.voters) == ({"football": 1.0}, 2)
    board = harness.bot.game.leaderboard(WORKSPACE, "this")
    assert {line.user: line.score for line in board.standings} == {"U1": 1, "U2": 1}
    assert harness.bot.explanations.post_for(WORKSPACE, "U2", "DU2", there) == post_of(harness, ts).id


def test_one_person_in_both_places_is_one_voter_until_both_are_taken_back(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    send(harness, "U1")
    (there,) = messages(harness, "U1")
    post = post_of(harness, ts)
    react(harness, "U1", "DU1", there, "football")
    harness.react("U1", ts, "football")
    assert verdict(harness, post).support == {"football": 1}
    react(harness, "U1", "DU1", there, "football", added=False)
    assert verdict(harness, post).support == {"football": 1}
    harness.react("U1", ts, "football", added=False)
    assert verdict(harness, post).support == {}


def test_a_reaction_that_comes_before_the_invitation_is_recorded_still_counts(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    harness.chat.lost_answers = [ChatUnavailableError("no answer")]
    harness.bot.invitations.send(WORKSPACE, "U1")
    harness.bot.loop.deliver(WORKSPACE)
    (there,) = messages(harness, "U1")
    react(harness, "U1", "DU1", there, "football")
    assert harness.settle() == 0
    harness.clock.advance(minutes=3)
    harness.deliver()
    assert verdict(harness, post_of(harness, ts)).support == {"football": 1}


def test_a_menu_vote_from_direct_messages_shows_in_both_places(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    send(harness, "U1")
    (there,) = messages(harness, "U1")
    harness.bot.menu_votes.name(WORKSPACE, "U1", "DU1", there, ["law"], "V1")
    harness.deliver()
    assert sorted(harness.chat.revised) == sorted([(ts, {"law": 1}), (there, {"law": 1})])
    assert harness.bot.menu_votes.menu(WORKSPACE, "U1", "C1", ts).chosen == {"law"}
    assert verdict(harness, post_of(harness, ts)).support == {"law": 1}


def test_reconciling_looks_into_direct_messages_too(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    send(harness, "U1")
    (there,) = messages(harness, "U1")
    harness.chat.shown[there] = [ReactionCount("football", ("U1", "UBOT"), complete=True)]
    harness.clock.advance(seconds=1)
    assert harness.bot.loop.reconcile(WORKSPACE).found == 1
    assert verdict(harness, post_of(harness, ts)).support == {"football": 1}


def test_when_posts_run_out_new_articles_are_posted_to_the_trainer(harness: Harness) -> None:
    harness.posts(2)
    harness.bot.loop.take_in(WORKSPACE, harness.articles(10, start=100))
    assert send(harness, "U1") == 5
    there = messages(harness, "U1")
    assert len(there) == 5
    own = [ts for ts in there if post_of(harness, ts, "DU1").channel == "DU1"]
    assert len(own) == 3
    assert send(harness, "U2") == 5, "the next who asks is invited to the same posts, so that they can settle"
    react(harness, "U1", "DU1", own[0], "pizza")
    other = next(
        ts for ts in messages(harness, "U2")
        if harness.chat.posts[ts].article.id == harness.chat.posts[own[0]].article.id
    )  # fmt: skip
    react(harness, "U2", "DU2", other, "pizza")
    assert verdict(harness, post_of(harness, own[0], "DU1")).tags == {"food": 1.0}


def test_five_to_judge_arrive_at_once_while_the_channel_is_busy(tmp_path: Path) -> None:
    harness = build_harness(tmp_path, slack_posts_per_second=0.5)
    harness.bot.loop.take_in(WORKSPACE, harness.articles(20))
    harness.bot.loop.ask(WORKSPACE, 12)
    assert harness.bot.invitations.send(WORKSPACE, "U1") == 5
    while harness.bot.loop.deliver(WORKSPACE):
        harness.clock.advance(milliseconds=20)
    sent = [view.post for view in harness.chat.posts.values()]
    assert sum(post.channel == "DU1" for post in sent) == 5
    assert sum(post.channel == "C1" for post in sent) == 1, "the channel keeps its pace"
    mine = {ts for ts, view in harness.chat.posts.items() if view.post.channel == "DU1" and view.tag_id}
    assert mine <= {ts for ts, _ in harness.chat.prefilled}
    harness.bot.close()


def test_nobody_is_buried_in_unanswered_posts(harness: Harness) -> None:
    harness.posts(MOST_UNANSWERED + 5)
    assert send(harness, "U1") == 5
    assert send(harness, "U1") == 5
    with pytest.raises(TierbotError, match="still have 10 posts to judge"):
        send(harness, "U1")
    react(harness, "U1", "DU1", messages(harness, "U1")[0], "pizza")
    with pytest.raises(TierbotError, match="still have 9"):
        send(harness, "U1")
    for ts in messages(harness, "U1")[1:5]:
        react(harness, "U1", "DU1", ts, "pizza")
    assert send(harness, "U1") == 5


def test_without_anything_to_judge_nothing_is_sent(harness: Harness) -> None:
    assert send(harness, "U1") == 0
    assert messages(harness, "U1") == []


@pytest.fixture
def encoded(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return how many texts each call to the encoder brought, from now on."""
    calls: list[int] = []
    encode = harness.bot.encoder.encode
    monkeypatch.setattr(harness.bot.encoder, "encode", lambda texts: calls.append(len(texts)) or encode(texts))
    return calls


def test_five_posts_of_the_round_are_sent_without_encoding_anything(harness: Harness, encoded: list[int]) -> None:
    harness.posts(5)
    harness.bot.loop.take_in(WORKSPACE, harness.articles(10, start=100))
    encoded.clear()
    assert send(harness, "U1") == 5
    assert encoded == []


def test_checks_that_fill_a_push_leave_the_news_unencoded(harness: Harness, encoded: list[int]) -> None:
    harness.bot.loop.take_in(WORKSPACE, [replace(one, check_tag="food") for one in harness.articles(2)])
    harness.bot.loop.take_in(WORKSPACE, harness.articles(10, start=100))
    assert harness.bot.loop.ask(WORKSPACE, 2) == 2
    assert encoded == [2]
