"""“Send me five”: which posts, where they go, and that what is said there counts."""

import pytest

from tests.conftest import WORKSPACE, Stage
from tierbot.domain.nouns import Arm, Post, ReactionEvent, TierbotError
from tierbot.use_cases.asking.invitations import MOST_UNANSWERED
from tierbot.use_cases.ports import ChatUnavailableError, DeliveryKind, ReactionCount


def post_of(stage: Stage, ts: str, channel: str = "C1") -> Post:
    with stage.bot.store.read(WORKSPACE) as tx:
        post = tx.posts.at(channel, ts)
    assert post is not None
    return post


def send(stage: Stage, user: str, count: int = 5) -> int:
    sent = stage.bot.invitations.send(WORKSPACE, user, count)
    stage.deliver()
    return sent


def messages(stage: Stage, user: str) -> list[str]:
    """Return the ts of the posts in a user's direct messages, oldest first."""
    return sorted(ts for ts, view in stage.chat.posts.items() if view.post.channel == f"D{user}")


def react(stage: Stage, user: str, channel: str, ts: str, name: str, *, added: bool = True) -> None:
    stage.clock.advance(seconds=1)
    now = stage.clock.now()
    event = ReactionEvent(f"Ev-{now.isoformat()}", channel, ts, user, name, added, now, now)
    assert stage.bot.loop.record(WORKSPACE, event)


def verdict(stage: Stage, post: Post):
    stage.bot.loop.settle(WORKSPACE)
    with stage.bot.store.read(WORKSPACE) as tx:
        return tx.verdicts.latest([post.id])[post.id]


def test_posts_that_need_an_opinion_are_sent_with_the_propensity_of_each_draw_and_settled_ones_last(
    stage: Stage,
) -> None:
    settled, single, split, untouched = stage.posts(4)
    for user in ("U1", "U2"):
        stage.react(user, settled, "pizza")
    stage.react("U1", single, "pizza")
    for user, name in zip(("U1", "U2", "U3", "U4"), ("pizza", "football", "car", "scales"), strict=True):
        stage.react(user, split, name)
    stage.bot.loop.settle(WORKSPACE)
    assert stage.bot.invitations.send(WORKSPACE, "U9", 3) == 3
    ids = [post_of(stage, ts).id for ts in (split, single, untouched)]
    with stage.bot.store.read(WORKSPACE) as tx:
        drawn = [one.payload for id_ in ids for one in tx.outbox.waiting(DeliveryKind.INVITE, id_)]
    assert len(drawn) == 3
    assert all(one["assigner"] == "gain-1" and 0 < one["propensity"] <= 1 and one["gain"] >= 0 for one in drawn)
    assert any(one["propensity"] == 1 for one in drawn)  # the last had no other beside it
    stage.deliver()
    asked = [stage.chat.posts[ts].article.id for ts in messages(stage, "U9")]
    assert set(asked) == {stage.chat.posts[ts].article.id for ts in (split, single, untouched)}
    assert send(stage, "U9") == 1, "who asks for more gets what has settled"
    asked += [stage.chat.posts[ts].article.id for ts in messages(stage, "U9")]
    assert stage.chat.posts[settled].article.id in asked
    assert send(stage, "U9") == 0


def test_what_one_has_judged_is_not_sent_even_before_it_is_tallied(stage: Stage) -> None:
    first, second = stage.posts(2)
    stage.react("U1", first, "pizza")
    assert send(stage, "U1") == 1
    (ts,) = messages(stage, "U1")
    assert stage.chat.posts[ts].article.id == stage.chat.posts[second].article.id


def test_an_invitation_looks_and_is_prefilled_like_the_post(stage: Stage) -> None:
    posts = stage.posts(6)
    before = len(stage.chat.prefilled)
    send(stage, "U1")
    for ts in messages(stage, "U1"):
        view = stage.chat.posts[ts]
        original = next(stage.chat.posts[one] for one in posts if stage.chat.posts[one].article.id == view.article.id)
        assert (view.tag_id, view.post.arm, view.post.id) == (original.tag_id, original.post.arm, original.post.id)
        prefills = [emoji for where, emoji in stage.chat.prefilled[before:] if where == ts]
        assert prefills == ([] if view.post.arm is Arm.BLANK else [stage.emoji(ts)])


