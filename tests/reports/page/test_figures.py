"""The report's numbers, on logs small enough to count by hand."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.logged import TAGS
from tierbot.domain.nouns import Arm, Outcome, Post, Says, Selection, Verdict, Vote
from tierbot.reports.page.figures import (
    Judged,
    activity,
    agreement,
    calibration,
    confusions,
    policy_values,
    rewards_by_tag,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday


def judged(
    top: str,
    true: tuple[str, ...],
    *,
    p: float = 0.6,
    shown: str | None = None,
    reward: float | None = 1.0,
    propensity: float = 0.9,
    outcome: Outcome = Outcome.NAMED,
    arm: Arm = Arm.TIER,
    number: int = 0,
) -> Judged:
    post = Post(f"p{number}", f"d{number}", f"a{number}", 1, arm, 0.85, shown or top, "C", NOON)
    verdict = Verdict(
        post.id, outcome, {tag: 1.0 - 0.1 * place for place, tag in enumerate(true)}, reward, 0.6, 3,
        dict.fromkeys(true, 3), 0, 0, "plain", 1, NOON,
    )  # fmt: skip
    shown_p = p if shown in {None, top} else (1 - p) / 2
    return Judged(post, verdict, "m0001", top, propensity, Selection("random", 0.5), p, shown_p)


def test_a_tags_reward_is_the_mean_where_it_was_shown_and_the_lowest_comes_first() -> None:
    items = [judged("food", ("food",), reward=r) for r in (1.0, 0.5)]
    items += [judged("law", (), reward=0.2, shown="space"), judged("law", (), reward=None)]
    found = rewards_by_tag(items, TAGS)
    assert [(one.tag, one.reward.n, one.reward.value) for one in found] == [("space", 1, 0.2), ("food", 2, 0.75)]
    assert found[1].label == "🍕 Food"


def test_a_mistake_counts_under_the_tag_that_most_named_and_knows_siblings() -> None:
    items = [judged("law", ("food", "space")), judged("law", ("food",)), judged("food", ("food",))]
    items += [judged("food", (), outcome=Outcome.WRONG), judged("food", (), outcome=Outcome.ABSTAINED)]
    (one,) = confusions(items, TAGS)
    assert (one.guessed, one.true, one.count, one.among, one.siblings) == ("law", "food", 2, 3, False)


def test_siblings_are_siblings_from_either_side() -> None:
    from tierbot.domain.tags import default_tag_space

    tags = default_tag_space()
    tag = next(tag for tag in tags if tag.siblings)
    for pair in ((tag.id, tag.siblings[0]), (tag.siblings[0], tag.id)):
        (one,) = confusions([judged(pair[0], (pair[1],))], tags)
        assert one.siblings


def test_calibration_is_exact_where_p_means_what_it_says() -> None:
    items = [judged("food", ("food",) if i < 7 else ("law",), p=0.7) for i in range(10)]
    found = calibration(items)
    assert found.n == 10
    assert found.error == pytest.approx(0.0)
    assert found.brier == pytest.approx(0.21)
    (only,) = found.bins
    assert (only.low, only.high, only.true.value) == (0.7, 0.8, 0.7)


def test_calibration_of_nothing_is_not_told() -> None:
    found = calibration([judged("food", (), outcome=Outcome.ABSTAINED)])
    assert (found.n, found.bins, found.error, found.brier) == (0, (), None, None)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_calibration_counts_every_post_in_one_bin(said: list[tuple[float, bool]]) -> None:
    found = calibration(judged("food", ("food",) if right else ("law",), p=p) for p, right in said)
    assert sum(one.true.n for one in found.bins) == found.n == len(said)
    assert all(one.low <= one.predicted <= one.high for one in found.bins)
    assert 0 <= (found.error or 0) <= 1


def test_agreement_is_of_named_sets_and_leaves_out_who_was_unsure() -> None:
    posts = [judged("food", (), number=n, arm=Arm.BLANK if n else Arm.TIER).post for n in range(2)]
    votes = {
        "p0": [
            Vote("U1", Says.NAMES, NOON, "food"),
            Vote("U2", Says.NAMES, NOON, "food"),
            Vote("U3", Says.UNSURE, NOON),
        ],
        "p1": [Vote("U1", Says.NAMES, NOON, "law"), Vote("U2", Says.NAMES, NOON, "law")],
    }
    assert (agreement(1, posts, votes, None).alpha, agreement(1, posts, votes, None).posts) == (1.0, 2)
    assert agreement(1, posts, votes, Arm.BLANK).posts == 1
    votes["p1"][1] = Vote("U2", Says.NAMES, NOON, "space")
    assert (agreement(1, posts, votes, None).alpha or 0) < 0.7


def test_activity_is_told_in_the_teams_own_hours() -> None:
    found = activity([NOON, NOON, NOON + timedelta(hours=11, minutes=30)], ZoneInfo("Europe/Berlin"))
    assert found.week[0][13] == 2
    assert found.week[1][0] == 1  # Monday 23:30 UTC is Tuesday in Berlin
    assert [count for _, count in found.days] == [2, 1]


def test_policies_are_the_logged_one_and_greedy_by_three_methods() -> None:
    rng = np.random.default_rng(0)
    items = [
        judged(
            "food",
            ("food",),
            shown=None if explore else "law",
            reward=float(explore),
            propensity=0.8 if explore else 0.2,
        )
        for explore in rng.random(400) < 0.8
    ]
    found = {(one.policy, one.value.method): one.value for one in policy_values(items, None)}
    assert found["logged", "ips"].value == pytest.approx(0.8, abs=0.06)
    for method in ("ips", "snips", "dr"):
        assert found["greedy", method].value == pytest.approx(1.0, abs=0.08)
    assert policy_values(items, Arm.BLANK) == ()
