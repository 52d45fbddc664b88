"""A small world of topics for tests of the head: texts made of topic words, embedded by hashing."""

import numpy as np

from tierbot.adapters.encoders.hashing import HashingEncoder
from tierbot.domain.nouns import Tag
from tierbot.domain.predict.features import Features, features_of

WORDS = {
    "food": "pizza pasta cheese oven recipe chef dinner",
    "space": "rocket planet orbit telescope moon comet probe",
    "law": "court judge ruling lawsuit appeal jury verdict",
    "music": "song band guitar album concert drums chorus",
}
FILLER = ["today", "people", "say", "new", "again", "city", "year", "much", "old", "still"]
TAGS = tuple(
    Tag(id=name, name=name.title(), short_name=name, character="?", description=", ".join(words.split()[:3]))
    for name, words in WORDS.items()
)
TAG_IDS = tuple(tag.id for tag in TAGS)
ENCODER = HashingEncoder(48)


def texts(count: int, rng: np.random.Generator, words: int = 2) -> tuple[list[str], list[str]]:
    """Return texts, each of some topic words and filler, and each one's topic."""
    topics = [TAG_IDS[int(place)] for place in rng.integers(len(TAG_IDS), size=count)]
    made = [
        " ".join(rng.permutation([*rng.choice(WORDS[topic].split(), words), *rng.choice(FILLER, 4)]))
        for topic in topics
    ]
    return made, topics


def features(some: list[str], urls: list[str] | None = None) -> Features:
    """Return the features of texts."""
    return features_of(some, ENCODER.encode(some), urls)
