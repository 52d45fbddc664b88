"""The first stage on disk: made once for a model, from the articles that are embedded, and kept in the user's cache.

Its name there says which model, tags and encoder it is for: after a promotion another one is taught, and an interrupted
bulk run goes on with the same. What an encoder's tokens mean is kept beside it, since embedding 30,000 tokens takes the
exact encoder 50 seconds.
"""

import hashlib
import json
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from tierbot.adapters.atomic import write_whole
from tierbot.domain.nouns import DAWN, Article, TierbotError
from tierbot.domain.predict.cascade import FORMAT, FirstStage
from tierbot.domain.predict.model import Model
from tierbot.domain.predict.tensors import ModelFileError, read_tensors, write_tensors
from tierbot.domain.training.distil import FEWEST, FEWEST_NEW, MOST, Pieces, teach
from tierbot.use_cases.ports import Encoder, Store

log = logging.getLogger(__name__)

_PIECES = "tierbot-pieces/1"
_MARKS = "▁Ġ"  # what tokenizers write before a word's first piece


@dataclass(frozen=True, slots=True)
class Embedded:
    """n articles, oldest first, with their embeddings, (n, d); new: (n,), those that no model learned from."""

    articles: Sequence[Article]
    embeddings: NDArray[np.float32]
    new: NDArray[np.bool_]


@runtime_checkable
class TokenEncoder(Encoder, Protocol):
    """An encoder whose tokens are known: what a static encoder can be distilled from."""

    def vocabulary(self) -> tuple[str, NDArray[np.float32]]:
        """Return its tokenizer (of the `tokenizers` library) as JSON, and its input vector of each token, (V, k)."""
        ...


def first_stage_of(
    model: Model,
    version: str,
    tag_ids: Sequence[str],
    encoder: Encoder,
    embedded: Callable[[], Embedded],
    folder: Path | None = None,
) -> FirstStage | None:
    """Return the first stage for a model, taught now unless it was before; None, with a line in the log, if it cannot be.

    version: what tells this model from any other, such as its id and sha256. embedded: called only if it must be taught.
    folder: where it is kept; None stands for the user's cache.
    """
    if not isinstance(encoder, TokenEncoder):
        log.warning("TIERBOT_FIRST_STAGE has no effect: this encoder has no tokens to distil.")
        return None
    place = folder or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tierbot"
    told = json.dumps([FORMAT, version, list(tag_ids), encoder.digest])
    file = place / f"first-stage-{hashlib.sha256(told.encode()).hexdigest()[:16]}.safetensors"
    if file.exists():
        try:
            return FirstStage.from_bytes(file.read_bytes(), str(file))
        except ModelFileError as fault:
            log.warning("%s It is made anew.", fault)
    stored = embedded()
    if len(stored.articles) < FEWEST or stored.new.sum() < FEWEST_NEW:
        log.warning(
            "TIERBOT_FIRST_STAGE has no effect yet: %d articles are embedded by this encoder, %d of them new to the model. "
            "It learns from %d or more, %d of them new: take some in (`tierbot add`), and run `tierbot embed`.",
            len(stored.articles),
            stored.new.sum(),
            FEWEST,
            FEWEST_NEW,
        )
        return None
    pieces = pieces_of(encoder, place)
    found = teach(stored.articles, stored.embeddings, model, tag_ids, pieces, new=stored.new)
    _keep(file, found.to_bytes())
    log.info("A first stage was taught on %d articles; it settles about %.0f %%.", found.taught, 100 * found.settles)
    return found


def embedded_in(store: Store, workspace: str, encoder_digest: str) -> Embedded:
    """Return the newest of a workspace's articles that this encoder embedded; what waits to be asked about is new."""
    with store.read(workspace) as tx:
        stored = tx.articles.recent(DAWN, MOST)[::-1]
        vectors = tx.articles.embeddings(encoder_digest, [article.id for article in stored])
        waiting = {article.id for article in tx.articles.waiting(MOST)}
    found = [article for article in stored if article.id in vectors]
    embeddings = np.stack([vectors[article.id] for article in found]) if found else np.zeros((0, 1), np.float32)
    return Embedded(found, embeddings, np.array([article.id in waiting for article in found], dtype=bool))


def pieces_of(encoder: TokenEncoder, folder: Path) -> Pieces:
    """Return what an encoder's tokens mean: its input vector of each, and its embedding of the token's text, side by side.

    They are kept in `folder`. Raises TierbotError if the encoder cannot be loaded.
    """
    file = folder / f"pieces-{encoder.digest[:16]}.safetensors"
    if file.exists():
        try:
            arrays, _ = read_tensors(file.read_bytes(), str(file), _PIECES)
            return Pieces(arrays["tokenizer"].tobytes().decode(), arrays["vectors"].astype(np.float32))
        except (ModelFileError, KeyError):
            log.warning("%s is damaged. It is made anew.", file)
    from tokenizers import Tokenizer  # noqa: PLC0415 - needed from here on only

    tokenizer, inputs = encoder.vocabulary()
    known = Tokenizer.from_str(tokenizer)
    texts = [(known.id_to_token(number) or "").removeprefix("##").lstrip(_MARKS) for number in range(len(inputs))]
    vectors = np.concatenate([_typical(inputs), _typical(encoder.encode(texts))], axis=1).astype(np.float16)
    _keep(
        file, write_tensors({"tokenizer": np.frombuffer(tokenizer.encode(), np.uint8), "vectors": vectors}, {"format": _PIECES})
    )  # fmt: skip
    return Pieces(tokenizer, vectors.astype(np.float32))


def _typical(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return vectors scaled so that their root mean square length is 1."""
    return np.asarray(vectors / max(float(np.sqrt(np.square(vectors).sum(axis=1).mean())), 1e-12), dtype=np.float32)


def _keep(file: Path, data: bytes) -> None:
    try:
        write_whole(file, data)
    except OSError as fault:
        raise TierbotError(
            f"The first stage cannot be kept in {file.parent} ({fault.strerror}). Set XDG_CACHE_HOME to a folder that "
            "can be written, or TIERBOT_FIRST_STAGE=off."
        ) from fault
