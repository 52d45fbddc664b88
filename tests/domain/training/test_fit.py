"""The fit learns from all three kinds of statement, keeps its prior where nothing was said, and is repeatable."""

from dataclasses import replace

import numpy as np
import pytest

from tests.support.settled import settled
from tests.support.worlds import ENCODER, TAG_IDS, TAGS, features, texts
from tierbot.domain.nouns import Outcome
from tierbot.domain.predict.classifier import Classifier
from tierbot.domain.predict.coldstart import coldstart
from tierbot.domain.training.fit import FitSettings, NothingToLearnError, fit, logit_adjustment, refit
from tierbot.domain.training.rows import TrainingRows, joined_rows, labeled_rows, verdict_rows

PRIOR = coldstart(TAGS, ENCODER.encode)


def world(count: int, seed: int) -> tuple[TrainingRows, list[str]]:
    some, topics = texts(count, np.random.default_rng(seed))
    return labeled_rows([{topic: 1.0} for topic in topics], features(some), TAG_IDS), topics


def hits(model: Classifier, rows: TrainingRows) -> float:
    top = model.probabilities(rows.features, TAG_IDS).argmax(axis=1)
    return float((rows.targets[np.arange(len(rows)), top] > 0).mean())


LATER, _ = world(400, 99)


def test_more_labels_teach_more() -> None:
    found = [hits(PRIOR, LATER), *(hits(fit(world(n, 1)[0], PRIOR), LATER) for n in (60, 500))]
    assert found[0] < found[1] < found[2]
    assert found[2] > 0.95


def test_the_same_rows_and_seed_give_the_same_bytes() -> None:
    rows, _ = world(150, 2)
    assert fit(rows, PRIOR, seed=3).to_bytes() == fit(rows, PRIOR, seed=3).to_bytes()


def test_rejections_alone_teach_what_a_text_is_not() -> None:
    some, _ = texts(40, np.random.default_rng(4))
    wrong = [settled(i, outcome=Outcome.WRONG, shown="food") for i in range(40)]
    rows = verdict_rows(wrong, features(some), TAG_IDS)
    before, after = PRIOR.probabilities(rows.features, TAG_IDS), fit(rows, PRIOR).scores(rows.features)
    assert (after[:, 0] < PRIOR.scores(rows.features)[:, 0]).mean() > 0.9
    assert np.allclose(after[:, 1:], PRIOR.scores(rows.features)[:, 1:], atol=0.05)
    assert before.shape == after.shape


def test_a_tag_that_nobody_spoke_of_keeps_its_description() -> None:
    rows, _ = world(200, 5)
    rows.weights[:, 3] = 0
    model = fit(rows, PRIOR)
    assert np.allclose(model.dense[:, 3], PRIOR.dense[:, 3], atol=1e-3)
    assert model.bias[3] == pytest.approx(PRIOR.bias[3], abs=1e-3)


def test_several_true_tags_are_all_likely() -> None:
    some = ["pizza oven cheese court judge ruling"] * 20
    rows = labeled_rows([{"food": 1.0, "law": 1.0}] * 20, features(some), TAG_IDS)
    more, _ = world(200, 6)
    both = TrainingRows(TAG_IDS, more.features, more.targets, more.weights, more.keys)
    p = fit(joined_rows([both, rows]), PRIOR).probabilities(features(some[:1]), TAG_IDS)[0]
    assert set(np.argsort(-p)[:2].tolist()) == {0, 2}


def test_nothing_said_is_nothing_to_learn() -> None:
    rows, _ = world(5, 7)
    with pytest.raises(NothingToLearnError, match="There are no labels"):
        fit(rows.times(0), PRIOR)


def test_rows_over_other_tags_than_the_priors_are_refused() -> None:
    with pytest.raises(ValueError, match="have different tags"):
        fit(world(5, 8)[0].over(["food", "law"]), PRIOR)


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_one_row_is_enough_to_learn_from(count: int) -> None:
    model = fit(world(count, 9)[0], PRIOR)
    p = model.probabilities(LATER.features, TAG_IDS)
    assert np.isfinite(p).all()
    assert np.allclose(p.sum(axis=1), 1)


def test_one_tag_alone_can_be_fitted() -> None:
    alone = coldstart(TAGS[:1], ENCODER.encode)
    model = fit(world(30, 10)[0].over(TAG_IDS[:1]), alone)
    assert model.probabilities(LATER.features, TAG_IDS[:1]).min() == 1.0


