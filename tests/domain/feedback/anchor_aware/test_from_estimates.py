"""What the anchor-aware rule makes of given estimates: the bounds of each verdict, and the weight of each vote."""

from collections.abc import Mapping

import numpy as np
import pytest

from tests.support.votes import NOON, names, post, rejects, unsure
from tierbot.domain.feedback.anchor_aware.aggregator import AnchorAware, Fitted, TrainerEstimate
from tierbot.domain.feedback.anchor_aware.encoding import VotedPost, encode
from tierbot.domain.feedback.crowd.agreement import Reliability
from tierbot.domain.feedback.verdict import PRIOR_VOTERS
from tierbot.domain.nouns import Arm, Outcome, Verdict, Vote

RULE = AnchorAware(accept=0.75, reject=0.75)


def trainer(competence: float) -> TrainerEstimate:
    one = Reliability(0.0, 0.0, competence, 0.0, 1.0)
    return TrainerEstimate(one, Reliability(0.0, 0.0, 0.5, 0.0, 1.0))


def settle(
    votes: list[Vote],
    posterior: Mapping[tuple[str, ...], float],
    honest: Mapping[str, float] | None = None,
    arm: Arm = Arm.TIER,
    rule: AnchorAware = RULE,
) -> Verdict:
    trainers = {user: trainer(0.5 + number / 8) for number, user in enumerate(sorted({vote.user for vote in votes}))}
    fitted = Fitted({"p1": posterior}, {("p1", user): n for user, n in (honest or {}).items()}, trainers, 0.7)
    return rule.verdict(fitted, post(arm), votes, ledger_cursor=3, now=NOON)


def test_a_tag_is_true_from_the_least_probability_on_and_summed_over_the_sets_that_hold_it() -> None:
    votes = names("food", "U1", "U2") + names("cars", "U1", "U2") + names("law", "U2")
    verdict = settle(votes, {("food",): 0.5, ("food", "cars"): 0.25, ("cars", "law"): 0.25})
    assert (verdict.outcome, verdict.reason, verdict.tags) == (Outcome.NAMED, None, {"food": 0.75})
    assert verdict.aggregator == RULE.version
    assert settle(votes, {("food",): 0.7499, (): 0.2501}).outcome is Outcome.ABSTAINED
    assert settle(votes, {("food",): 0.75, ("food", "law"): 0.2500001}).tags == {"food": 1.0}


def test_what_nobody_named_is_never_true() -> None:
    assert settle(rejects("U1", "U2"), {("food",): 1.0}).tags == {}


def test_what_is_shown_is_wrong_from_the_least_probability_on_if_somebody_rejects_it() -> None:
    votes = rejects("U1", "U2")
    wrong = settle(votes, {("food",): 0.25, (): 0.75})
    assert (wrong.outcome, wrong.reason, wrong.tags) == (Outcome.WRONG, None, {})
    split = settle(votes, {("food",): 0.2501, (): 0.7499})
    assert (split.outcome, split.reason) == (Outcome.ABSTAINED, "split")
    for less in (settle(unsure("U1", "U2"), {(): 1.0}), settle(votes, {(): 1.0}, arm=Arm.BLANK)):
        assert (less.outcome, less.reason) == (Outcome.ABSTAINED, "split")


def test_fewer_voters_than_it_takes_are_too_few_whatever_is_probable() -> None:
    one = settle(names("food", "U1"), {("food",): 1.0})
    assert (one.outcome, one.reason, one.tags) == (Outcome.ABSTAINED, "too_few", {})
    three = AnchorAware(minimum=3)
    assert settle(names("food", "U1", "U2"), {("food",): 1.0}, rule=three).reason == "too_few"
    assert settle(names("food", "U1", "U2", "U3"), {("food",): 1.0}, rule=three).outcome is Outcome.NAMED


