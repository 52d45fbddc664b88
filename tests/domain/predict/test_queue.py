"""What a trainer is asked next: contested first, settled never."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tierbot.domain.nouns import Arm, Outcome, Post, Verdict
from tierbot.domain.predict.queue import QueueCandidate, queue, thinnest

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def candidate(number, outcome=None, reason=None, voters=0):
    post = Post(f"p{number}", "d", "a", 1, Arm.TIER, 0.8, "food", "C1", NOON + timedelta(minutes=number), "1.1", NOON)
    if outcome is None:
        return QueueCandidate(post, None)
    verdict = Verdict(post.id, outcome, {}, None, 0.1, voters, {}, 0, 0, "plain", 1, NOON, reason)
    return QueueCandidate(post, verdict)


SPLIT = candidate(1, Outcome.ABSTAINED, "split", 4)
MORE_SPLIT = candidate(2, Outcome.ABSTAINED, "split", 9)
LACKS_ONE = candidate(3, Outcome.ABSTAINED, "too_few", 1)
WITHDRAWN = candidate(4, Outcome.ABSTAINED, "too_few", 0)
OLD, NEW = candidate(5), candidate(6)
SETTLED = candidate(7, Outcome.NAMED, None, 3)
REJECTED = candidate(8, Outcome.WRONG, None, 3)
ALL = [SPLIT, MORE_SPLIT, LACKS_ONE, WITHDRAWN, OLD, NEW, SETTLED, REJECTED]


@given(st.permutations(ALL), st.integers(0, 9))
def test_the_order_depends_on_need_alone(shuffled, count):
    wanted = [MORE_SPLIT, SPLIT, LACKS_ONE, WITHDRAWN, OLD, NEW]
    assert queue(shuffled, count) == [one.post for one in wanted][:count]


@given(st.permutations([*ALL, candidate(9, Outcome.NAMED, None, 2)]), st.integers(0, 4))
def test_of_settled_posts_the_one_with_the_fewest_voters_comes_first(shuffled, count):
    assert [post.id for post in thinnest(shuffled, count)] == ["p9", "p7", "p8"][:count]


def test_posts_of_one_moment_have_an_order_too():
    twin = QueueCandidate(replace(OLD.post, id="p0"), None)
    assert queue([OLD, twin], 2) == [twin.post, OLD.post]
