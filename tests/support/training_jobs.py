"""Training jobs for tests."""

from dataclasses import replace

import numpy as np

from tests.support.worlds import ENCODER, TAG_IDS, TAGS, features, texts
from tierbot.domain.predict.coldstart import coldstart
from tierbot.domain.training.retrain import TrainingJob
from tierbot.domain.training.rows import TrainingRows, labeled_rows

PRIOR = coldstart(TAGS, ENCODER.encode)


def verdicts(count: int, seed: int, first_key: int = 1, tag_ids: tuple[str, ...] = TAG_IDS) -> TrainingRows:
    some, topics = texts(count, np.random.default_rng(seed))
    rows = labeled_rows([{topic: 1.0} for topic in topics], features(some), TAG_IDS).over(tag_ids)
    return replace(rows, keys=np.arange(first_key, first_key + count, dtype=np.uint64))


def job(rows: TrainingRows, **changes: object) -> TrainingJob:
    plain = TrainingJob(rows, np.ones(len(rows), dtype=bool), PRIOR, PRIOR, "digest", parent="m0001")
    return replace(plain, **changes)  # type: ignore[arg-type]
