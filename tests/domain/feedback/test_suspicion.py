"""Suspicions: the honest are left alone, each kind of player is noticed, and the evidence can be checked."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tests.support.anchoring import Game, play
from tests.support.votes import NOON, judged
from tierbot.domain.feedback.suspicion import Behavior, Suspicion, Watch
from tierbot.domain.nouns import Arm, Origin, Post, ReactionEvent, Vote

Change = Callable[[Post, Vote, str], str]  # the post, a vote on it and its first true tag → the tag named instead


def played(game: Game, change: Change) -> list[Suspicion]:
    votes = {
        post.id: [replace(vote, tag=change(post, vote, min(game.truth[post.id]))) for vote in game.votes[post.id]]
        for post in game.posts
    }
    return Watch().suspicions(game.posts, votes)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("anchoring", [0.0, 0.35])
def test_an_honest_crowd_raises_no_alarm_about_tags_or_brigades(anchoring: float, seed: int) -> None:
    game = play(anchoring, seed, posts=600)
    found = Watch().suspicions(game.posts, game.votes)
    assert [s for s in found if s.behavior is not Behavior.FARMING] == []
    # With anchoring some are authored to click nearly everything unread: only they may be named.
    unread = np.random.default_rng(seed)
    unread.beta(17, 3, 30)
    likely = unread.beta(5 * anchoring, 5 * (1 - anchoring), 30) if anchoring else np.zeros(30)
    assert all(likely[int(user[1:])] > 0.6 for s in found for user in s.users)


def test_who_clicks_whatever_is_shown_is_noticed() -> None:
    game = play(0.2, 1, posts=600)
    found = played(game, lambda p, v, _: p.shown_tag if v.user == "U00" and p.arm is Arm.TIER else str(v.tag))
    (farmer,) = [s for s in found if s.users == ("U00",)]
    assert farmer.behavior is Behavior.FARMING
    assert farmer.observed == farmer.chances == len(farmer.post_ids) > farmer.expected
    assert all(
        p.shown_tag not in game.truth[p.id] or len(game.truth[p.id]) > 1 for p in game.posts if p.id in farmer.post_ids
    )


def test_who_pushes_one_tag_is_noticed_with_the_tag() -> None:
    game = play(0.2, 2, posts=600)
    found = played(game, lambda _, v, __: "t07" if v.user == "U01" else str(v.tag))
    pusher = next(s for s in found if s.behavior is Behavior.PUSHING)
    assert (pusher.users, pusher.tag) == (("U01",), "t07")
    assert "t07" in pusher.evidence


def test_who_denies_one_tag_is_noticed_with_the_tag() -> None:
    game = play(0.0, 3, posts=600)
    merged = replace(
        game, truth={id_: frozenset({"t00"}) if int(min(t)[1:]) < 8 else t for id_, t in game.truth.items()}
    )
    common: Change = lambda _, v, true: (  # noqa: E731 - one tag is common, so that it can be denied often
        "t33" if true == "t00" and v.user == "U05" else true
    )
    denier = next(s for s in played(merged, common) if s.behavior is Behavior.DENYING)
    assert (denier.users, denier.tag) == (("U05",), "t00")


def test_three_who_name_the_same_wrong_tag_again_and_again_are_one_brigade() -> None:
    game = play(0.2, 4, posts=900)
    gang = {"U02", "U03", "U04"}
    found = played(game, lambda _, v, true: f"t{(int(true[1:]) * 7 + 11) % 64:02}" if v.user in gang else str(v.tag))
    (brigade,) = [s for s in found if s.behavior is Behavior.BRIGADE]
    assert set(brigade.users) <= gang
    assert len(brigade.users) >= 2
    assert brigade.p_value < 0.01
    assert "min apart" in brigade.evidence


def hasty_events(game: Game, origin: Origin) -> tuple[list[Post], list[ReactionEvent]]:
    posts = [replace(post, ts=f"{number}.0") for number, post in enumerate(game.posts)]
    events = [
        judged(user, number, NOON + number * pace, origin)
        for number in range(len(posts))
        for user, pace in (("hasty", timedelta(seconds=0.5)), ("reader", timedelta(seconds=20)))
    ]
    return posts, events


def test_who_judges_faster_than_anyone_reads_is_noticed() -> None:
    posts, events = hasty_events(play(0.0, 5, posts=40), Origin.EVENT)
    (found,) = Watch().suspicions(posts, {}, events)
    assert (found.behavior, found.users, found.observed) == (Behavior.FARMING, ("hasty",), 39)


def test_reactions_found_by_reconciliation_say_nothing_about_haste() -> None:
    posts, events = hasty_events(play(0.0, 5, posts=40), Origin.RECONCILED)
    assert Watch().suspicions(posts, {}, events) == []


def test_nothing_is_suspicious_about_nothing() -> None:
    assert Watch().suspicions([], {}) == []


def test_the_order_of_posts_changes_nothing() -> None:
    game = play(0.5, 6, posts=300)
    assert Watch().suspicions(game.posts, game.votes) == Watch().suspicions(game.posts[::-1], game.votes)
