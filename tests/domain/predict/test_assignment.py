"""Who is asked about what: the most telling post, evenly drawn at times, with exact propensities."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.votes import NOON, names, post, rejects
from tierbot.domain.feedback import PlainRule
from tierbot.domain.feedback.skill import skills
from tierbot.domain.nouns import Arm, Outcome, Post, Verdict, Vote
from tierbot.domain.predict.assignment import Assigner, AssignmentCandidate, believed

SURE = {"food": 0.98, "law": 0.01, "space": 0.01}
OPEN = {"food": 0.34, "law": 0.33, "space": 0.33}


def placed(number: int) -> Post:
    return replace(post(), id=f"p{number}")


def candidate(number: int, belief: dict[str, float], votes: list[Vote] | None = None) -> AssignmentCandidate:
    verdict = PlainRule().settle(placed(number), votes, ledger_cursor=1, now=NOON) if votes else None
    return AssignmentCandidate(placed(number), belief, votes or [], verdict)


def even(_: str) -> float:
    return 0.8


def test_what_is_open_tells_more_than_what_is_sure() -> None:
    sure, open_ = Assigner().gains([candidate(1, SURE), candidate(2, OPEN)], even)
    assert open_ > sure > 0


def test_who_knows_a_topic_gets_its_posts() -> None:
    law, space = {"food": 0.02, "law": 0.49, "space": 0.49}, {"food": 0.49, "law": 0.02, "space": 0.49}
    lawyer = {"law": 0.95, "food": 0.4, "space": 0.4}.__getitem__
    ours, other = Assigner().gains([candidate(1, law), candidate(2, space)], lawyer)
    assert ours > other


def test_a_post_that_lacks_one_voter_comes_before_one_that_nobody_judged() -> None:
    lacking, untouched = candidate(1, OPEN, names("food", "U1")), candidate(2, OPEN)
    assert Assigner().gains([lacking, untouched], even).argmax() == 0


def test_settled_posts_are_left_alone() -> None:
    done = candidate(1, OPEN, names("food", "U1", "U2"))
    assert done.verdict is not None
    assert done.verdict.outcome is Outcome.NAMED
    assert Assigner().assign([done], 5, even, np.random.default_rng(0)) == []
    assert Assigner().assign([], 5, even, np.random.default_rng(0)) == []


@given(st.integers(1, 8), st.integers(0, 50))
def test_each_draw_has_its_exact_probability(many: int, seed: int) -> None:
    drawn = Assigner(explore=0.2).assign(
        [candidate(n, OPEN) for n in range(many)], many, even, np.random.default_rng(seed)
    )
    assert len({one.post.id for one in drawn}) == many
    for place, one in enumerate(drawn):
        left = many - place
        assert one.propensity in (pytest.approx(0.2 / left), pytest.approx(0.8 + 0.2 / left))


def test_draws_come_out_as_often_as_their_propensity_says() -> None:
    pool = [candidate(1, SURE), candidate(2, OPEN), candidate(3, SURE), candidate(4, SURE)]
    rng = np.random.default_rng(1)
    firsts = [Assigner(explore=0.4).assign(pool, 1, even, rng)[0] for _ in range(600)]
    share = np.mean([one.post.id == "p2" for one in firsts])
    assert share == pytest.approx(0.7, abs=0.06)
    assert {round(one.propensity, 6) for one in firsts} == {0.7, 0.1}


def test_votes_move_what_is_believed() -> None:
    before = believed(candidate(1, OPEN))
    after = believed(candidate(1, OPEN, names("law", "U1", "U2")))
    denied = believed(candidate(1, OPEN, rejects("U1")))
    assert after[1] > 0.9 > before[1]
    assert denied[0] < before[0]


def shift(said: list[Vote], tag: str, arm: Arm = Arm.TIER) -> float:
    """Return how far votes move the log-odds of a tag against a third one that nobody spoke of."""
    asked = AssignmentCandidate(replace(placed(1), arm=arm), OPEN, said)
    before, after = believed(replace(asked, votes=())), believed(asked)
    at, other = list(OPEN).index(tag), list(OPEN).index("space")
    return float(np.log(after[at] / after[other]) - np.log(before[at] / before[other]))


def test_a_vote_for_what_is_on_display_tells_half_as_much() -> None:
    assert placed(1).shown_tag == "food"
    free = shift(names("law", "U1"), "law")
    assert shift(names("food", "U1"), "food") == pytest.approx(free / 2)
    assert free > 1


def test_on_a_blank_post_nothing_is_on_display_and_each_vote_tells_all() -> None:
    free = shift(names("law", "U1"), "law", Arm.BLANK)
    assert shift(names("food", "U1"), "food", Arm.BLANK) == pytest.approx(free)


def test_skill_is_shrunk_to_the_trainer_and_that_to_the_crowd() -> None:
    def said(tag: str, *users: str) -> tuple[Verdict, list[Vote]]:
        votes = names(tag, *users) + names("law", "U9")
        return PlainRule().settle(post(), votes, ledger_cursor=1, now=NOON), votes

    skill = skills([said("food", "U1", "U2", "U3", "U4") for _ in range(10)])
    assert skill("U1", "food") > skill("U1", "space") > skill("U9", "food")
    assert 0 < skill("stranger", "food") < 1
    assert 0 < skills([])("U1", "food") < 1
