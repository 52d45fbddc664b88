"""A log of posts with votes, to export."""

from collections.abc import Iterator

import pytest

from tests.support.logged import NAMES, TEAM, log_store
from tierbot.adapters.store import SqlStore
from tierbot.reports.dataset import Only, row_of, settled_posts

COUNT = 60


@pytest.fixture(scope="module")
def store() -> Iterator[SqlStore]:
    opened = log_store(COUNT)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def rows(store: SqlStore) -> list[dict]:
    with store.read(TEAM) as tx:
        return [row_of(item) for item in settled_posts(tx, Only(), NAMES)]
