"""The packaged sentence encoder in 8-bit arithmetic, by ONNX Runtime: about four times the speed on one core.

Weights are rounded once, activations while a batch runs (dynamic quantisation; see ONNX Runtime's documentation,
"Quantize ONNX models"), so an embedding moves by about a hundredth with the batch it is in. It stays near the exact
one: models made with either serve both (docs/benchmarks.md). The file is made on the first use, from the packaged
weights, and kept in the user's cache. Once it is there torch is never imported.
"""

import os
import tempfile
import threading
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tierbot.edges.encoder import TOKENS, EncoderError, SentenceEncoder, packaged_weights

INT8 = "all-MiniLM-L6-v2-int8"
_DIMENSION = 384
_CHARACTERS_A_TOKEN = 20
_TOKENS_A_BATCH, _TEXTS_A_BATCH = 2048, 64
_OPSET = 17


class QuantisedEncoder:
    """Embeddings by ONNX Runtime (ports.Encoder). Safe to share among threads.

    folder: where the converted weights are kept; None stands for the user's cache. threads: None leaves ONNX
    Runtime's default.
    """

    def __init__(self, *, tokens: int = TOKENS, threads: int | None = 1, folder: Path | None = None) -> None:
        self.name = INT8
        self._tokens, self._threads = tokens, threads
        self._folder = folder or _cache()
        self._exact = SentenceEncoder(tokens=tokens, threads=threads)
        self._lock = threading.Lock()
        self._session: Any = None
        self._tokenizer: Any = None

    @property
    def digest(self) -> str:
        """The exact encoder's: their embeddings are near enough to share models and memories."""
        return self._exact.digest

    @property
    def dimension(self) -> int:
        """The embeddings' width d."""
        return _DIMENSION

    def load(self) -> None:
        """Load the weights now, converting them if need be. Raises EncoderError if they cannot be used."""
        _ = self.digest
        with self._lock:
            if self._session is None:
                self._session, self._tokenizer = self._read()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit-length embeddings, (n, d) float32. Texts of like length share a batch, so little is padded."""
        found = np.zeros((len(texts), _DIMENSION), np.float32)
        if not texts:
            return found
        self.load()
        with self._lock:
            shortened = [text[: _CHARACTERS_A_TOKEN * self._tokens] for text in texts]
            tokens = [one.ids for one in self._tokenizer.encode_batch(shortened)]
            for rows in batches([len(one) for one in tokens]):
                width = len(tokens[rows[-1]])
                ids, mask = np.zeros((2, len(rows), width), np.int64)
                for place, row in enumerate(rows):
                    ids[place, : len(tokens[row])], mask[place, : len(tokens[row])] = tokens[row], 1
                found[rows] = self._session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
        return found

    def _read(self) -> tuple[Any, Any]:
        try:
            import onnxruntime  # noqa: PLC0415 - an optional package, needed from here on only
        except ImportError as fault:
            raise EncoderError(
                f"TIERBOT_ENCODER={INT8} needs ONNX Runtime. Run: pip install 'tierbot[fast]', or leave the setting out."
            ) from fault
        from tokenizers import Tokenizer  # noqa: PLC0415

        file = self._folder / f"{INT8}-{self.digest[:16]}.onnx"
        if not file.exists():
            convert(file)
        options = onnxruntime.SessionOptions()
        if self._threads is not None:
            options.intra_op_num_threads = options.inter_op_num_threads = self._threads
        try:
            session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        except Exception as fault:  # ONNX Runtime's faults have no common class
            raise EncoderError(f"{file} cannot be read. Delete it: it will be made anew.") from fault
        tokenizer = Tokenizer.from_file(str(packaged_weights() / "tokenizer.json"))
        tokenizer.enable_truncation(self._tokens)
        tokenizer.no_padding()
        return session, tokenizer


def batches(lengths: Sequence[int]) -> list[list[int]]:
    """Divide texts, given their lengths in tokens, into batches of like length; each ends with its longest text.

    A batch has at most 64 texts and, padded, 2,048 tokens, unless one text alone has more.
    """
    found: list[list[int]] = []
    for row in sorted(range(len(lengths)), key=lambda row: lengths[row]):
        last = found[-1] if found else []
        if last and len(last) < _TEXTS_A_BATCH and lengths[row] * (len(last) + 1) <= _TOKENS_A_BATCH:
            last.append(row)
        else:
            found.append([row])
    return found


def convert(file: Path) -> None:
    """Write the packaged encoder, pooling and normalising included, as 8-bit ONNX. Takes about ten seconds.

    Raises EncoderError if a package is missing or the folder cannot be written.
    """
    try:
        import onnx  # noqa: F401, PLC0415 - optional packages, needed here only
        from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415
    except ImportError as fault:
        raise EncoderError(f"Converting the encoder needs {fault.name}. Run: pip install 'tierbot[fast]'.") from fault
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent) as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter's, about how it will change
            exact, rounded = Path(folder) / "exact.onnx", Path(folder) / "rounded.onnx"
            _export(exact)
            quantize_dynamic(str(exact), str(rounded), weight_type=QuantType.QInt8, per_channel=True)
            rounded.replace(file)  # whole or not at all
    except OSError as fault:
        raise EncoderError(
            f"The converted encoder cannot be kept in {file.parent} ({fault.strerror}). Set XDG_CACHE_HOME to a "
            "folder that can be written."
        ) from fault


def _export(path: Path) -> None:
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch  # noqa: PLC0415 - slow and large, needed here only
    from transformers import AutoModel  # noqa: PLC0415

    bert = AutoModel.from_pretrained(packaged_weights(), attn_implementation="eager", local_files_only=True).eval()

    class Pooled(torch.nn.Module):
        """Token vectors' mean at unit length, as sentence-transformers has it for these weights."""

        def __init__(self) -> None:
            super().__init__()
            self.bert = bert

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            kinds = torch.zeros_like(input_ids)
            tokens = self.bert(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=kinds)[0]
            mask = attention_mask.unsqueeze(-1).to(tokens.dtype)
            return torch.nn.functional.normalize((tokens * mask).sum(1) / mask.sum(1), dim=1)

    inputs = torch.tensor([[101, 2023, 102], [101, 102, 0]]), torch.tensor([[1, 1, 1], [1, 1, 0]])
    names = ["input_ids", "attention_mask"]
    with torch.no_grad():
        torch.onnx.export(
            Pooled(),
            inputs,
            str(path),
            input_names=names,
            output_names=["embedding"],
            dynamic_axes={name: {0: "texts", 1: "tokens"} for name in names} | {"embedding": {0: "texts"}},
            opset_version=_OPSET,
            dynamo=False,  # the newer exporter needs one more package and gains nothing here
        )


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tierbot"
