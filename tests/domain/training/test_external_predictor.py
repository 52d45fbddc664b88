"""An external predictor is judged like our own models: on the fair examples, and on whether it forgot a tag."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from tierbot.domain.nouns import Article
from tierbot.domain.predict.model import Example
from tierbot.domain.training.external_predictor import Lesson, teach

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TAG_IDS = ("food", "law", "space")


class Words:
    """Gives 0.8 to the tag that it learned for a text's word, and is undecided where it learned none."""

    def __init__(self, learned: dict[str, str] | None = None, skipped: str = "") -> None:
        self.learned, self.skipped = learned or {}, skipped

    def __call__(self, articles: Sequence[Article], tags: Sequence[str]) -> list[dict[str, float]]:
        known = [self.learned.get(article.title) for article in articles]
        return [{tag: 1 / 3 if one is None else 0.8 if tag == one else 0.1 for tag in tags} for one in known]

    def fit(self, examples: Sequence[Example], tags: Sequence[str]) -> bytes:
        return json.dumps(
            {one.article.title: tag for one in examples for tag in one.tags if tag != self.skipped}
        ).encode()

    def restored(self, state: bytes) -> "Words":
        return Words(json.loads(state))


def lesson(count: int, fair: int, state: bytes = b"") -> Lesson:
    examples = [
        Example(Article(f"a{n}", TAG_IDS[n % 3], "", "", "", NOW), {TAG_IDS[n % 3]: 1.0}, None, 0.9)
        for n in range(count)
    ]
    return Lesson("words", TAG_IDS, examples, np.arange(count) >= count - fair, state)


def decision(predictor: Any, given: Lesson) -> Any:
    return teach(predictor, given).decision


def test_a_predictor_that_learned_is_promoted_on_enough_fair_examples() -> None:
    assert not decision(Words(), lesson(30, 3)).promote
    found = decision(Words(), lesson(60, 20))
    assert found.promote
    assert (found.n, found.challenger) == (20, 1.0)


def test_a_predictor_that_lost_a_tag_is_refused() -> None:
    live = Words().fit(lesson(60, 0).examples, TAG_IDS)
    found = decision(Words(skipped="law"), lesson(60, 20, live))
    assert not found.promote
    assert found.forgotten == "law"


@pytest.mark.parametrize("count", [1, 30])
def test_without_fair_examples_the_live_one_stays(count: int) -> None:
    found = teach(Words(), lesson(count, 0))
    assert not found.decision.promote
    assert json.loads(found.state)["food"] == "food"
