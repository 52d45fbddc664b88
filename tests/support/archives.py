"""Made-up archives whose words tell their tags, for tests that must learn something in a second."""

from datetime import UTC, datetime, timedelta

import numpy as np

from tierbot.domain.articles.rows import ArchiveRow

TOPICS = {
    "food": "pizza pasta cheese oven recipe kitchen dinner chef",
    "law": "court judge lawsuit ruling verdict attorney appeal jury",
    "science": "telescope planet physics experiment galaxy particle lab theory",
    "football": "touchdown quarterback league goal coach stadium match penalty",
    "music": "guitar album concert singer melody drummer stage chorus",
}
FIRST_DAY = datetime(2020, 1, 1, tzinfo=UTC)


def row(number: int, title: str, *tags: str, text: str = "", day: int | None = None) -> ArchiveRow:
    date = None if day is None else FIRST_DAY + timedelta(days=day)
    url = f"https://news.example/{number}"
    return ArchiveRow(number + 1, f"r{number}", title, text, url, "News", date, None, tags)


def topical(count: int, seed: int = 0, topics: tuple[str, ...] = tuple(TOPICS), words: int = 4) -> list[ArchiveRow]:
    """Rows of one topic each, their title made of the topic's words and two that say nothing."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        tag = topics[int(rng.integers(len(topics)))]
        said = [*rng.choice(TOPICS[tag].split(), words), *rng.choice([f"filler{i}" for i in range(30)], 2)]
        rows.append(row(number, " ".join([*map(str, said), f"n{number}"]), tag, day=number))
    return rows
