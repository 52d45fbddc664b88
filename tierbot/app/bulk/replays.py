"""Backtests over many seeds: the archive's texts are embedded once, in fixed shards, then each seed is replayed.

Embedded by whichever seed asks first, a text would stand in another batch each time, and its last bits would differ.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tierbot.app.bulk.work import Do, Lines, Shard, Work
from tierbot.domain.articles.duplicates import to_article
from tierbot.domain.articles.rows import ArchiveRow
from tierbot.domain.nouns import TierbotError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tierbot.simulate.choices import BacktestSettings
    from tierbot.use_cases.ports import Encoder

_UNDATED = datetime(1970, 1, 1, tzinfo=UTC)


def texts_of(rows: Sequence[ArchiveRow]) -> list[str]:
    """Return the texts of an archive's rows as they are embedded, each once."""
    return list(dict.fromkeys(to_article(row, row.published_at or _UNDATED).content for row in rows))


def replaying(
    rows: Sequence[ArchiveRow],
    vectors: "NDArray[np.float32]",
    settings: "BacktestSettings",
    encoder: str,
) -> Work:
    """Return the work of replaying an archive under a seed, each a line; vectors: of `texts_of(rows)`, in that order."""
    about = {
        "encoder": encoder,
        "dimension": int(vectors.shape[1]),
        "settings": asdict(settings),
        "rows": [{**asdict(row), "published_at": _written(row.published_at)} for row in rows],
        "vectors": base64.b64encode(vectors.astype("<f4").tobytes()).decode(),
    }
    return Work("tierbot.app.bulk.replays:replayer", json.dumps(about).encode())


def seeds_of(text: str) -> list[int]:
    """Read "3", "0,1,5" or "0..9" as seeds. Raises TierbotError if it is none of these."""
    try:
        if ".." in text:
            first, last = map(int, text.split(".."))
            found = list(range(first, last + 1))
        else:
            found = [int(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or min(found) < 0 or len(set(found)) < len(found):
        raise TierbotError(f"--seeds {text}: give numbers such as 0..9 or 0,1,5, each once.")
    return found


def seed_shards(seeds: Sequence[int]) -> list[Shard]:
    """Return a shard for each seed."""
    return [Shard(number, [str(seed)], f"The backtest of seed {seed}") for number, seed in enumerate(seeds)]


def replayer(about: bytes) -> Do:
    """Return what replays the archive under the seeds that it is given, a JSON line a round."""
    import numpy as np  # noqa: PLC0415 - in the worker

    from tierbot.adapters.encoders import encoder_of  # noqa: PLC0415
    from tierbot.simulate.backtest import backtest  # noqa: PLC0415
    from tierbot.simulate.choices import BacktestSettings  # noqa: PLC0415

    told = json.loads(about)
    rows = [
        ArchiveRow(**{**row, "tags": tuple(row["tags"]), "published_at": _read(row["published_at"])})
        for row in told["rows"]
    ]
    vectors = np.frombuffer(base64.b64decode(told["vectors"]), "<f4").reshape(-1, told["dimension"]).astype(np.float32)
    encoder = KnownTexts(encoder_of(told["encoder"]), dict(zip(texts_of(rows), vectors, strict=True)))
    settings = BacktestSettings(**told["settings"])

    def replay(lines: Lines) -> list[str]:
        found = []
        for seed in map(int, lines):
            for result in backtest(rows, replace(settings, seed=seed), encoder, np.random.default_rng(seed)):
                told = result.as_json()
                del told["seconds"]  # all else is the same wherever it runs
                found.append(json.dumps({"seed": seed, **told}))
        return found

    return replay


class KnownTexts:
    """An encoder (ports.Encoder) that knows the embeddings of some texts; others it has its own encoder embed."""

    def __init__(self, encoder: "Encoder", known: "Mapping[str, NDArray[np.float32]]") -> None:
        self._encoder = encoder
        self._known = known

    @property
    def digest(self) -> str:
        """The encoder's own."""
        return self._encoder.digest

    @property
    def dimension(self) -> int:
        """The embeddings' width d."""
        return self._encoder.dimension

    def encode(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Return unit-length embeddings, (n, d)."""
        import numpy as np  # noqa: PLC0415

        if any(text not in self._known for text in texts) or not texts:
            return self._encoder.encode(texts)
        return np.stack([self._known[text] for text in texts])


def summary(records: Sequence[Mapping[str, Any]], seeds: int) -> list[dict[str, Any]]:
    """Return for each round, over the seeds, the mean accuracy of all posts, its standard error, and the window's.

    A round that some seeds did not reach is left out.
    """
    by_round: dict[int, list[Mapping[str, Any]]] = {}
    for record in records:
        by_round.setdefault(record["round"], []).append(record)
    accuracy: Callable[[Mapping[str, Any]], float | None] = lambda one: one["accuracy"]["all"]["value"]  # noqa: E731
    window: Callable[[Mapping[str, Any]], float | None] = lambda one: one["window_accuracy"]  # noqa: E731
    return [
        {"round": number, "seeds": len(found), "accuracy": _mean(found, accuracy), "window": _mean(found, window)}
        for number, found in sorted(by_round.items())
        if len(found) == seeds
    ]


def _mean(found: Sequence[Mapping[str, Any]], of: Callable[[Mapping[str, Any]], float | None]) -> dict[str, Any]:
    import numpy as np  # noqa: PLC0415

    values = [value for one in found if (value := of(one)) is not None]
    if not values:
        return {"mean": None, "standard_error": None}
    spread = float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
    return {"mean": float(np.mean(values)), "standard_error": spread}


def _written(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _read(moment: str | None) -> datetime | None:
    return datetime.fromisoformat(moment) if moment else None
