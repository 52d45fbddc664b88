"""What tests of the first harness share: an encoder whose tokens are known, a champion, and articles of the small world."""

from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from tests.support.worlds import FILLER, TAG_IDS, TAGS, WORDS, features, texts
from tierbot.adapters.encoders.hashing import HashingEncoder
from tierbot.domain.nouns import Article
from tierbot.domain.predict.classifier import Classifier
from tierbot.domain.predict.coldstart import coldstart
from tierbot.domain.training.distil import Pieces
from tierbot.domain.training.fit import fit
from tierbot.domain.training.rows import labelled_rows

VOCABULARY = ["[UNK]", *sorted({word for group in WORDS.values() for word in group.split()}), *FILLER]


def tokenizer() -> str:
    """Return a tokenizer of whole words as JSON."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    found = Tokenizer(WordLevel({word: place for place, word in enumerate(VOCABULARY)}, unk_token="[UNK]"))
    found.pre_tokenizer = Whitespace()
    return str(found.to_str())


class WordEncoder(HashingEncoder):
    """Embeddings by hashing, and a vocabulary; it counts the texts that it was given."""

    def __init__(self) -> None:
        super().__init__(48)
        self.encoded = 0

    def encode(self, some: "list[str]") -> NDArray[np.float32]:  # type: ignore[override]
        self.encoded += len(some)
        return super().encode(some)

    def vocabulary(self) -> tuple[str, NDArray[np.float32]]:
        return tokenizer(), np.eye(len(VOCABULARY), dtype=np.float32)


def pieces() -> Pieces:
    return Pieces(tokenizer(), WordEncoder().encode(VOCABULARY))


def stories(count: int, seed: int, words: int = 2) -> tuple[list[Article], list[str], NDArray[np.float32]]:
    """Return articles, each one's topic, and their embeddings."""
    some, topics = texts(count, np.random.default_rng(seed), words)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    articles = [Article(f"s{seed}-{number}", text, "", "", "News", now) for number, text in enumerate(some)]
    return articles, topics, WordEncoder().encode([one.content for one in articles])


def champion() -> Classifier:
    some, topics = texts(300, np.random.default_rng(7))
    rows = labelled_rows([{topic: 1.0} for topic in topics], features(some), TAG_IDS)
    return fit(rows, coldstart(TAGS, WordEncoder().encode))  # type: ignore[arg-type]
