"""Single judged stories: they speak for their near neighbors only."""

from dataclasses import replace

import numpy as np
import pytest

from tierbot.domain.predict.neighbors import Neighbors


def unit(*rows: tuple[float, ...]) -> np.typing.NDArray[np.float32]:
    vectors = np.array(rows, dtype=np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


STORIES = Neighbors(
    unit((1, 0, 0), (0, 1, 0)).astype(np.float16),
    np.array([[1, 0, 0], [0, 0.5, 0.5]], np.float16),
    steepness=40,
    middle=0.6,
)
EVEN = np.full((2, 3), 1 / 3)


def test_a_story_near_a_judged_one_gets_its_tags_and_one_far_from_all_keeps_its_own() -> None:
    p = STORIES.blended(EVEN, unit((1, 0.1, 0), (0, 0, 1)))
    assert p[0] == pytest.approx([0.967, 0.0167, 0.0167], abs=0.01)
    assert p[1] == pytest.approx(EVEN[1], abs=1e-6)
    assert np.allclose(p.sum(axis=1), 1)


def test_trust_grows_with_likeness_and_never_becomes_certainty() -> None:
    trust = STORIES.trust(np.array([0.2, 0.6, 0.9, 1.0], np.float32))
    assert trust[0] < 1e-6
    assert trust[1] == pytest.approx(0.475, abs=1e-3)
    assert trust[2] < trust[3] <= 0.95


def test_focus_sharpens_the_mixture_and_keeps_its_order_and_sum() -> None:
    asked = unit((1, 0.5, 0), (0, 1, 0.6))
    plain, sharp = STORIES.blended(EVEN, asked), replace(STORIES, focus=2.0).blended(EVEN, asked)
    assert (sharp.max(axis=1) > plain.max(axis=1)).all()
    assert np.array_equal(np.argsort(sharp, kind="stable"), np.argsort(plain, kind="stable"))
    assert np.allclose(sharp.sum(axis=1), 1)


def test_an_untrusted_or_empty_memory_says_nothing() -> None:
    untrusted = Neighbors(STORIES.embeddings, STORIES.tags)
    assert untrusted.blended(EVEN, unit((1, 0, 0), (0, 1, 0))) is EVEN
    assert Neighbors.empty(3, 3).blended(EVEN, unit((1, 0, 0), (0, 1, 0))) is EVEN


def test_a_story_is_not_its_own_neighbour() -> None:
    nearest, votes = STORIES.vote(unit((1, 0, 0)), np.array([0]))
    assert nearest.tolist() == [0.0]
    assert votes.argmax() != 0


def test_a_story_whose_tags_are_gone_has_no_say() -> None:
    left = STORIES.over(np.array([1, 2]))
    p = left.blended(np.full((1, 2), 0.5), unit((1, 0, 0)))
    assert p == pytest.approx(np.array([[0.5, 0.5]]))
    assert STORIES.over(np.array([0, 1, 2, -1])).tags.shape == (2, 4)


def test_many_texts_are_compared_part_by_part_with_the_same_result() -> None:
    rng = np.random.default_rng(0)
    many = unit(*rng.standard_normal((2100, 3)).tolist())
    nearest, votes = STORIES.vote(many)
    one = [STORIES.vote(many[row : row + 1]) for row in (0, 1023, 1024, 2099)]
    assert np.allclose(nearest[[0, 1023, 1024, 2099]], [near[0] for near, _ in one], atol=1e-6)
    assert np.allclose(votes[[0, 1023, 1024, 2099]], [vote[0] for _, vote in one], atol=1e-5)
