"""The learned verdict: what it shares with the plain rule, and what it knows beyond."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.anchoring import TAGS, best, by_anchor_aware, measures, play
from tests.support.votes import NOON, VOTES, names, post, rejects, unsure, users
from tierbot.domain.feedback.anchor_aware.aggregator import AnchorAware
from tierbot.domain.feedback.verdict import Aggregator, PlainRule
from tierbot.domain.nouns import Arm, Outcome, Post, Verdict, Vote

RULE = AnchorAware(tags=64)


def settle(votes: list[Vote], arm: Arm = Arm.TIER, rule: Aggregator = RULE) -> Verdict:
    return rule.settle(post(arm), votes, ledger_cursor=7, now=NOON)


def test_it_stands_behind_the_aggregators_interface() -> None:
    rule: Aggregator = RULE
    assert settle(names("food", "U1", "U2"), rule=rule).aggregator == RULE.version
    assert AnchorAware(accept=0.6).version != AnchorAware().version


def test_eight_for_food_and_four_for_health_make_both_true() -> None:
    verdict = settle(names("food", *users(8)) + names("health", *users(4, 8)))
    assert set(verdict.tags) == {"food", "health"}


def test_a_single_slip_among_many_makes_no_second_tag() -> None:
    assert set(settle(names("food", *users(8)) + names("law", "U9")).tags) == {"food"}


def test_rejections_without_a_name_settle_to_wrong_but_unnamed() -> None:
    verdict = settle(rejects("U1", "U2", "U3"))
    assert (verdict.outcome, dict(verdict.tags), verdict.reward) == (Outcome.WRONG, {}, 0.0)


def test_in_the_blank_arm_nothing_can_be_wrong() -> None:
    assert settle(rejects("U1", "U2", "U3"), Arm.BLANK).outcome is Outcome.ABSTAINED


@pytest.mark.parametrize("votes", [[], names("food", "U1"), unsure("U1")])
def test_one_voter_is_too_few_unless_the_team_has_one(votes: list[Vote]) -> None:
    assert (settle(votes).outcome, settle(votes).reason) == (Outcome.ABSTAINED, "too_few")
    alone = settle(names("food", "U1"), Arm.BLANK, AnchorAware(minimum=1, tags=64))
    assert set(alone.tags) == {"food"}


def test_voters_who_are_all_unsure_are_split() -> None:
    verdict = settle(unsure(*users(4)))
    assert (verdict.outcome, verdict.reason, verdict.reward) == (Outcome.ABSTAINED, "split", 0.0)


def test_a_click_on_what_is_shown_weighs_less_than_one_that_nothing_led_to() -> None:
    shown, blank = settle(names("food", "U1", "U2")), settle(names("food", "U1", "U2"), Arm.BLANK)
    assert shown.tags["food"] < blank.tags["food"]
    assert shown.weight < blank.weight
    assert settle(names("cars", "U1", "U2")).weight == pytest.approx(blank.weight, abs=0.01)


@given(VOTES, st.randoms(use_true_random=False), st.sampled_from(list(Arm)))
def test_a_verdict_does_not_depend_on_the_order_of_votes(votes, random, arm) -> None:
    shuffled = list(votes)
    random.shuffle(shuffled)
    assert settle(shuffled, arm) == settle(votes, arm)


@given(VOTES, st.sampled_from(list(Arm)))
def test_a_verdict_keeps_its_bounds_and_the_raw_counts(votes: list[Vote], arm: Arm) -> None:
    verdict, plain = settle(votes, arm), settle(votes, arm, PlainRule())
    assert (verdict.voters, verdict.support, verdict.rejects, verdict.unsure) == (
        plain.voters,
        plain.support,
        plain.rejects,
        plain.unsure,
    )
    assert 0 <= verdict.weight < 1
    assert verdict.reward is None or 0 <= verdict.reward <= 1
    assert all(RULE.accept <= share <= 1 for share in verdict.tags.values())
    assert (verdict.outcome is Outcome.NAMED) == bool(verdict.tags)
    assert (verdict.reason is not None) == (verdict.outcome is Outcome.ABSTAINED)


@given(VOTES)
def test_a_blank_post_is_judged_without_looking_at_the_prediction(votes: list[Vote]) -> None:
    fitted = [
        RULE.fit([replace(post(Arm.BLANK), shown_tag=shown)], {"p1": votes}) for shown in ("food", "cars", "space")
    ]
    assert fitted[0].posteriors == fitted[1].posteriors == fitted[2].posteriors


def test_posts_in_any_order_give_the_same_verdicts() -> None:
    game = play(0.35, 1, posts=120)
    one = RULE.settle_all(game.posts, game.votes, ledger_cursor=1, now=NOON)
    other = RULE.settle_all(game.posts[::-1], game.votes, ledger_cursor=1, now=NOON)
    assert one == other


def test_no_post_at_all_is_settled_to_nothing() -> None:
    assert RULE.settle_all([], {}, ledger_cursor=0, now=NOON) == {}


def test_a_round_without_a_single_reaction_abstains() -> None:
    posts = [replace(post(), id=f"p{i}") for i in range(5)]
    verdicts = RULE.settle_all(posts, {}, ledger_cursor=0, now=NOON)
    assert {(verdict.reason, verdict.reward, verdict.weight) for verdict in verdicts.values()} == {
        ("too_few", None, 0.0)
    }


def test_under_anchoring_it_accepts_far_fewer_wrong_pre_fills_than_the_plain_rule() -> None:
    game = play(0.35, 2, posts=500)
    plain = {p.id: PlainRule().settle(p, game.votes[p.id], ledger_cursor=1, now=NOON) for p in game.posts}
    by_rule = measures(game, {id_: best(verdict) for id_, verdict in plain.items()})
    ours = measures(game, {id_: best(verdict) for id_, verdict in by_anchor_aware(game).items()})
    assert ours["wrong_accepted"] < by_rule["wrong_accepted"] / 2
    assert ours["correct"] > by_rule["correct"]


def test_it_tells_who_clicks_unread_from_who_is_competent() -> None:
    game = play(0.35, 3, posts=800)
    rng = np.random.default_rng(3)
    competence, unread = rng.beta(17, 3, 30), rng.beta(5 * 0.35, 5 * 0.65, 30)
    fitted = AnchorAware(tags=TAGS).fit(game.posts, game.votes)
    found = [fitted.trainers[f"U{who:02}"] for who in range(30)]
    assert np.corrcoef(unread, [trainer.anchoring.mean for trainer in found])[0, 1] > 0.85
    assert np.corrcoef(competence, [trainer.competence.mean for trainer in found])[0, 1] > 0.7
    assert fitted.shown_right == pytest.approx(0.73, abs=0.06)


def test_a_trainer_with_few_votes_is_believed_to_be_like_the_others() -> None:
    game = play(0.35, 4, posts=300)
    new = Post("p99999", "d", "a", 1, Arm.BLANK, 0.15, "t00", "C1", NOON)
    votes = {**game.votes, new.id: names("t05", "newcomer", "U01") + names("t06", "U02", "U03")}
    fitted = AnchorAware(tags=TAGS).fit([*game.posts, new], votes)
    newcomer, known = fitted.trainers["newcomer"].competence, fitted.trainers["U01"].competence
    assert newcomer.mean == pytest.approx(np.mean([t.competence.mean for t in fitted.trainers.values()]), abs=0.12)
    assert newcomer.high - newcomer.low > 1.5 * (known.high - known.low)


def test_everybody_being_adversarial_is_survived() -> None:
    game = play(0.0, 5, posts=60)
    votes = {
        id_: [replace(vote, tag=f"t{(int(str(vote.tag)[1:]) * 5 + 3) % TAGS:02}") for vote in given]
        for id_, given in game.votes.items()
    }
    verdicts = AnchorAware(tags=TAGS).settle_all(game.posts, votes, ledger_cursor=1, now=NOON)
    assert all(np.isfinite(list(verdict.tags.values())).all() for verdict in verdicts.values())


def test_posts_on_which_people_may_have_been_led_say_little_of_how_often_the_classifier_is_right() -> None:
    """However many they are, they count as much as the prior; a few blank posts outweigh them."""

    def shown_right(displayed: int, blank: int) -> float:
        led = [replace(post(), id=f"t{number:03}") for number in range(displayed)]
        free = [replace(post(Arm.BLANK), id=f"b{number:03}") for number in range(blank)]
        votes = {one.id: names("food", *users(4)) for one in led} | {one.id: names("law", *users(4)) for one in free}
        return RULE.fit([*led, *free], votes).shown_right

    prior = RULE.strengths.shown_right.mean
    assert prior + 0.1 < shown_right(20, 0) < 0.9
    assert shown_right(200, 0) == pytest.approx(shown_right(20, 0), abs=0.01)
    assert shown_right(200, 10) < 0.3