def test_a_vote_counts_as_far_as_it_was_considered_and_its_trainer_is_competent() -> None:
    votes = names("food", "U1", "U2") + names("cars", "U2", "U3")
    verdict = settle(votes, {("food",): 1.0}, {"U1": 0.5})
    weights = {"U1": 0.5 * 0.5, "U2": 0.625, "U3": 0.75}
    total = sum(weights.values())
    assert verdict.reward == pytest.approx((weights["U1"] + weights["U2"]) / total)
    assert verdict.weight == pytest.approx(total / (total + PRIOR_VOTERS))
    alone = settle(names("food", "U1"), {("food",): 1.0})
    assert (alone.reward, alone.weight) == (1.0, pytest.approx(0.5 / 2.5))
    nothing = settle([], {(): 1.0})
    assert (nothing.reward, nothing.weight) == (None, 0.0)


def test_the_version_names_every_setting() -> None:
    assert AnchorAware(tags=64).version == AnchorAware(tags=64).version
    others = [
        AnchorAware(3),
        AnchorAware(accept=0.8),
        AnchorAware(reject=0.7),
        AnchorAware(tags=9),
        AnchorAware(iterations=9),
    ]
    assert len({AnchorAware().version, *(one.version for one in others)}) == 6
    assert AnchorAware().version.startswith("anchor-1(min=2,accept=0.7,reject=0.8,priors=")


def test_without_posts_the_classifier_is_as_good_as_the_prior_says() -> None:
    fitted = AnchorAware().fit([], {})
    assert (fitted.posteriors, fitted.honest, fitted.trainers, fitted.shown_right) == ({}, {}, {}, 0.7)


def test_votes_are_encoded_by_post_user_and_tag_and_each_is_paired_with_each_hypothesis() -> None:
    blank, shown = post(Arm.BLANK), post()
    votes = names("law", "U2") + rejects("U1") + unsure("U3")
    data = encode([VotedPost(shown, tuple(votes)), VotedPost(blank, tuple(names("food", "U2") + rejects("U3")))])
    assert (data.users, data.tags) == (("U1", "U2", "U3"), 3)
    assert data.sets == (((), ("food",), ("law",), ("food", "law")), ((), ("food",)))
    assert data.start.tolist() == [0, 4, 6]
    assert data.hypothesis_post.tolist() == [0, 0, 0, 0, 1, 1]
    assert (data.post_shows.tolist(), data.post_shown_tag.tolist()) == ([1, 0], [0, 0])
    # The tag indices, then 3 for "another tag", and 4 where there is none.
    assert data.members.tolist() == [[3, 4, 4], [0, 4, 4], [1, 4, 4], [0, 1, 4], [3, 4, 4], [0, 4, 4]]
    assert (data.size.tolist(), data.has_shown.tolist()) == ([1, 1, 1, 2, 1, 1], [0, 1, 0, 1, 0, 1])
    said = zip(data.said_post, data.said_user, data.said_tag, data.said_shown, strict=True)
    assert [tuple(map(int, one)) for one in said] == [(0, 0, -1, 0), (0, 1, 1, 0), (1, 1, 0, 0)]
    pairs = zip(data.pair_said, data.pair_hypothesis, data.pair_right, strict=True)
    assert [tuple(map(int, one)) for one in pairs] == [
        *((0, 0, 1), (0, 1, 0), (0, 2, 1), (0, 3, 0)),
        *((1, 0, 0), (1, 1, 0), (1, 2, 1), (1, 3, 1)),
        *((2, 4, 0), (2, 5, 1)),
    ]
    assert data.per_post(np.arange(6.0)).tolist() == [6.0, 9.0]
    assert data.normalized(np.log([1.0, 1, 2, 4, 3, 1]) + 2000) == pytest.approx(
        [1 / 8, 1 / 8, 1 / 4, 1 / 2, 3 / 4, 1 / 4]
    )
    assert encode([VotedPost(blank, ())], tags=9).tags == 9
    assert encode([VotedPost(blank, ())], tags=1).tags == 2
