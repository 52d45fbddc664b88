"""What the judge gathers of two models: answers to the same posts, and a tag that the challenger no longer recognizes."""

import numpy as np
import pytest

from tierbot.domain.training.compare import answers, forgotten, newest_of_each_tag

TAG_IDS = ("food", "law", "space")


def sure(tags: list[int]) -> np.ndarray:
    """Return p of a model that gives these tags 0.8."""
    return np.where(np.eye(3, dtype=bool)[tags], 0.8, 0.1)


def test_an_answer_is_the_likeliest_tag_and_the_probability_of_all_true_ones() -> None:
    true = np.array([[True, True, False], [False, False, True]])
    found = answers(np.array([[0.3, 0.5, 0.2], [0.6, 0.4, 0.0]]), true)
    assert found.hits == [True, False]
    assert found.chances == pytest.approx([0.8, 0.0])


def test_no_posts_have_no_answers() -> None:
    found = answers(np.zeros((0, 3)), np.zeros((0, 3), dtype=bool))
    assert (found.hits, found.chances) == ([], [])


def test_the_newest_posts_of_each_tag_are_checked() -> None:
    true = np.eye(3, dtype=bool)[[0] * 40 + [1] * 2 + [0] * 5]
    assert newest_of_each_tag(true).tolist() == list(range(15, 47))


def test_a_tag_that_only_the_champion_recognizes_is_named() -> None:
    tags = [0] * 20 + [1] * 20 + [2] * 20
    true = np.eye(3, dtype=bool)[tags]
    without = sure([2 if tag == 1 else tag for tag in tags])
    assert forgotten(without, sure(tags), true, TAG_IDS) == "law"
    assert forgotten(sure(tags), without, true, TAG_IDS) is None
    assert forgotten(sure(tags), sure(tags), true, TAG_IDS) is None


def test_a_few_lost_posts_are_no_lost_tag() -> None:
    tags = [0] * 20 + [1] * 3
    true = np.eye(3, dtype=bool)[tags]
    assert forgotten(sure([0] * 20 + [2] * 3), sure(tags), true, TAG_IDS) is None, "three posts may be chance"
    assert forgotten(sure([1] * 8 + [0] * 12 + [1] * 3), sure(tags), true, TAG_IDS) is None, "12 of 20 are recognized"


def test_of_two_true_tags_either_may_be_the_likeliest_but_both_must_be_among_the_two_likeliest() -> None:
    true = np.array([[True, True, False]] * 30)
    food_law, law_food, law_space = (
        np.tile(row, (30, 1)) for row in ([0.5, 0.4, 0.1], [0.4, 0.5, 0.1], [0.1, 0.5, 0.4])
    )
    assert forgotten(law_food, food_law, true, TAG_IDS) is None
    assert forgotten(law_space, food_law, true, TAG_IDS) == "food"


def test_without_posts_nothing_is_forgotten() -> None:
    none = np.zeros((0, 3))
    assert forgotten(none, none, none.astype(bool), TAG_IDS) is None
