"""The packaged sentence encoder on OpenVINO: the same embeddings up to rounding, in a third of the CPU time.

Weights are 8-bit. OpenVINO quantizes activations to 8 bits dynamically, with a scale per 64 numbers; everything else is
bfloat16 where the processor supports it (AVX-512 BF16, AMX), or else float32. Embeddings keep a cosine similarity of .999
to the exact ones and cost up to half a point of accuracy. ONNX Runtime's 8 bits, with one scale per tensor, cost more
than a point (docs/benchmarks.md). The first use converts the weights and stores them in the user's cache; after that,
torch is never imported.
"""

import os
import threading
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tierbot.adapters.encoders.sentence import TOKENS, EncoderError, SentenceEncoder, packaged_weights
from tierbot.adapters.temporary import temporary_folder

FAST = "all-MiniLM-L6-v2-fast"
_DIMENSION = 384
_CHARACTERS_A_TOKEN = 20
_TOKENS_A_BATCH, _TEXTS_A_BATCH = 2048, 64
_FEW_TEXTS, _PADDED = 8, 1.1  # a batch of more than 8 texts is padded by up to 10%
_OPSET = 17
_GROUP = "64"  # numbers per scale: 32 is as slow as bfloat16, 384 is less accurate


class FastEncoder:
    """Embeddings from OpenVINO (ports.Encoder). Thread-safe.

    folder: for the converted weights; None for the user's cache. threads: None for OpenVINO's default.
    """

    def __init__(self, *, tokens: int = TOKENS, threads: int | None = 1, folder: Path | None = None) -> None:
        self.name = FAST
        self._tokens, self._threads = tokens, threads
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        self._folder = folder or cache / "tierbot"
        self._exact = SentenceEncoder(tokens=tokens, threads=threads)
        self._lock = threading.Lock()
        self._session: Any = None
        self._tokenizer: Any = None

    @property
    def digest(self) -> str:
        """The exact encoder's digest: their embeddings are the same up to rounding."""
        return self._exact.digest

    @property
    def dimension(self) -> int:
        """The embeddings' dimension d."""
        return _DIMENSION

    def load(self) -> None:
        """Load the weights, and convert them if needed. Raises EncoderError if they can't be used."""
        _ = self.digest
        with self._lock:
            if self._session is None:
                self._session, self._tokenizer = self._read()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit-length embeddings, (n, d) float32. Texts of similar length share a batch, to reduce padding."""
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
                found[rows] = self._session({"input_ids": ids, "attention_mask": mask})[0]
        return found

    def _read(self) -> tuple[Any, Any]:
        try:
            import openvino  # noqa: PLC0415 - an optional package
        except ImportError as fault:
            raise EncoderError(
                f"TIERBOT_ENCODER={FAST} needs OpenVINO. Run: pip install '.[fast]', or remove the setting."
            ) from fault
        from tokenizers import Tokenizer  # noqa: PLC0415

        file = self._folder / f"{FAST}-{self.digest[:16]}-int8.onnx"
        if not file.exists():
            convert(file)
        options = {"PERFORMANCE_HINT": "LATENCY", "DYNAMIC_QUANTIZATION_GROUP_SIZE": _GROUP}
        if self._threads is not None:
            options |= {"INFERENCE_NUM_THREADS": str(self._threads)}
        try:
            session = openvino.Core().compile_model(str(file), "CPU", options)
        except RuntimeError as fault:
            raise EncoderError(f"{file} cannot be read. Delete it; tierbot will create it again.") from fault
        tokenizer = Tokenizer.from_file(str(packaged_weights() / "tokenizer.json"))
        tokenizer.enable_truncation(self._tokens)
        tokenizer.no_padding()
        return session, tokenizer


def batches(lengths: Sequence[int]) -> list[list[int]]:
    """Divide texts, given their lengths in tokens, into batches of similar length; each ends with its longest text.

    A batch has up to 64 texts and 2,048 padded tokens, or a single longer text. Padding adds up to 10% to a batch of more
    than 8 texts.
    """
    found: list[list[int]] = []
    tokens = 0  # of the last batch
    for row in sorted(range(len(lengths)), key=lambda row: lengths[row]):
        if found and _fits(len(found[-1]) + 1, longest=lengths[row], tokens=tokens + lengths[row]):
            found[-1].append(row)
            tokens += lengths[row]
        else:
            found.append([row])
            tokens = lengths[row]
    return found


def _fits(texts: int, *, longest: int, tokens: int) -> bool:
    padded = texts * longest
    return texts <= _TEXTS_A_BATCH and padded <= _TOKENS_A_BATCH and (texts <= _FEW_TEXTS or padded <= _PADDED * tokens)


def convert(file: Path) -> None:
    """Write the packaged encoder as ONNX (58 MB, ten seconds). Raises EncoderError if the folder isn't writable."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with temporary_folder(file.parent, file.name) as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter warns about its future changes
            write_onnx(folder / "whole.onnx")
            _in_eight_bits(folder / "whole.onnx")
            (folder / "whole.onnx").replace(file)  # atomically
    except OSError as fault:
        raise EncoderError(
            f"The converted encoder cannot be stored in {file.parent} ({fault.strerror}). Set XDG_CACHE_HOME to a "
            "writable folder."
        ) from fault


def write_onnx(path: Path, opset: int = _OPSET) -> None:
    """Write the packaged encoder as ONNX in float32: input_ids and attention_mask, (n, tokens), to embedding (n, d)."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch  # noqa: PLC0415 - slow, and needed only here
    from transformers import AutoModel  # noqa: PLC0415

    bert = AutoModel.from_pretrained(packaged_weights(), attn_implementation="eager", local_files_only=True).eval()

    class Pooled(torch.nn.Module):
        """The mean of the token vectors at unit length, as sentence-transformers computes it for these weights."""

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
            opset_version=opset,
            dynamo=False,  # the newer exporter needs another package and has no advantage here
        )


def _in_eight_bits(path: Path) -> None:
    """Rewrite the matrices that multiply tokens as 8-bit integers with one scale per column."""
    import onnx  # noqa: PLC0415 - an optional package
    from onnx import helper, numpy_helper  # noqa: PLC0415

    model = onnx.load(path)
    graph = model.graph
    matrices = {one.name: one for one in graph.initializer if len(one.dims) == 2}  # noqa: PLR2004
    for node in [one for one in graph.node if one.op_type == "MatMul" and one.input[1] in matrices]:
        name = node.input[1]
        weights = numpy_helper.to_array(matrices[name])
        scale = np.maximum(np.abs(weights).max(axis=0), 1e-12) / 127
        stored = {f"{name}_int8": np.rint(weights / scale).astype(np.int8), f"{name}_scale": scale.astype(np.float32)}
        graph.initializer.extend(numpy_helper.from_array(array, key) for key, array in stored.items())
        graph.node.insert(0, helper.make_node("DequantizeLinear", list(stored), [f"{name}_read"], axis=1))
        graph.initializer.remove(matrices[name])
        node.input[1] = f"{name}_read"
    onnx.save(model, path)
