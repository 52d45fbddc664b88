"""Texts in bulk: classified by the model in service, or embedded by an encoder. What workers do, and its shards."""

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from tierbot.app.bulk.work import Do, Lines, Shard, Work
from tierbot.domain.nouns import Article, ModelState, ModelVersion, Tag, TierbotError
from tierbot.domain.predict.model import ExternalPredictor

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tierbot.app.api import Champion
    from tierbot.domain.predict.classifier import Classifier
    from tierbot.domain.predict.model import Model
    from tierbot.use_cases.ports import Encoder

SHARD = 512  # lines: some seconds of an encoder's time

_NOBODY_ASKS = datetime(1970, 1, 1, tzinfo=UTC)  # when it came in; no model reads it


def shards_of(lines: Iterable[str], name: Callable[[int, int], str], size: int = SHARD) -> Iterator[Shard]:
    """Cut lines into shards; `name(first, last)` is what errors call lines first … last, counted from 1."""
    source, number = iter(lines), 0
    while part := list(islice(source, size)):
        first = number * size + 1
        yield Shard(number, part, name(first, first + len(part) - 1))
        number += 1


# --- classified -----------------------------------------------------------------------------------


def classifying(champion: "Champion", encoder: str, top: int, seconds: float = 60.0) -> Work:
    """Return the work of classifying texts by a model; each text's `top` likeliest tags are told.

    `seconds`: how long a predictor of somebody else's may take for a shard.
    """
    model = champion.model
    about: dict[str, Any] = {
        "model": champion.version,
        "tags": [[tag.id, tag.name, tag.short_name, tag.character] for tag in champion.topics],
        "encoder": encoder,
        "encoder_digest": champion.encoder.digest,
        "top": top,
        "predictor": model.entry_point if isinstance(model, ExternalPredictor) else "",
        **({"seconds": seconds} if isinstance(model, ExternalPredictor) else {}),
    }
    weights = model.state if isinstance(model, ExternalPredictor) else cast("Classifier", model).to_bytes()
    return Work("tierbot.app.bulk.texts:classifier", json.dumps(about).encode() + b"\n" + weights)


def classifier(about: bytes) -> Do:
    """Return what classifies lines {title, text, url} in a worker. Raises TierbotError if this machine cannot."""
    head, _, weights = about.partition(b"\n")
    told = json.loads(head)
    encoder = _encoder(told["encoder"], told["encoder_digest"])
    tags = [Tag(one[0], one[1], one[2], one[3], description="") for one in told["tags"]]
    tag_ids = [tag.id for tag in tags]
    model = _model(told, weights)

    def classify(lines: Lines) -> list[str]:
        from tierbot.domain.predict.ranking import ranked_tags  # noqa: PLC0415

        articles = [_article(json.loads(line)) for line in lines]
        probabilities = model.predict(articles, encoder.encode([one.content for one in articles]), tag_ids)
        return [
            json.dumps({"title": one.title, "url": one.url, "tags": row[: told["top"]]}, ensure_ascii=False)
            for one, row in zip(articles, ranked_tags(probabilities, tags), strict=True)
        ]

    return classify


def _model(told: dict[str, Any], weights: bytes) -> "Model":
    from tierbot.domain.predict.classifier import Classifier  # noqa: PLC0415

    if not told["predictor"]:
        return Classifier.from_bytes(weights, told["model"])
    from tierbot.adapters.processes.predictors import InstalledPredictors  # noqa: PLC0415
    from tierbot.app.bootstrap import SystemClock  # noqa: PLC0415
    from tierbot.use_cases.models.external_predictors import ExternalPredictors  # noqa: PLC0415
    from tierbot.use_cases.models.time_limit import TimeLimit  # noqa: PLC0415

    version = ModelVersion(
        told["model"], 0, None, ModelState.CHAMPION, "", "", _NOBODY_ASKS, {"predictor": told["predictor"]}
    )
    tag_ids = [tag[0] for tag in told["tags"]]
    limit = TimeLimit(told["seconds"])
    return ExternalPredictors(InstalledPredictors(timeout=0), SystemClock(), 0, limit).model(version, weights, tag_ids)


def _article(told: dict[str, str]) -> Article:
    return Article("", told["title"], told["text"], told["url"], "", _NOBODY_ASKS)


# --- embedded -------------------------------------------------------------------------------------


def embedding(encoder: str, digest: str) -> Work:
    """Return the work of embedding texts, each a JSON string."""
    return Work("tierbot.app.bulk.texts:embedder", json.dumps({"encoder": encoder, "digest": digest}).encode())


def embedder(about: bytes) -> Do:
    """Return what embeds lines in a worker. Raises TierbotError if this machine has another encoder."""
    told = json.loads(about)
    encoder = _encoder(told["encoder"], told["digest"])

    def embed(lines: Lines) -> list[str]:
        vectors = encoder.encode([json.loads(line) for line in lines]).astype("<f4")
        return [base64.b64encode(vector.tobytes()).decode() for vector in vectors]

    return embed


def vectors_of(lines: Lines) -> "NDArray[np.float32]":
    """Return what `embedder` said of n texts, (n, d)."""
    import numpy as np  # noqa: PLC0415

    return np.stack([np.frombuffer(base64.b64decode(line), "<f4") for line in lines]).astype(np.float32)


def _encoder(name: str, digest: str) -> "Encoder":
    from tierbot.adapters.encoders import encoder_of  # noqa: PLC0415

    found = encoder_of(name)
    if found.digest != digest:
        raise TierbotError(f"A worker has another encoder than {name} here. Install the same on every machine.")
    return found
