"""The classifier: probabilities, tags that come and go, and bytes that say when they are damaged."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.worlds import ENCODER, TAG_IDS, TAGS, features, texts
from tierbot.domain.nouns import Tag
from tierbot.domain.predict.classifier import FORMAT, Classifier, UnknownTagError, adjusted, normalized
from tierbot.domain.predict.coldstart import coldstart
from tierbot.domain.predict.tensors import ModelFileError, read_tensors, write_tensors
from tierbot.domain.training.fit import fit
from tierbot.domain.training.rows import labeled_rows

SOME, TOPICS = texts(160, np.random.default_rng(5))
FEATURES = features(SOME)


@pytest.fixture(scope="module")
def model() -> Classifier:
    rows = labeled_rows([{topic: 1.0} for topic in TOPICS], FEATURES, TAG_IDS)
    rows = replace(rows, keys=np.arange(1, len(rows) + 1, dtype=np.uint64))
    return replace(fit(rows, coldstart(TAGS, ENCODER.encode)), card={"note": "é"})


def test_probabilities_sum_to_one_over_the_tags_asked_about(model: Classifier) -> None:
    for asked in (TAG_IDS, TAG_IDS[1:3], TAG_IDS[:1]):
        p = model.probabilities(FEATURES, asked)
        assert p.shape == (len(SOME), len(asked))
        assert np.allclose(p.sum(axis=1), 1)
        assert (p >= 0).all()


def test_a_retired_tag_leaves_the_others_in_proportion(model: Classifier) -> None:
    bare = replace(model, neighbors=model.neighbors.over(np.full(len(TAG_IDS), -1)))
    every, fewer = bare.probabilities(FEATURES, TAG_IDS), bare.probabilities(FEATURES, TAG_IDS[:3])
    assert np.allclose(fewer, every[:, :3] / every[:, :3].sum(axis=1, keepdims=True))


def test_the_order_in_which_tags_are_asked_about_is_the_order_of_the_answer(model: Classifier) -> None:
    backwards = model.probabilities(FEATURES, TAG_IDS[::-1])
    assert np.allclose(backwards[:, ::-1], model.probabilities(FEATURES, TAG_IDS))


def test_bytes_bring_back_the_same_model(model: Classifier) -> None:
    back = Classifier.from_bytes(model.to_bytes())
    assert back.tag_ids == model.tag_ids
    assert back.card == {"note": "é"}
    assert np.array_equal(back.seen, model.seen)
    assert np.array_equal(back.probabilities(FEATURES, TAG_IDS), model.probabilities(FEATURES, TAG_IDS))
    assert back.to_bytes() == model.to_bytes()


def test_a_model_from_before_the_mixture_was_calibrated_is_read_as_it_was_meant(model: Classifier) -> None:
    arrays, about = read_tensors(model.to_bytes(), "m7", FORMAT)
    del about["memory"]["focus"]
    old = Classifier.from_bytes(write_tensors(arrays, about))
    plain = replace(model, neighbors=replace(model.neighbors, focus=1.0))
    assert np.array_equal(old.probabilities(FEATURES, TAG_IDS), plain.probabilities(FEATURES, TAG_IDS))


def test_a_model_from_before_there_was_an_adjustment_is_read_as_it_was_meant(model: Classifier) -> None:
    arrays, about = read_tensors(model.to_bytes(), "m7", FORMAT)
    del arrays["adjustment"]
    old = Classifier.from_bytes(write_tensors(arrays, about))
    plain = replace(model, adjustment=np.zeros(len(TAG_IDS), np.float32))
    assert np.array_equal(old.probabilities(FEATURES, TAG_IDS), plain.probabilities(FEATURES, TAG_IDS))


@given(st.data())
def test_any_changed_byte_is_noticed(model: Classifier, data: st.DataObject) -> None:
    whole = bytearray(model.to_bytes())
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    try:
        read = Classifier.from_bytes(bytes(whole), "models/m7.safetensors")
    except ModelFileError as fault:
        assert "models/m7.safetensors" in str(fault)  # noqa: PT017 - a changed byte may also change nothing
    else:
        assert read.to_bytes() == model.to_bytes()


@pytest.mark.parametrize("size", [0, 7, 100, -1])
def test_a_file_cut_short_is_named_with_the_remedy(model: Classifier, size: int) -> None:
    with pytest.raises(ModelFileError, match=r"m7 is damaged.*rollback"):
        Classifier.from_bytes(model.to_bytes()[:size], "m7")


def test_a_pickle_is_refused_unread() -> None:
    with pytest.raises(ModelFileError, match="can't be read as safetensors"):
        Classifier.from_bytes(b"\x80\x04cposix\nsystem\n(S'false'\ntR.")


def test_an_unknown_tag_is_named(model: Classifier) -> None:
    with pytest.raises(UnknownTagError, match="'chess'"):
        model.probabilities(FEATURES, [*TAG_IDS, "chess"])


def test_embeddings_of_another_width_are_refused(model: Classifier) -> None:
    other = replace(FEATURES, embeddings=FEATURES.embeddings[:, :10])
    with pytest.raises(ModelFileError, match="embeddings of 48 numbers"):
        model.probabilities(other, TAG_IDS)


def test_a_tag_added_in_mid_run_is_predicted_from_its_description(model: Classifier) -> None:
    chess = Tag("chess", "Chess", "chess_pawn", "♟", "Pawn, bishop, checkmate and gambit")
    wider = model.extended(coldstart([*TAGS, chess], ENCODER.encode))
    asked = features(["bishop and pawn: a gambit before checkmate", "pizza from the oven"])
    p = wider.probabilities(asked, wider.tag_ids)
    assert wider.tag_ids == (*TAG_IDS, "chess")
    assert [wider.tag_ids[top] for top in p.argmax(axis=1)] == ["chess", "food"]


def test_adding_a_tag_changes_nothing_of_the_others(model: Classifier) -> None:
    chess = Tag("chess", "Chess", "chess_pawn", "♟", "Pawn, bishop, checkmate")
    wider = model.extended(coldstart([chess], ENCODER.encode))
    assert np.allclose(wider.scores(FEATURES)[:, : len(TAG_IDS)], model.scores(FEATURES), atol=0.02)
    assert np.array_equal(wider.adjustment, [*model.adjustment, 0.0])
    assert model.extended(coldstart(TAGS, ENCODER.encode)) is model


@given(st.lists(st.lists(st.floats(-30, 30), min_size=3, max_size=3), min_size=1, max_size=4), st.floats(0.2, 4))
def test_normalising_keeps_the_order_and_the_sum(logits: list[list[float]], sharpness: float) -> None:
    odds = np.array(logits)
    p = normalized(odds, sharpness)
    assert np.allclose(p.sum(axis=1), 1)
    for row, chances in zip(odds, p, strict=True):
        assert (np.diff(chances[np.argsort(row, kind="stable")]) >= -1e-12).all()


@given(st.lists(st.floats(0.001, 1), min_size=3, max_size=3), st.lists(st.floats(-5, 5), min_size=3, max_size=3))
def test_adjusting_moves_the_log_odds_between_tags_by_the_difference(p: list[float], by: list[float]) -> None:
    found = adjusted(np.array([p]), np.array(by, np.float32))[0]
    assert found.sum() == pytest.approx(1)
    assert np.log(found[0] / found[1]) == pytest.approx(np.log(p[0] / p[1]) + by[0] - by[1], abs=1e-5)
