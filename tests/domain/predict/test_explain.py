"""Occlusion says how much each word counts; neighbors come by cosine."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tierbot.domain.predict.explain import MOST_WORDS, likeliest, nearest, without, words_of, words_that_mattered


def additive(effects):
    """Return a model whose probability is .2 and what each word adds."""

    def probability(texts):
        return np.array(
            [0.2 + sum(effect for word, effect in effects.items() if word in text.split()) for text in texts]
        )

    return probability


def test_a_words_effect_is_the_probability_lost_without_it():
    found = words_that_mattered("quarterback eats pizza tonight", additive({"quarterback": 0.5, "pizza": -0.1}))
    assert [(one.word, round(one.drop, 9)) for one in found[:2]] == [("quarterback", 0.5), ("pizza", -0.1)]
    assert all(one.drop == 0 for one in found[2:])


def test_the_model_is_asked_once_for_all_words():
    calls = []

    def probability(texts):
        calls.append(list(texts))
        return np.full(len(texts), 0.5)

    words_that_mattered("red kites fly", probability)
    assert calls == [["red kites fly", "kites fly", "red fly", "red kites"]]


def test_stop_words_are_not_tried_and_a_repeated_word_is_tried_once():
    assert words_of("The pizza and the Pizza, c++ and rock'n'roll") == ["pizza", "c++", "rock'n'roll"]


def test_a_long_text_costs_no_more_than_its_first_words():
    assert len(words_of(" ".join(f"word{i}" for i in range(500)))) == MOST_WORDS


def test_a_text_without_words_is_explained_without_asking():
    assert words_that_mattered("…! 🍕", additive({})) == []


def test_leaving_out_a_word_leaves_longer_words_alone():
    assert without("Pizza pizzas PIZZA-time pizza.", "pizza") == "pizzas PIZZA-time ."


@given(st.text(max_size=200))
def test_whatever_the_text_no_tried_word_is_left_once_it_was_left_out(text):
    for word in words_of(text):
        assert word.casefold() not in {other.casefold() for other in words_of(without(text, word))}


@given(st.integers(1, 20), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_nearest_are_the_largest_cosines_in_order(rows, count, seed):
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((rows, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found, cosines = nearest(vectors[0], vectors, count)
    assert len(found) == min(rows, count)
    assert abs(float(cosines[0]) - 1) < 1e-5
    rest = np.setdiff1d(np.arange(rows), found)
    assert list(cosines) == sorted(cosines, reverse=True)
    assert all(vectors[row] @ vectors[0] <= cosines[-1] + 1e-6 for row in rest)


def test_the_shown_tag_is_listed_even_when_it_is_far_down():
    p = {"food": 0.5, "health": 0.3, "law": 0.15, "war": 0.05}
    assert likeliest(p, "war", 2) == (("food", 0.5), ("health", 0.3), ("war", 0.05))
    assert likeliest(p, "food", 2) == (("food", 0.5), ("health", 0.3))