def test_many_rows_are_calibrated_on_one_part_of_them() -> None:
    rows, _ = world(300, 11)
    model = fit(rows, PRIOR, FitSettings(most_folded=100, held_out=80))
    assert hits(model, LATER) > 0.9
    assert model.slope != PRIOR.slope


def test_refitting_to_a_few_rows_more_ends_near_a_whole_fit() -> None:
    rows, _ = world(300, 12)
    close = FitSettings(tolerance=0.001)
    most = fit(rows.take(np.arange(290)), PRIOR, close)
    again, whole = refit(rows, PRIOR, most, close), fit(rows, PRIOR, close)
    assert np.allclose(again.dense, whole.dense, atol=0.02)
    assert (again.slope, again.sharpness) == (most.slope, most.sharpness)
    assert np.array_equal(again.adjustment, most.adjustment)


def test_a_model_remembers_the_posts_it_learned_from() -> None:
    rows, _ = world(6, 13)
    rows = replace(rows, keys=np.array([9, 0, 7, 0, 9, 8], np.uint64))
    assert fit(rows, PRIOR).seen.tolist() == [7, 8, 9]


def test_the_most_frequent_words_are_kept() -> None:
    rows, _ = world(200, 14)
    small = fit(rows, PRIOR, FitSettings(most_words=5))
    assert len(small.tfidf.columns) <= 5 + len(PRIOR.tfidf.columns)


def test_a_site_that_all_come_from_may_move_to_another_address() -> None:
    some, topics = texts(200, np.random.default_rng(15))
    old, new = (features(some, [url] * 200) for url in ("https://old.example/entry/1", "https://new.example/entry/1"))
    model = fit(labeled_rows([{topic: 1.0} for topic in topics], old, TAG_IDS), PRIOR)
    assert np.array_equal(model.probabilities(old, TAG_IDS), model.probabilities(new, TAG_IDS))


def test_a_site_that_some_come_from_tells_their_tag() -> None:
    some, topics = texts(200, np.random.default_rng(16))
    urls = ["https://kitchen.example" if topic == "food" else "" for topic in topics]
    model = fit(labeled_rows([{topic: 1.0} for topic in topics], features(some, urls), TAG_IDS), PRIOR)
    there, nowhere = (
        model.probabilities(features(["people say"], [url]), TAG_IDS) for url in (urls[topics.index("food")], "")
    )
    assert there[0, 0] > nowhere[0, 0] + 0.2


def named(*counts: int) -> TrainingRows:
    """Return rows of which so many name the first tag, the second and so on, and 7 that only say what is wrong."""
    some = [TAG_IDS[tag] for tag, count in enumerate(counts) for _ in range(count)]
    wrong = [settled(i, outcome=Outcome.WRONG, shown="food") for i in range(7)]
    rejected = verdict_rows(wrong, features(["x"] * 7), TAG_IDS)
    return joined_rows([labeled_rows([{tag: 1.0} for tag in some], features(["x"] * len(some)), TAG_IDS), rejected])


def test_the_mix_of_few_labels_is_not_wholly_believed() -> None:
    rows = named(80, 15, 5)
    model = fit(rows, PRIOR)
    p = model.probabilities(features(["x"]), TAG_IDS)[0]
    trusting = replace(model, adjustment=np.zeros_like(model.adjustment)).probabilities(features(["x"]), TAG_IDS)[0]
    assert p[0] < trusting[0]
    assert p[1] / p[0] == pytest.approx(trusting[1] / trusting[0] * (80.5 / 15.5) ** 0.3, rel=1e-5)


def test_of_many_labels_the_mix_is_believed_the_more_the_more_they_are() -> None:
    few, some, many = (np.ptp(logit_adjustment(named(9 * n, n), FitSettings())) for n in (50, 500, 5000))
    assert few > 50 * some > 2500 * many > 0


def test_a_row_counts_towards_the_mix_as_much_as_it_weighs() -> None:
    light = joined_rows([named(80).times(0.25), named(0, 20)])
    assert np.allclose(logit_adjustment(light, FitSettings()), logit_adjustment(named(20, 20), FitSettings()))


def test_an_even_mix_is_left_as_it_is() -> None:
    assert not logit_adjustment(named(*[30] * len(TAG_IDS)), FitSettings()).any()
