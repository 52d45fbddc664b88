"""A first harness learns what its model says, gives up no more than it may, and is as sure as its model."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from tests.support.pupils import VOCABULARY, champion, pieces, stories, tokenizer
from tests.support.worlds import TAG_IDS
from tierbot.domain.predict.classifier import Classifier
from tierbot.domain.predict.model import ExternalPredictor
from tierbot.domain.predict.neighbors import Neighbors
from tierbot.domain.predict.static import StaticEncoder, unit_length
from tierbot.domain.training.distil import as_sure_as, nearer, ridge, teach, token_vectors
from tierbot.domain.training.solver import Design

MODEL = champion()
ARTICLES, TOPICS, EMBEDDINGS = stories(900, seed=1, words=1)
LATER, _, LATER_EMBEDDINGS = stories(400, seed=2, words=1)
NEW = np.arange(900) % 2 == 0


def test_token_vectors_add_up_to_embeddings_and_serve_for_words_that_no_text_had() -> None:
    reader = StaticEncoder(tokenizer(), pieces().vectors)
    seen = [row for row, one in enumerate(ARTICLES) if "pizza" not in one.content]
    counts = reader.counts([ARTICLES[row].content for row in seen])
    found = StaticEncoder(tokenizer(), token_vectors(counts, pieces().vectors, EMBEDDINGS[seen]))
    near = (found.encode([one.content for one in LATER]) * LATER_EMBEDDINGS).sum(axis=1)
    assert near.mean() > 0.85
    nearest = (found.encode(["pizza"]) @ unit_length(pieces().vectors).T).argmax()
    assert VOCABULARY[nearest] == "pizza"


def test_it_agrees_with_its_model_on_articles_that_neither_saw() -> None:
    first = teach(ARTICLES, EMBEDDINGS, MODEL, TAG_IDS, pieces(), new=NEW)
    said = MODEL.predict(LATER, LATER_EMBEDDINGS, TAG_IDS)
    found = first.probabilities(LATER, TAG_IDS)
    assert (found.argmax(axis=1) == said.argmax(axis=1)).mean() > 0.9
    assert first.settled(found, TAG_IDS).mean() == pytest.approx(first.settles, abs=0.2)  # 180 were left out
    assert first.settles > 0.3
    assert first.taught == 900


def test_fewer_articles_allow_it_to_give_up_less() -> None:
    few = teach(ARTICLES[:200], EMBEDDINGS[:200], MODEL, TAG_IDS, pieces(), new=NEW[:200], allowed=0.5)
    assert few.gives_up <= 0.5 * 200 / 10_000


def test_of_a_predictor_of_ones_own_it_learns_as_well() -> None:
    external_predictor = ExternalPredictor(
        "house", lambda articles, tags: [{"food" if "pizza" in one.content else "law": 1.0} for one in articles]
    )
    first = teach(ARTICLES, EMBEDDINGS, external_predictor, TAG_IDS, pieces(), new=NEW)
    assert set(np.array(TAG_IDS)[first.probabilities(LATER, TAG_IDS).argmax(axis=1)]) == {"food", "law"}
    assert first.settles > 0.3


def test_with_one_tag_there_is_nothing_to_pass_on() -> None:
    first = teach(ARTICLES[:100], EMBEDDINGS[:100], MODEL, ("food",), pieces(), new=NEW[:100])
    assert first.settled(first.probabilities(LATER, ("food",)), ("food",)).all()


def test_a_model_that_it_cannot_follow_leaves_it_nothing_to_settle() -> None:
    drawn = np.random.default_rng(0)
    external_predictor = ExternalPredictor(
        "dice", lambda articles, tags: np.eye(len(tags))[drawn.integers(len(tags), size=len(articles))]
    )
    assert teach(ARTICLES, EMBEDDINGS, external_predictor, TAG_IDS, pieces(), new=NEW).settles < 0.1


def test_the_ridge_is_the_one_in_closed_form() -> None:
    rng = np.random.default_rng(0)
    dense = rng.standard_normal((40, 3)).astype(np.float32)
    words = sparse.csr_array((rng.random((40, 8)) < 0.3).astype(np.float32))
    wanted = rng.standard_normal((40, 5)).astype(np.float32)
    whole = np.hstack([dense, np.ones((40, 1)), words.toarray()])
    exact = np.linalg.solve(whole.T @ whole + np.eye(12), whole.T @ wanted)
    assert np.allclose(ridge(Design(dense, words), wanted), exact, atol=1e-3)


def test_moved_towards_what_the_model_says_it_is_nearer_than_the_ridge_alone() -> None:
    said = MODEL.predict(ARTICLES, EMBEDDINGS, TAG_IDS)
    features = MODEL.features_of([one.content for one in ARTICLES], EMBEDDINGS)
    poor = replace(MODEL, dense=MODEL.dense * 0.3, memory=Neighbors.empty(MODEL.dimension, len(TAG_IDS)))
    moved = nearer(poor, features, said)

    def entropy(classifier: Classifier) -> float:
        return -float((said * np.log(classifier.probabilities(features, TAG_IDS))).sum(axis=1).mean())

    assert entropy(moved) < entropy(as_sure_as(poor, poor.probabilities(features, TAG_IDS), said)) - 0.01


def test_it_is_made_as_sure_as_its_model() -> None:
    said = MODEL.predict(LATER, LATER_EMBEDDINGS, TAG_IDS)
    flat = said**0.4 / (said**0.4).sum(axis=1, keepdims=True)
    features = MODEL.features_of([one.content for one in LATER], LATER_EMBEDDINGS)
    milder = as_sure_as(MODEL, MODEL.probabilities(features, TAG_IDS), flat)
    assert milder.sharpness == pytest.approx(0.4 * MODEL.sharpness, rel=0.05)
    assert milder.adjustment == pytest.approx(0.4 * MODEL.adjustment, rel=0.05)


def test_nearing_starts_from_a_student_that_says_what_the_model_says() -> None:
    tilted = replace(
        MODEL,
        adjustment=np.linspace(-1, 1, len(TAG_IDS), dtype=np.float32),
        memory=Neighbors.empty(MODEL.dimension, len(TAG_IDS)),
    )
    features = MODEL.features_of([one.content for one in LATER], LATER_EMBEDDINGS)
    said = tilted.probabilities(features, TAG_IDS)
    moved = nearer(tilted, features, said)
    assert np.allclose(moved.probabilities(features, TAG_IDS), said, atol=2e-3)
    assert np.allclose(moved.dense, tilted.dense, atol=2e-2)
