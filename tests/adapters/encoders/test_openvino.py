"""The encoder by OpenVINO: near the exact one, whatever the text, and found again once it was made."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierbot.adapters.encoders import encoder_of
from tierbot.adapters.encoders.openvino import FastEncoder, batches
from tierbot.adapters.encoders.sentence import EncoderError, SentenceEncoder

pytest.importorskip("openvino")

TEXTS = ["Bitcoin falls ten percent", "", "日本語のニュース", "word " * 20_000, "A recipe for sourdough bread " * 8]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def fast(folder: Path) -> FastEncoder:
    return FastEncoder(folder=folder)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_embeddings_are_near_the_exact_ones_and_of_unit_length(fast: FastEncoder) -> None:
    exact = SentenceEncoder()
    found = fast.encode(TEXTS)
    assert found.dtype == np.float32
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    near = (found * exact.encode(TEXTS)).sum(axis=1)
    assert near.min() > 0.99  # the empty one
    assert near.mean() > 0.997
    assert fast.digest == exact.digest
    assert fast.encode([]).shape == (0, fast.dimension) == (0, exact.dimension)


def test_company_and_order_move_an_embedding_by_little(fast: FastEncoder) -> None:
    whole = fast.encode(TEXTS)
    for place, text in enumerate(TEXTS):
        assert float(fast.encode([text])[0] @ whole[place]) > 0.999


def test_a_made_file_is_used_again_without_torch(fast: FastEncoder, folder: Path) -> None:
    fast.load()
    code = (
        "import sys; from pathlib import Path; from tierbot.adapters.encoders.openvino import FastEncoder as E; "
        "E(folder=Path(sys.argv[1])).encode(['a text']); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(folder)], check=False).returncode == 0
    assert len(list(folder.iterdir())) == 1


def test_a_damaged_file_is_named_with_the_remedy(fast: FastEncoder, folder: Path, tmp_path: Path) -> None:
    fast.load()
    (made,) = folder.iterdir()
    (tmp_path / made.name).write_bytes(made.read_bytes()[:1000])
    with pytest.raises(EncoderError, match=r"fast.*\.onnx cannot be read. Delete it"):
        FastEncoder(folder=tmp_path).encode(["a text"])


def test_a_missing_package_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(EncoderError, match=r"pip install '.\[fast\]'"):
        FastEncoder().encode(["a text"])


def test_the_setting_chooses_it() -> None:
    assert isinstance(encoder_of("all-MiniLM-L6-v2-fast"), FastEncoder)


@given(st.lists(st.integers(1, 3000), max_size=200))
def test_each_text_is_in_one_batch_of_like_lengths(lengths: list[int]) -> None:
    found = batches(lengths)
    assert sorted(row for batch in found for row in batch) == list(range(len(lengths)))
    for batch in found:
        longest = lengths[batch[-1]]
        assert longest == max(lengths[row] for row in batch)
        assert len(batch) <= 64
        assert len(batch) == 1 or longest * len(batch) <= 2048
        assert len(batch) <= 8 or longest * len(batch) <= 1.1 * sum(lengths[row] for row in batch)
