"""Scores, ranks, medals and streaks."""

from dataclasses import replace
from datetime import date, timedelta

from tests.support.votes import NOON, post
from tierbot.domain.feedback import PlainRule
from tierbot.domain.nouns import Post, Says, Standing, Vote
from tierbot.domain.rounds.scores import agrees, all_time_standings, champion, sharpshooter, standings_of, streak


def a_post(number: int, article: str | None = None) -> Post:
    return replace(post(), id=f"p{number}", article_id=article or f"a{number}")


def name(user: str, tag: str = "food", minute: int = 0) -> Vote:
    return Vote(user, Says.NAMES, NOON + timedelta(minutes=minute), tag)


def settled(posts: list[Post], votes: dict[str, list[Vote]]):
    return {p.id: PlainRule().settle(p, votes.get(p.id, []), ledger_cursor=1, now=NOON) for p in posts}


def test_the_score_is_the_number_of_distinct_articles_judged() -> None:
    posts = [a_post(1, "a1"), a_post(2, "a1"), a_post(3)]
    votes = {"p1": [name("U1"), name("U1", "health")], "p2": [name("U1")], "p3": [name("U1"), name("U2")]}
    standings = standings_of(posts, votes, {})
    assert [(s.user, s.score, s.rank) for s in standings] == [("U1", 2, 1), ("U2", 1, 2)]


def test_equal_scores_share_a_rank_and_better_agreement_comes_first() -> None:
    posts = [a_post(1)]
    votes = {"p1": [name("U1", "cars"), name("U2"), name("U3")]}
    standings = standings_of(posts, votes, settled(posts, votes))
    assert [(s.user, s.rank, s.agreement) for s in standings] == [("U2", 1, 1.0), ("U3", 1, 1.0), ("U1", 1, 0.0)]


def test_rejecting_a_wrong_tag_agrees_and_being_unsure_is_neither() -> None:
    posts = [a_post(1)]
    rejections = [Vote(user, Says.REJECTS, NOON) for user in ("U1", "U2")]
    votes = {"p1": [*rejections, Vote("U3", Says.UNSURE, NOON), name("U4")]}
    by_user = {s.user: s.agreement for s in standings_of(posts, votes, settled(posts, votes))}
    assert by_user == {"U1": 1.0, "U2": 1.0, "U3": None, "U4": 0.0}


def test_the_champion_judged_most_and_the_sharpshooter_agrees_best_among_the_busy() -> None:
    standings = [
        Standing(1, "BUSY", 90, 90, 40, 80),
        Standing(2, "SHARP", 25, 25, 20, 20),
        Standing(3, "LUCKY", 3, 3, 3, 3),
    ]
    assert champion(standings) == "BUSY"
    assert sharpshooter(standings) == "SHARP"
    assert champion([]) is None
    assert sharpshooter(standings[2:]) is None


def test_all_time_standings_share_ranks_like_a_rounds_do() -> None:
    ranks = [(s.user, s.rank) for s in all_time_standings([("U3", 5, 1, 2), ("U1", 5, 2, 2), ("U2", 4, 0, 0)])]
    assert ranks == [("U1", 1), ("U3", 1), ("U2", 3)]


def test_equal_scores_go_by_the_share_that_agreed_and_nothing_settled_is_the_least() -> None:
    totals = [("HALF", 4, 2, 4), ("NOTHING", 4, 0, 0), ("ONE", 4, 1, 1), ("THIRD", 4, 1, 3)]
    assert [s.user for s in all_time_standings(totals)] == ["ONE", "HALF", "THIRD", "NOTHING"]
    posts = [a_post(number) for number in range(4)]
    wrong = {"p0": "food", "p1": "food", "p2": "cars", "p3": "cars"}
    votes = {post.id: [name("HALF", wrong[post.id]), name("NOTHING")] for post in posts}
    votes = {key: [*given, name("A"), name("B")] for key, given in votes.items()}
    first = settled(posts, votes)
    assert [s.user for s in standings_of(posts, votes, first)] == ["A", "B", "NOTHING", "HALF"]
    unsure = {key: [Vote("SOLE", Says.UNSURE, NOON), *given] for key, given in votes.items()}
    unsure["p0"].append(name("SOLE"))
    assert [s.user for s in standings_of(posts, unsure, first)] == ["A", "B", "NOTHING", "SOLE", "HALF"]
    none = {key: [Vote("NONE", Says.UNSURE, NOON), *given] for key, given in votes.items()}
    assert [s.user for s in standings_of(posts, none, first)][-1] == "NONE"


def test_who_is_equal_in_all_comes_by_user() -> None:
    assert [s.user for s in all_time_standings([("U2", 4, 1, 2), ("U1", 4, 1, 2)])] == ["U1", "U2"]


def test_what_nobody_settled_or_is_unsure_agrees_with_nothing() -> None:
    (verdict,) = settled([a_post(1)], {"p1": [name("U1"), name("U2")]}).values()
    assert agrees(Vote("U3", Says.UNSURE, NOON), a_post(1), verdict) is None
    (split,) = settled([a_post(1)], {"p1": [name("U1")]}).values()
    assert agrees(name("U1"), a_post(1), split) is None


def test_who_is_always_wrong_is_no_sharpshooter() -> None:
    assert sharpshooter([Standing(1, "WRONG", 30, 30, 0, 30), Standing(2, "HALF", 20, 20, 10, 20)]) == "HALF"


def test_a_streak_ends_today_or_yesterday() -> None:
    today = date(2026, 11, 22)
    days = [today - timedelta(days=n) for n in (1, 2, 3, 5)]
    assert streak(days, today) == 3
    assert streak([*days, today], today) == 4
    assert streak(days, today + timedelta(days=1)) == 0
    assert streak([], today) == 0
