"""App Home as a view: what it says, and that Slack takes it."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.adapters.slack.conftest import NOW
from tierbot.adapters.slack.block_kit.modals import Button
from tierbot.adapters.slack.home.listeners import render_home
from tierbot.domain.nouns import Estimate, Standing
from tierbot.domain.rounds.boards import Home, Leaderboard, MyScore, Queue
from tierbot.domain.rounds.figures import RoundFigures
from tierbot.sandbox.blocks import validate_view

NONE = Estimate(0, None, None, None)
ANNA, BEN = Standing(1, "U0ANNA", 42, 42, 30, 32), Standing(2, "U0BEN", 31, 31, 0, 0)
HOME = Home(
    score=MyScore("U0BEN", 3, BEN, ANNA, 2, 4),
    board=Leaderboard(3, False, NOW + timedelta(hours=5), None, None, (ANNA, BEN)),
    progress=(
        RoundFigures(1, Estimate(200, 0.7, 0.64, 0.76), NONE),
        RoundFigures(2, NONE, NONE),
        RoundFigures(3, Estimate(180, 0.8, 0.73, 0.85), Estimate(20, 0.75, 0.53, 0.89)),
    ),
    model="m0003",
    opted_out=False,
    queue=Queue(waiting=12, requested=0, unsent=0, next_push=NOW + timedelta(hours=3), paused=False),
)


def said(home, **more):
    return json.dumps(render_home(home, NOW, **more), ensure_ascii=False)


def test_it_says_score_rank_streak_standings_and_progress():
    text = said(HOME)
    assert "you are *2nd of 2* with *31 points*" in text
    assert "🔥 4 days in a row" in text
    assert "Round 3 closes in 5 h 0 min" in text
    assert "🥇 <@U0ANNA> *42*" in text
    assert "`██████████████░░░░░░` *70%*  round 1" in text
    assert "round 2" not in text, "nothing settled in it"
    assert "Round 3: right on 80% of 180 settled posts" in text
    assert "On blank posts, which name no tag: right on 75% of 20 settled posts" in text
    assert "In service: model m0003" in text


def test_a_round_of_four_settled_posts_says_nothing_of_the_model():
    begun = RoundFigures(4, Estimate(4, 0.0, 0.0, 0.49), NONE)
    text = said(replace(HOME, progress=(*HOME.progress, begun)))
    assert "round 4" not in text
    assert "Round 3: right on 80%" in text
    assert "Too early to tell" in said(replace(HOME, progress=(begun,)))


def test_it_says_how_many_stories_wait_and_when_the_next_are_posted():
    assert "12 stories are waiting to be posted. The next posts are due in 3 h 0 min." in said(HOME)
    one = replace(HOME.queue, waiting=1, unsent=2)
    assert "1 story is waiting to be posted, 2 posts are on the way." in said(
        replace(HOME, queue=replace(one, paused=False, next_push=None))
    )
    assert "1 story is waiting to be posted, 2 posts are on the way. Scheduled posts are paused." in said(
        replace(HOME, queue=replace(one, paused=True))
    )
    assert "No stories are waiting to be posted." in said(replace(HOME, queue=replace(HOME.queue, waiting=0)))


def test_standings_name_people_as_told():
    assert "*anna* *42*" in said(HOME, named=lambda user: f"*{user[2:].lower()}*")


@pytest.mark.parametrize(("opted_out", "offered", "not_offered"), [(False, "QUIET", "LOUD"), (True, "LOUD", "QUIET")])
def test_the_switch_offers_the_other_way(opted_out, offered, not_offered):
    text = said(replace(HOME, opted_out=opted_out))
    assert Button[offered] in text
    assert Button[not_offered] not in text
    assert Button.FIVE in text


def test_what_came_of_a_click_is_said_at_the_top():
    assert render_home(HOME, NOW, said="5 posts on the way.")["blocks"][1]["text"]["text"] == "5 posts on the way."


@pytest.mark.parametrize(
    "home",
    [
        HOME,
        Home(
            MyScore("U1", 1, None, None, 0, 0),
            Leaderboard(1, False, None, None, None, ()),
            (),
            None,
            opted_out=True,
            queue=Queue(0, 0, 0, None, paused=True),
        ),
        replace(HOME, board=replace(HOME.board, standings=(ANNA,) * 500)),
        replace(HOME, progress=HOME.progress * 40),
    ],
)
def test_slack_takes_it(home):
    assert validate_view(render_home(home, NOW, said="x" * 3000)) == []
