"""Classify or embed texts in bulk: the shards, and the workers' side."""

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

SHARD = 512  # lines, which take an encoder a few seconds

_UNDATED = datetime(1970, 1, 1, tzinfo=UTC)  # arrival time, which no model reads


def shards_of(lines: Iterable[str], name: Callable[[int, int], str], size: int = SHARD) -> Iterator[Shard]:
    """Split lines into shards; `name(first, last)` is how errors refer to lines first … last, counted from 1."""
    source, number = iter(lines), 0
    while part := list(islice(source, size)):
        first = number * size + 1
        yield Shard(number, part, name(first, first + len(part) - 1))
        number += 1


# --- classification -------------------------------------------------------------------------------


def classifying(champion: "Champion", encoder: str, top: int, seconds: float = 60.0) -> Work:
    """Return the work that classifies texts into their `top` likeliest tags.

    `seconds`: an external predictor's time limit for a shard.
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
    """Return a function that classifies lines {title, text, url}. Raises TierbotError if this machine can't."""
    head, _, weights = about.partition(b"\n")
    given = json.loads(head)
    encoder = _encoder(given["encoder"], given["encoder_digest"])
    tags = [Tag(one[0], one[1], one[2], one[3], description="") for one in given["tags"]]
    tag_ids = [tag.id for tag in tags]
    model = _model(given, weights)

    def classify(lines: Lines) -> list[str]:
        from tierbot.domain.predict.ranking import ranked_tags  # noqa: PLC0415
        from tierbot.domain.predict.unclear import why_unclear  # noqa: PLC0415

        articles = [_article(json.loads(line)) for line in lines]
        probabilities = model.predict(articles, encoder.encode([one.content for one in articles]), tag_ids)
        why = why_unclear([one.content for one in articles], model)
        return [
            json.dumps(
                {"title": one.title, "url": one.url, "tags": row[: given["top"]], "unclear": reason}, ensure_ascii=False
            )
            for one, row, reason in zip(articles, ranked_tags(probabilities, tags), why, strict=True)
        ]

    return classify


def _model(given: dict[str, Any], weights: bytes) -> "Model":
    from tierbot.domain.predict.classifier import Classifier  # noqa: PLC0415

    if not given["predictor"]:
        return Classifier.from_bytes(weights, given["model"])
    from tierbot.adapters.processes.predictors import InstalledPredictors  # noqa: PLC0415
    from tierbot.app.bot import SystemClock  # noqa: PLC0415
    from tierbot.use_cases.models.external_predictors import ExternalPredictors  # noqa: PLC0415
    from tierbot.use_cases.models.time_limit import TimeLimit  # noqa: PLC0415

    version = ModelVersion(
        given["model"], 0, None, ModelState.CHAMPION, "", "", _UNDATED, {"predictor": given["predictor"]}
    )
    tag_ids = [tag[0] for tag in given["tags"]]
    limit = TimeLimit(given["seconds"])
    return ExternalPredictors(InstalledPredictors(timeout=0), SystemClock(), limit).model(version, weights, tag_ids)


def _article(line: dict[str, str]) -> Article:
    return Article("", line["title"], line["text"], line["url"], "", _UNDATED)


# --- embedding ------------------------------------------------------------------------------------


def embedding(encoder: str, digest: str) -> Work:
    """Return the work that embeds texts, each a JSON string."""
    return Work("tierbot.app.bulk.texts:embedder", json.dumps({"encoder": encoder, "digest": digest}).encode())


def embedder(about: bytes) -> Do:
    """Return a function that embeds lines. Raises TierbotError if this machine has another encoder."""
    encoder = _encoder(**json.loads(about))

    def embed(lines: Lines) -> list[str]:
        vectors = encoder.encode([json.loads(line) for line in lines]).astype("<f4")
        return [base64.b64encode(vector.tobytes()).decode() for vector in vectors]

    return embed


def vectors_of(lines: Lines) -> "NDArray[np.float32]":
    """Return `embedder`'s result for n texts as an array (n, d)."""
    import numpy as np  # noqa: PLC0415

    return np.stack([np.frombuffer(base64.b64decode(line), "<f4") for line in lines]).astype(np.float32)


def _encoder(encoder: str, digest: str) -> "Encoder":
    from tierbot.adapters.encoders import encoder_of  # noqa: PLC0415

    found = encoder_of(encoder)
    if found.digest != digest:
        raise TierbotError(
            f"A worker has a different version of the encoder {encoder}. Install the same on every machine."
        )
    return found
