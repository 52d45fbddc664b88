"""The encoder: the packaged weights, checked; offline; unit length; whatever the text."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierbot.adapters.encoders import encoder_of
from tierbot.adapters.encoders import sentence as module
from tierbot.adapters.encoders.hashing import HashingEncoder
from tierbot.adapters.encoders.sentence import EncoderError, SentenceEncoder, packaged_weights


@pytest.fixture(scope="module")
def minilm() -> SentenceEncoder:
    return SentenceEncoder()


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_texts_on_one_matter_are_near_and_vectors_have_unit_length(minilm: SentenceEncoder) -> None:
    vectors = minilm.encode(["Bitcoin falls ten percent", "Crypto prices drop", "How to bake sourdough bread"])
    assert vectors.shape == (3, minilm.dimension)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0] @ vectors[1] > 2 * abs(vectors[0] @ vectors[2])


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_neither_order_nor_company_changes_an_embedding(minilm: SentenceEncoder) -> None:
    texts = ["short", "a somewhat longer text about the weather " * 9, "", "日本語のニュース", "word " * 20_000]
    whole = minilm.encode(texts)
    for place in (4, 0, 3):
        assert np.allclose(minilm.encode([texts[place]])[0], whole[place], atol=1e-5)
    assert minilm.encode([]).shape == (0, 384)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_threads_may_share_it(minilm: SentenceEncoder) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: minilm.encode(["one text"])[0], range(8)))
    assert all(np.array_equal(vector, found[0]) for vector in found)


def test_neither_digest_nor_dimension_needs_torch() -> None:
    code = (
        "import sys; from tierbot.adapters.encoders.sentence import SentenceEncoder as E; "
        "e = E(); e.digest; e.dimension; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_digest_says_how_texts_are_cut() -> None:
    assert SentenceEncoder(tokens=64).digest != SentenceEncoder().digest == SentenceEncoder().digest


def test_changed_weights_are_named_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(packaged_weights() / "tokenizer.json", tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"something else")
    monkeypatch.setattr(module, "packaged_weights", lambda: tmp_path)
    with pytest.raises(EncoderError, match=r"model\.safetensors is damaged or changed.*force-reinstall"):
        _ = SentenceEncoder().digest


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_an_encoder_that_is_nowhere_is_told_without_asking_the_network(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"cannot be loaded.*TIERBOT_ENCODER"):
        SentenceEncoder(str(tmp_path / "nothing")).encode(["a text"])


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_any_folder_with_a_model_will_do(minilm: SentenceEncoder) -> None:
    other = SentenceEncoder(str(packaged_weights()))
    assert np.allclose(other.encode(["a text"]), minilm.encode(["a text"]), atol=1e-6)
    assert other.digest != minilm.digest


def test_a_setting_chooses_the_encoder() -> None:
    assert isinstance(encoder_of("hashing"), HashingEncoder)
    assert isinstance(encoder_of("all-MiniLM-L6-v2"), SentenceEncoder)


@given(st.lists(st.text(max_size=40), max_size=5))
def test_hashed_embeddings_are_repeatable_and_of_unit_length(texts: list[str]) -> None:
    vectors = HashingEncoder(16).encode(texts)
    assert vectors.shape == (len(texts), 16)
    assert np.array_equal(vectors, HashingEncoder(16).encode(texts))
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
