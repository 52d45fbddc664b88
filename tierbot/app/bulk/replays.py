"""Run backtests over many seeds: embed the archive's texts once, in fixed shards, then replay each seed.

Embedding texts within each replay would batch them differently each time, which changes the last bits of the result.
"""

import base64
import json
from collections.abc import Mapping, Sequence
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
    """Return the distinct texts of an archive's rows, as they are embedded."""
    return list(dict.fromkeys(to_article(row, row.published_at or _UNDATED).content for row in rows))


def replaying(
    rows: Sequence[ArchiveRow],
    vectors: "NDArray[np.float32]",
    settings: "BacktestSettings",
    encoder: str,
) -> Work:
    """Return the work that replays an archive for each seed. vectors: embeddings of `texts_of(rows)`, in order."""
    about = {
        "encoder": encoder,
        "dimension": int(vectors.shape[1]),
        "settings": asdict(settings),
        "rows": [{**asdict(row), "published_at": row.published_at and row.published_at.isoformat()} for row in rows],
        "vectors": base64.b64encode(vectors.astype("<f4").tobytes()).decode(),
    }
    return Work("tierbot.app.bulk.replays:replayer", json.dumps(about).encode())


def seeds_of(text: str) -> list[int]:
    """Parse seeds such as "3", "0,1,5" or "0..9". Raises TierbotError."""
    try:
        if ".." in text:
            first, last = map(int, text.split(".."))
            found = list(range(first, last + 1))
        else:
            found = [int(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or min(found) < 0 or len(set(found)) < len(found):
        raise TierbotError(f"--seeds {text}: use distinct numbers such as 0..9 or 0,1,5.")
    return found


def seed_shards(seeds: Sequence[int]) -> list[Shard]:
    """Return a shard for each seed."""
    return [Shard(number, [str(seed)], f"The backtest of seed {seed}") for number, seed in enumerate(seeds)]


def replayer(about: bytes) -> Do:
    """Return a function that replays the archive for the given seeds and returns one JSON line per round."""
    import numpy as np  # noqa: PLC0415 - in the worker

    from tierbot.adapters.encoders import encoder_of  # noqa: PLC0415
    from tierbot.simulate.backtest import backtest  # noqa: PLC0415
    from tierbot.simulate.choices import BacktestSettings  # noqa: PLC0415

    given = json.loads(about)
    rows = [
        ArchiveRow(
            **row
            | {
                "tags": tuple(row["tags"]),
                "published_at": row["published_at"] and datetime.fromisoformat(row["published_at"]),
            }
        )
        for row in given["rows"]
    ]
    vectors = (
        np.frombuffer(base64.b64decode(given["vectors"]), "<f4").reshape(-1, given["dimension"]).astype(np.float32)
    )
    encoder = KnownTexts(encoder_of(given["encoder"]), dict(zip(texts_of(rows), vectors, strict=True)))
    settings = BacktestSettings(**given["settings"])

    def replay(lines: Lines) -> list[str]:
        found = []
        for seed in map(int, lines):
            for result in backtest(rows, replace(settings, seed=seed), encoder, np.random.default_rng(seed)):
                record = asdict(result)
                del record["seconds"]  # the rest is the same on any machine
                found.append(json.dumps({"seed": seed, **record}))
        return found

    return replay


class KnownTexts:
    """A ports.Encoder with stored embeddings of some texts; it passes other texts to `encoder`."""

    def __init__(self, encoder: "Encoder", known: "Mapping[str, NDArray[np.float32]]") -> None:
        self._encoder = encoder
        self._known = known

    @property
    def digest(self) -> str:
        """The encoder's digest."""
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
    """Return each round's mean and standard error over the seeds, of the accuracy on all posts and on the later window.

    Rounds that some seeds did not reach are left out.
    """
    by_round: dict[int, list[Mapping[str, Any]]] = {}
    for record in records:
        by_round.setdefault(record["round"], []).append(record)
    return [
        {
            "round": number,
            "seeds": len(found),
            "accuracy": _mean([one["accuracy"]["all"]["value"] for one in found]),
            "window": _mean([one["window_accuracy"] for one in found]),
        }
        for number, found in sorted(by_round.items())
        if len(found) == seeds
    ]


def _mean(found: Sequence[float | None]) -> dict[str, Any]:
    import numpy as np  # noqa: PLC0415

    values = [value for value in found if value is not None]
    if not values:
        return {"mean": None, "standard_error": None}
    spread = float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
    return {"mean": float(np.mean(values)), "standard_error": spread}
