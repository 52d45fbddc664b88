"""The plain rule, on the examples of Digg's article and of DESIGN."""

from hypothesis import given
from hypothesis import strategies as st

from tests.support.votes import NOON, VOTES, names, post, rejects, unsure, users
from tierbot.domain.feedback import PlainRule
from tierbot.domain.nouns import Outcome, Verdict, Vote


def settle(votes: list[Vote], rule: PlainRule | None = None, halved: frozenset[str] = frozenset()) -> Verdict:
    return (rule or PlainRule()).settle(post(), votes, ledger_cursor=7, now=NOON, halved=halved)


def test_eight_for_food_and_four_for_health_make_both_true() -> None:
    verdict = settle(names("food", *users(8)) + names("health", *users(4, 8)))
    assert verdict.outcome is Outcome.NAMED
    assert verdict.tags == {"food": 8 / 12, "health": 4 / 12}
    assert verdict.reward == 8 / 12


def test_one_voter_is_too_few_unless_the_team_has_one() -> None:
    assert settle(names("food", "U1")).reason == "too_few"
    alone = settle(names("food", "U1"), PlainRule(minimum=1))
    assert alone.outcome is Outcome.NAMED
    assert alone.tags == {"food": 1.0}


def test_two_rejections_settle_to_wrong_but_unnamed() -> None:
    verdict = settle(rejects("U1", "U2") + names("football", "U3"))
    assert verdict.outcome is Outcome.WRONG
    assert verdict.tags == {}
    assert verdict.reward == 0.0


def test_a_named_tag_outranks_the_rejections() -> None:
    verdict = settle(rejects("U1", "U2") + names("football", "U1", "U2"))
    assert verdict.tags == {"football": 1.0}
    assert verdict.rejects == 2


def test_voters_who_all_name_different_tags_are_split() -> None:
    verdict = settle(names("food", "U1") + names("cars", "U2") + names("law", "U3"))
    assert (verdict.outcome, verdict.reason) == (Outcome.ABSTAINED, "split")


def test_unsure_voters_add_to_the_number_and_support_nothing() -> None:
    verdict = settle(names("food", "U1", "U2") + unsure(*users(5, 10)))
    assert verdict.voters == 7
    assert verdict.outcome is Outcome.ABSTAINED  # 2 of 7 is below a third
    assert settle(names("food", "U1", "U2") + unsure(*users(4, 10))).tags == {"food": 2 / 6}


def test_without_votes_there_is_no_reward() -> None:
    verdict = settle([])
    assert (verdict.reason, verdict.reward, verdict.weight) == ("too_few", None, 0.0)


def test_eight_votes_weigh_more_than_one() -> None:
    assert settle(names("food", *users(8))).weight > settle(names("food", "U1")).weight


def test_a_verdict_weighs_by_its_voters_and_says_by_which_rule() -> None:
    verdict = settle(names("food", *users(8)))
    assert (verdict.weight, verdict.aggregator) == (0.8, "plain-1(min=2,true=1/3,wrong=1/2)")


def test_two_voters_are_enough_to_be_split() -> None:
    assert settle(names("food", "U1") + unsure("U2")).reason == "split"


def test_votes_that_count_half_are_still_counted_as_votes() -> None:
    votes = names("food", "U1", "U2") + names("cars", "U3", "U4") + unsure("U5")
    verdict = settle(votes, halved=frozenset({"U1", "U2", "U9"}))
    assert verdict.tags == {"cars": 2 / 4}  # of five voters, two count half
    assert (verdict.reward, verdict.weight) == (1 / 4, 4 / 6)
    assert (verdict.voters, verdict.support, verdict.unsure) == (5, {"cars": 2, "food": 2}, 1)
    assert verdict.aggregator.startswith("plain-1(min=2,true=1/3,wrong=1/2)@half=")
    assert settle(votes, halved=frozenset({"U9"})) == settle(votes)


@given(VOTES, st.randoms(use_true_random=False))
def test_a_verdict_does_not_depend_on_the_order_of_votes(votes, random) -> None:
    shuffled = list(votes)
    random.shuffle(shuffled)
    assert settle(shuffled) == settle(votes)


@given(VOTES)
def test_a_verdict_keeps_its_bounds(votes: list[Vote]) -> None:
    verdict = settle(votes)
    assert verdict.voters == len({vote.user for vote in votes})
    assert 0 <= verdict.weight < 1
    assert verdict.reward is None or 0 <= verdict.reward <= 1
    assert all(0 < share <= 1 for share in verdict.tags.values())
    assert (verdict.outcome is Outcome.NAMED) == bool(verdict.tags)
    assert (verdict.reason is not None) == (verdict.outcome is Outcome.ABSTAINED)
