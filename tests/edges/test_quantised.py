"""The encoder in 8-bit arithmetic: near the exact one, whatever the text, and found again once it was made."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierbot.edges.encoder import EncoderError, SentenceEncoder, encoder_of
from tierbot.edges.quantised import QuantisedEncoder, batches

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

TEXTS = ["Bitcoin falls ten percent", "", "日本語のニュース", "word " * 20_000, "A recipe for sourdough bread " * 8]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def int8(folder: Path) -> QuantisedEncoder:
    return QuantisedEncoder(folder=folder)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_embeddings_are_near_the_exact_ones_and_of_unit_length(int8: QuantisedEncoder) -> None:
    exact = SentenceEncoder()
    found = int8.encode(TEXTS)
    assert found.dtype == np.float32
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert ((found * exact.encode(TEXTS)).sum(axis=1) > 0.97).all()
    assert int8.digest == exact.digest
    assert int8.encode([]).shape == (0, int8.dimension) == (0, exact.dimension)


def test_company_and_order_move_an_embedding_by_little(int8: QuantisedEncoder) -> None:
    whole = int8.encode(TEXTS)
    for place, text in enumerate(TEXTS):
        assert float(int8.encode([text])[0] @ whole[place]) > 0.9
    assert np.array_equal(int8.encode(TEXTS), whole)


def test_a_made_file_is_used_again_without_torch(int8: QuantisedEncoder, folder: Path) -> None:
    int8.load()
    code = (
        "import sys; from pathlib import Path; from tierbot.edges.quantised import QuantisedEncoder as E; "
        "E(folder=Path(sys.argv[1])).encode(['a text']); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(folder)], check=False).returncode == 0
    assert len(list(folder.iterdir())) == 1


def test_a_damaged_file_is_named_with_the_remedy(int8: QuantisedEncoder, folder: Path, tmp_path: Path) -> None:
    int8.load()
    (made,) = folder.iterdir()
    (tmp_path / made.name).write_bytes(made.read_bytes()[:1000])
    with pytest.raises(EncoderError, match=r"int8.*\.onnx cannot be read. Delete it"):
        QuantisedEncoder(folder=tmp_path).encode(["a text"])


def test_a_missing_package_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(EncoderError, match=r"pip install 'tierbot\[fast\]'"):
        QuantisedEncoder().encode(["a text"])


def test_the_setting_chooses_it() -> None:
    assert isinstance(encoder_of("all-MiniLM-L6-v2-int8"), QuantisedEncoder)


@given(st.lists(st.integers(1, 3000), max_size=200))
def test_each_text_is_in_one_batch_of_like_lengths(lengths: list[int]) -> None:
    found = batches(lengths)
    assert sorted(row for batch in found for row in batch) == list(range(len(lengths)))
    for batch in found:
        longest = lengths[batch[-1]]
        assert longest == max(lengths[row] for row in batch)
        assert len(batch) <= 64
        assert len(batch) == 1 or longest * len(batch) <= 2048