def test_a_reaction_in_direct_messages_is_a_vote_on_the_post(stage: Stage) -> None:
    (ts,) = stage.posts(1)
    stage.react("U1", ts, "football")
    send(stage, "U2")
    (there,) = messages(stage, "U2")
    react(stage, "U2", "DU2", there, "football")
    found = verdict(stage, post_of(stage, ts))
    assert (found.tags, found.voters) == ({"football": 1.0}, 2)
    board = stage.bot.game.leaderboard(WORKSPACE, "this")
    assert {line.user: line.score for line in board.standings} == {"U1": 1, "U2": 1}
    assert stage.bot.insight.post_for(WORKSPACE, "U2", "DU2", there) == post_of(stage, ts).id


def test_one_person_in_both_places_is_one_voter_until_both_are_taken_back(stage: Stage) -> None:
    (ts,) = stage.posts(1)
    send(stage, "U1")
    (there,) = messages(stage, "U1")
    post = post_of(stage, ts)
    react(stage, "U1", "DU1", there, "football")
    stage.react("U1", ts, "football")
    assert verdict(stage, post).support == {"football": 1}
    react(stage, "U1", "DU1", there, "football", added=False)
    assert verdict(stage, post).support == {"football": 1}
    stage.react("U1", ts, "football", added=False)
    assert verdict(stage, post).support == {}


def test_a_reaction_that_comes_before_the_invitation_is_recorded_still_counts(stage: Stage) -> None:
    (ts,) = stage.posts(1)
    stage.chat.lost_answers = [ChatUnavailableError("no answer")]
    stage.bot.invitations.send(WORKSPACE, "U1")
    stage.bot.loop.deliver(WORKSPACE)
    (there,) = messages(stage, "U1")
    react(stage, "U1", "DU1", there, "football")
    assert stage.bot.loop.settle(WORKSPACE) == 0
    stage.clock.advance(minutes=3)
    stage.deliver()
    assert verdict(stage, post_of(stage, ts)).support == {"football": 1}


def test_a_menu_vote_from_direct_messages_shows_in_both_places(stage: Stage) -> None:
    (ts,) = stage.posts(1)
    send(stage, "U1")
    (there,) = messages(stage, "U1")
    stage.bot.naming.name(WORKSPACE, "U1", "DU1", there, ["law"], "V1")
    stage.deliver()
    assert sorted(stage.chat.revised) == sorted([(ts, {"law": 1}), (there, {"law": 1})])
    assert stage.bot.naming.menu(WORKSPACE, "U1", "C1", ts).chosen == {"law"}
    assert verdict(stage, post_of(stage, ts)).support == {"law": 1}


def test_reconciling_looks_into_direct_messages_too(stage: Stage) -> None:
    (ts,) = stage.posts(1)
    send(stage, "U1")
    (there,) = messages(stage, "U1")
    stage.chat.shown[there] = [ReactionCount("football", ("U1", "UBOT"), complete=True)]
    stage.clock.advance(seconds=1)
    assert stage.bot.loop.reconcile(WORKSPACE).found == 1
    assert verdict(stage, post_of(stage, ts)).support == {"football": 1}


def test_when_posts_run_out_new_articles_are_posted_to_the_trainer(stage: Stage) -> None:
    stage.posts(2)
    stage.bot.loop.take_in(WORKSPACE, stage.articles(10, start=100))
    assert send(stage, "U1") == 5
    there = messages(stage, "U1")
    assert len(there) == 5
    own = [ts for ts in there if post_of(stage, ts, "DU1").channel == "DU1"]
    assert len(own) == 3
    assert send(stage, "U2") == 5, "the next who asks is invited to the same posts, so that they can settle"
    react(stage, "U1", "DU1", own[0], "pizza")
    other = next(
        ts for ts in messages(stage, "U2")
        if stage.chat.posts[ts].article.id == stage.chat.posts[own[0]].article.id
    )  # fmt: skip
    react(stage, "U2", "DU2", other, "pizza")
    assert verdict(stage, post_of(stage, own[0], "DU1")).tags == {"food": 1.0}


def test_nobody_is_buried_in_unanswered_posts(stage: Stage) -> None:
    stage.posts(MOST_UNANSWERED + 5)
    assert send(stage, "U1") == 5
    assert send(stage, "U1") == 5
    with pytest.raises(TierbotError, match="still have 10 posts to judge"):
        send(stage, "U1")
    react(stage, "U1", "DU1", messages(stage, "U1")[0], "pizza")
    with pytest.raises(TierbotError, match="still have 9"):
        send(stage, "U1")
    for ts in messages(stage, "U1")[1:5]:
        react(stage, "U1", "DU1", ts, "pizza")
    assert send(stage, "U1") == 5


def test_without_anything_to_judge_nothing_is_sent(stage: Stage) -> None:
    assert send(stage, "U1") == 0
    assert messages(stage, "U1") == []
