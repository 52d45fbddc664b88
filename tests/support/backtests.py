"""A small backtest."""

from collections.abc import Sequence

import numpy as np

from tierbot.adapters.encoders.hashing import HashingEncoder
from tierbot.domain.articles.rows import ArchiveRow
from tierbot.simulate.backtest import RoundResult, backtest
from tierbot.simulate.choices import BacktestSettings

ENCODER = HashingEncoder()


SMALL = BacktestSettings(start=20, window=60, posts_per_round=40, trainers="perfect")


def play(rows: Sequence[ArchiveRow], settings: BacktestSettings = SMALL, seed: int = 0) -> list[RoundResult]:
    return list(backtest(rows, settings, ENCODER, np.random.default_rng(seed)))
