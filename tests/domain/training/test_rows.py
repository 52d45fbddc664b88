"""What each kind of verdict teaches, and rows as bytes."""

import numpy as np
import pytest

from tests.support.settled import settled
from tests.support.worlds import TAG_IDS, features, texts
from tierbot.domain.nouns import Outcome
from tierbot.domain.predict.tensors import ModelFileError
from tierbot.domain.training.rows import (
    TrainingRows,
    joined_rows,
    labeled_rows,
    row_key,
    rows_from_bytes,
    rows_to_bytes,
    verdict_rows,
)

FOOD, SPACE, LAW, MUSIC = range(4)
THREE = features(["pizza", "rocket", "court"])


def test_true_tags_are_positives_the_shown_one_a_negative_and_silence_a_weak_one() -> None:
    posts = [settled(1, tags={"space": 1.0, "law": 0.5}, shown="food", weight=0.8), settled(2), settled(3)]
    rows = verdict_rows(posts, THREE, TAG_IDS, silence=0.5)
    assert rows.targets[0].tolist() == [0, 1, 1, 0]
    assert rows.weights[0, [SPACE, LAW]].tolist() == pytest.approx([0.8, 0.4])
    assert rows.weights[0, FOOD] == pytest.approx(0.8)
    assert rows.weights[1, [SPACE, LAW]].tolist() == pytest.approx([0.4, 0.4])


def test_wrong_but_unnamed_speaks_of_the_shown_tag_alone() -> None:
    rows = verdict_rows([settled(1, outcome=Outcome.WRONG, shown="law")], THREE.take([0]), TAG_IDS)
    assert rows.targets[0].tolist() == [0, 0, 0, 0]
    assert np.flatnonzero(rows.weights[0]).tolist() == [LAW]


def test_an_abstention_teaches_nothing() -> None:
    rows = verdict_rows([settled(1, outcome=Outcome.ABSTAINED)], THREE.take([0]), TAG_IDS)
    assert not rows.weights.any()


def test_silence_on_a_tag_that_was_never_named_teaches_nothing() -> None:
    rows = verdict_rows([settled(1), settled(2, tags={"law": 1.0}, shown="music")], THREE.take([0, 1]), TAG_IDS)
    assert rows.weights[:, SPACE].tolist() == [0, 0]
    assert rows.weights[0, MUSIC] == 0
    assert rows.weights[1, MUSIC] > 0  # shown, and others were named instead


def test_a_tag_out_of_use_is_passed_over() -> None:
    rows = verdict_rows([settled(1, tags={"chess": 1.0}, shown="chess")], THREE.take([0]), TAG_IDS)
    assert not rows.targets.any()


def test_a_tag_that_was_no_choice_in_the_archive_is_spoken_of_by_its_own_rows_only() -> None:
    rows = labeled_rows([{"food": 1.0}, {"law": 0.5}], THREE.take([0, 1]), TAG_IDS, unlabeled=["law", "chess"])
    assert rows.weights[:, LAW].tolist() == [0, 0.5]
    assert rows.weights[:, SPACE].tolist() == [1, 1]


def random_rows(seed: int = 0) -> TrainingRows:
    rng = np.random.default_rng(seed)
    some, topics = texts(30, rng)
    found = features(some, ["https://a.example/x"] * 30)
    rows = labeled_rows([{topic: float(rng.random())} for topic in topics], found, TAG_IDS, silence=0.3)
    return TrainingRows(rows.tag_ids, rows.features, rows.targets, rows.weights, rng.integers(2**62, size=30, dtype=np.uint64))  # fmt: skip


def test_rows_come_back_from_bytes_but_for_half_precision_and_without_text() -> None:
    rows = random_rows()
    data = rows_to_bytes(rows, "digest")
    back = rows_from_bytes(data, "digest")
    assert back.tag_ids == rows.tag_ids
    assert np.array_equal(back.keys, rows.keys)
    assert np.array_equal(back.targets, rows.targets)
    assert np.array_equal(back.weights, rows.weights)
    assert not abs(back.features.words - rows.features.words).sum()
    assert np.allclose(back.features.embeddings, rows.features.embeddings, atol=1e-3)
    assert b"pizza" not in data


def test_rows_of_another_encoder_and_damaged_rows_are_refused() -> None:
    data = rows_to_bytes(random_rows(), "digest")
    with pytest.raises(ModelFileError, match=r"rows\.safetensors were embedded by another encoder"):
        rows_from_bytes(data, "other", "rows.safetensors")
    with pytest.raises(ModelFileError, match=r"rows\.safetensors is damaged"):
        rows_from_bytes(data[:-3], "digest", "rows.safetensors")


def test_rows_over_other_tags_keep_what_is_known_and_say_nothing_of_the_rest() -> None:
    rows = random_rows().over(["music", "chess", "food"])
    assert np.array_equal(rows.targets[:, 0], random_rows().targets[:, MUSIC])
    assert np.array_equal(rows.weights[:, 2], random_rows().weights[:, FOOD])
    assert not rows.weights[:, 1].any()


def test_rows_are_joined_only_over_the_same_tags() -> None:
    rows = random_rows()
    both = joined_rows([rows.take(np.arange(10)), rows.take(np.arange(10, 30))])
    assert np.array_equal(both.targets, rows.targets)
    with pytest.raises(ValueError, match="different tags"):
        joined_rows([rows, rows.over(["food"])])


def test_a_posts_key_is_the_same_in_every_process() -> None:
    assert row_key("p1") == 10_506_498_227_197_777_640
