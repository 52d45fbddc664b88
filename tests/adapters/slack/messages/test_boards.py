"""The boards say who leads, how far it is to the next, and how the round goes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tierbot.adapters.slack.messages.boards import (
    render_leaderboard,
    render_models,
    render_my_score,
    render_round_status,
)
from tierbot.domain.nouns import Estimate, ModelState, ModelVersion, Round, Standing
from tierbot.domain.rounds.boards import Leaderboard, MyScore, RoundStatus
from tierbot.sandbox.blocks import validate_blocks

NOW = datetime(2025, 11, 12, 15, 0, tzinfo=UTC)
ANNA = Standing(1, "U0ANNA", 42, 42, 30, 32)
BEN = Standing(2, "U0BEN", 31, 31, 0, 0)
CLEO = Standing(4, "U0CLEO", 7, 7, 1, 4)
OPEN = Leaderboard(3, False, NOW + timedelta(days=2, hours=3), None, None, (ANNA, BEN, CLEO))


def texts(message):
    return [block["text"]["text"] if "text" in block else block["elements"][0]["text"] for block in message.blocks]


def test_an_open_leaderboard_shows_medals_scores_and_what_is_left():
    message = render_leaderboard(OPEN, NOW)
    assert texts(message) == [
        "Leaderboard · Round 3",
        ("🥇 <@U0ANNA> *42* · 94% agreement\n🥈 <@U0BEN> *31*\n4. <@U0CLEO> *7* · 25% agreement"),
        "The round closes in 2 d 3 h. One point per article judged.",
    ]
    assert message.text == "Leaderboard · Round 3: <@U0ANNA> leads"


def test_a_frozen_leaderboard_shows_who_won():
    frozen = replace(OPEN, frozen=True, closes_at=None, champion="U0ANNA", sharpshooter="U0CLEO")
    assert texts(render_leaderboard(frozen, NOW))[2:] == [
        "🏆 <@U0ANNA> is the champion. 🎯 <@U0CLEO> is the sharpshooter.",
        "This round is closed; its standings are final.",
    ]


def test_the_leaderboard_of_all_time_says_so():
    assert (
        texts(render_leaderboard(replace(OPEN, round_number=None, closes_at=None), NOW))[0] == "Leaderboard · All time"
    )


def test_an_empty_leaderboard_says_how_to_get_on_it():
    empty = render_leaderboard(replace(OPEN, standings=()), NOW)
    assert "React to a post with the emoji of its topic." in texts(empty)[1]


@given(st.integers(0, 300))
def test_a_leaderboard_of_any_length_is_taken_by_slack(trainers):
    board = replace(OPEN, standings=tuple(Standing(i, f"U{i:020}", 10**9, 10**9, 1, 3) for i in range(1, trainers + 1)))
    message = render_leaderboard(board, NOW)
    assert validate_blocks(list(message.blocks)) == []
    if trainers > 20:
        assert f"… and {trainers - 20} more trainers" in texts(message)[1]


def test_my_score_says_rank_distance_and_streak():
    mine = MyScore("U0BEN", 3, BEN, ANNA, 12, 6)
    assert texts(render_my_score(mine)) == [
        (
            "*Round 3*: you are *2nd of 12* with *31 points*.\n"
            "31 articles judged, 0 of them settled.\n"
            "12 more articles to pass <@U0ANNA>."
        ),
        "🔥 6 days in a row",
    ]


def test_the_leader_is_told_that_nobody_is_ahead():
    mine = MyScore("U0ANNA", 3, ANNA, None, 12, 1)
    assert texts(render_my_score(mine)) == [
        (
            "*Round 3*: you are *1st of 12* with *42 points*.\n"
            "42 articles judged, 32 of them settled. You agreed with the team on 94%.\n"
            "Nobody is ahead of you. 🏆"
        )
    ]


def test_a_newcomer_is_told_how_to_begin():
    assert texts(render_my_score(MyScore("U0DAN", 3, None, None, 12, 0))) == [
        "You haven't judged an article in round 3 yet. React to a post with its topic's emoji."
    ]


def test_the_status_of_a_round_counts_everything_once():
    status = RoundStatus(
        round=Round(3, NOW - timedelta(days=5), NOW + timedelta(hours=5)),
        posts=200,
        judged=190,
        named=150,
        wrong=20,
        abstained=30,
        trainers=12,
        accuracy=Estimate(170, 0.781, 0.71, 0.84),
        blank_accuracy=Estimate(0, None, None, None),
    )
    assert texts(render_round_status(status, NOW)) == [
        (
            "*Round 3*: opened 7 Nov 2025, closes in 5 h 0 min.\n"
            "200 posts, 190 judged by 12 trainers.\n"
            "Settled: 150 named, 20 wrong, 30 undecided.\n"
            "The model: right on 78% of 170 settled posts (95% interval 71 to 84%).\n"
            "On blank posts, which name no tag: nothing settled yet."
        )
    ]


def test_models_are_listed_with_their_state():
    first = ModelVersion("m0001", 1, None, ModelState.RETIRED, "d", "s", NOW - timedelta(days=9), {})
    second = ModelVersion("m0002", 2, "m0001", ModelState.CHAMPION, "d", "s", NOW, {})
    assert texts(render_models([second, first])) == [
        "Models",
        "*2* · m0002 · 🏅 in service · created 12 Nov 2025, from m0001\n*1* · m0001 · retired · created 3 Nov 2025",
    ]
    assert texts(render_models([])) == ["There's no model yet. Train one with `/tier retrain`."]
