"""How far single stories are trusted: as far as it helps."""

from dataclasses import replace

import numpy as np

from tests.support.worlds import ENCODER, TAG_IDS
from tierbot.domain.predict.features import Features, hashed
from tierbot.domain.predict.neighbors import Neighbors
from tierbot.domain.training.bootstrap_model import calibration_error
from tierbot.domain.training.neighbor_trust import MOST_STORIES, fit_neighbors, neighbors_of
from tierbot.domain.training.rows import TrainingRows


def stream(stories: int, parts: int, *, truthful: bool, seed: int = 0) -> TrainingRows:
    """Return rows of stories that run on: parts are alike, and have one tag if `truthful`, else any."""
    rng = np.random.default_rng(seed)
    tag = np.repeat(rng.integers(len(TAG_IDS), size=stories), parts)
    if not truthful:
        tag = rng.integers(len(TAG_IDS), size=stories * parts)
    base = np.repeat(rng.standard_normal((stories, ENCODER.dimension)), parts, axis=0)
    vectors = (base + 0.4 * rng.standard_normal(base.shape)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    targets = np.eye(len(TAG_IDS), dtype=np.float32)[tag]
    keys = np.arange(1, len(tag) + 1, dtype=np.uint64)
    return TrainingRows(TAG_IDS, Features(vectors, hashed([""] * len(tag))), targets, np.ones_like(targets), keys)


def unsure(rows: TrainingRows) -> np.typing.NDArray[np.float64]:
    return np.full(rows.targets.shape, 1 / len(TAG_IDS))


def test_stories_that_run_on_are_trusted() -> None:
    rows = stream(60, 3, truthful=True)
    memory = fit_neighbors(rows, np.arange(len(rows)), unsure(rows))
    p = memory.blended(unsure(rows)[:2], rows.features.embeddings[:2])
    assert (p[np.arange(2), rows.targets[:2].argmax(axis=1)] > 0.8).all()


def test_likeness_that_proves_nothing_is_not_trusted() -> None:
    rows = stream(60, 3, truthful=False)
    memory = fit_neighbors(rows, np.arange(len(rows)), unsure(rows))
    p = memory.blended(unsure(rows), rows.features.embeddings)
    assert p.max() < 0.5


def test_the_mixture_of_scores_and_memory_is_as_sure_as_it_is_right() -> None:
    rng = np.random.default_rng(1)
    rows = stream(300, 3, truthful=True)
    true = rows.targets.argmax(axis=1)
    hit = rng.random(len(rows)) < 0.6  # scores that are right as often as they say
    top = np.where(hit, true, (true + 1) % len(TAG_IDS))
    linear = np.full(rows.targets.shape, 0.4 / (len(TAG_IDS) - 1))
    linear[np.arange(len(rows)), top] = 0.6
    memory = fit_neighbors(rows, np.arange(len(rows)), linear)
    nearest, votes = memory.vote(rows.features.embeddings, np.arange(len(rows)))

    def gap(candidate: Neighbors) -> float:
        p = candidate.mixed(linear, nearest, votes)
        return calibration_error(p.max(axis=1), p.argmax(axis=1) == true)

    assert memory.focus != 1.0
    assert gap(memory) < 0.05
    assert gap(memory) < 0.5 * gap(replace(memory, focus=1.0))


def test_only_named_posts_are_remembered() -> None:
    rows = stream(4, 1, truthful=True)
    rows.keys[0] = 0  # a replayed row
    rows.targets[1] = 0  # wrong, unnamed
    assert len(neighbors_of(rows)) == 2
    assert len(fit_neighbors(rows, np.array([0, 1]), unsure(rows)[:2])) == 2


def test_the_newest_are_remembered() -> None:
    rows = stream(MOST_STORIES + 5, 1, truthful=True)
    memory = neighbors_of(rows)
    assert len(memory) == MOST_STORIES
    assert np.allclose(memory.embeddings[-1], rows.features.embeddings[-1], atol=1e-3)
