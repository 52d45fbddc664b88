"""What a closed round tells the outbox, whose rows keep these keys, and how much a push can still post."""

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import pytest

from tierbot.domain.nouns import Estimate, Round, Standing
from tierbot.domain.rounds.announcements import round_closed
from tierbot.domain.rounds.boards import Queue, RoundStatus

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ROUND = Round(3, NOON, NOON + timedelta(days=7), champion="U1", sharpshooter="U2")
MANY, FEW, NONE = Estimate.of_share(8, 10), Estimate.of_share(1, 2), Estimate.of_share(0, 0)
STATUS = RoundStatus(ROUND, 12, 11, 6, 3, 2, 4, MANY, FEW)


def test_a_closed_round_is_told_with_its_best_ten_and_the_models_accuracy() -> None:
    standings = [Standing(place, f"U{place}", 9, 9, 4, 8) for place in range(1, 13)]
    assert round_closed(ROUND, standings, STATUS, FEW, ["food"], ["law"]) == {
        "kind": "round_closed",
        "round": 3,
        "champion": "U1",
        "sharpshooter": "U2",
        "standings": [asdict(one) for one in standings[:10]],
        "posts": 12,
        "judged": 11,
        "accuracy": asdict(MANY),
        "blank_accuracy": asdict(FEW),
        "previous_accuracy": asdict(FEW),
        "tags_improved": ["food"],
        "tags_struggling": ["law"],
    }


@pytest.mark.parametrize("before", [None, NONE])
def test_without_an_earlier_accuracy_none_is_told(before: Estimate | None) -> None:
    assert round_closed(ROUND, [], STATUS, before, [], [])["previous_accuracy"] is None


def test_a_push_can_post_what_waits_and_was_not_requested() -> None:
    queue = Queue(waiting=5, requested=2, unsent=0, next_push=None, paused=False)
    assert [queue.posts_of(count) for count in (0, 2, 9)] == [0, 2, 3]
    assert replace(queue, requested=6).posts_of(4) == 0
