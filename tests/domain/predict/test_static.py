"""A static encoder adds up its tokens' vectors, whatever stands beside a text, and reads no further than it may."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.support.pupils import VOCABULARY, tokenizer
from tierbot.domain.predict.static import StaticEncoder, unit_length

VECTORS = np.random.default_rng(3).standard_normal((len(VOCABULARY), 8)).astype(np.float32)
VECTORS[0] = 0  # what is unknown says nothing
ENCODER = StaticEncoder(tokenizer(), VECTORS)
TEXTS = st.lists(st.lists(st.sampled_from(VOCABULARY[1:]), max_size=6).map(" ".join), max_size=6)


@given(TEXTS)
def test_an_embedding_points_where_the_sum_of_its_words_does(texts: list[str]) -> None:
    found = ENCODER.encode(texts)
    assert found.shape == (len(texts), 8)
    for row, text in enumerate(texts):
        words = [VOCABULARY.index(word) for word in text.split()]
        assert np.allclose(found[row], unit_length(VECTORS[words].sum(axis=0, keepdims=True))[0], atol=1e-5)


@given(TEXTS, TEXTS)
def test_company_changes_nothing(some: list[str], others: list[str]) -> None:
    assert np.allclose(ENCODER.encode(some + others)[: len(some)], ENCODER.encode(some), atol=1e-6)


def test_a_text_of_unknown_words_has_no_direction() -> None:
    assert not ENCODER.encode(["zzz", "", "日本語"]).any()


def test_what_lies_beyond_its_tokens_is_not_read() -> None:
    short = StaticEncoder(tokenizer(), VECTORS, tokens=3)
    assert np.array_equal(short.encode(["moon comet probe"]), short.encode(["moon comet probe pizza"]))
    assert short.counts(["moon " * 1_000_000]).sum() == 3
