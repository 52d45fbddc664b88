"""A first harness is taught once for a model and found again; what keeps it from being taught is said in one line."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import WORKSPACE, Harness
from tests.support.pupils import VOCABULARY, WordEncoder, champion, stories, tokenizer
from tests.support.worlds import TAG_IDS
from tierbot.adapters.encoders.hashing import HashingEncoder
from tierbot.adapters.encoders.sentence import DEFAULT, SentenceEncoder
from tierbot.adapters.files.first_stage import Embedded, embedded_in, first_stage_of, pieces_of
from tierbot.domain.nouns import TierbotError
from tierbot.domain.predict.cascade import FirstStage

MODEL = champion()
ARTICLES, _, EMBEDDINGS = stories(2_000, seed=1)


class Stock:
    """Articles to teach, and how often they were asked for."""

    def __init__(self, count: int = 2_000, new: int = 2_000) -> None:
        self.asked = 0
        self._stored = Embedded(ARTICLES[:count], EMBEDDINGS[:count], np.arange(count) < new)

    def __call__(self) -> Embedded:
        self.asked += 1
        return self._stored


def made(folder: Path, stock: Stock, version: str = "m1", encoder: HashingEncoder | None = None) -> FirstStage | None:
    return first_stage_of(MODEL, version, TAG_IDS, encoder or WordEncoder(), stock, folder)


def test_it_is_taught_once_for_a_model_and_again_for_the_next(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "tierbot")
    stock = Stock()
    first = made(tmp_path, stock)
    assert first is not None
    assert "taught on 2000 articles" in caplog.text
    again = made(tmp_path, stock)
    assert again is not None
    assert again.to_bytes() == first.to_bytes()
    assert stock.asked == 1
    made(tmp_path, stock, "m2")
    assert stock.asked == 2
    assert len(list(tmp_path.glob("first-harness-*"))) == 2


def test_what_tokens_mean_is_asked_of_the_encoder_once(tmp_path: Path) -> None:
    encoder = WordEncoder()
    first = pieces_of(encoder, tmp_path)
    assert encoder.encoded == len(VOCABULARY)
    again = pieces_of(encoder, tmp_path)
    assert encoder.encoded == len(VOCABULARY)
    assert again.tokenizer == first.tokenizer == tokenizer()
    assert np.array_equal(again.vectors, first.vectors)
    assert first.vectors.shape == (len(VOCABULARY), len(VOCABULARY) + 48)


@pytest.mark.parametrize("stock", [Stock(1_999, 1_999), Stock(2_000, 499)])
def test_with_too_few_articles_there_is_none_and_one_line_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, stock: Stock
) -> None:
    assert made(tmp_path, stock) is None
    (record,) = caplog.records
    assert "TIERBOT_FIRST_STAGE has no effect yet" in record.message
    assert "tierbot embed" in record.message


def test_an_encoder_without_tokens_has_none(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert made(tmp_path, Stock(), encoder=HashingEncoder()) is None
    assert "this encoder has no tokens" in caplog.text


def test_damaged_files_are_made_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    first = made(tmp_path, Stock())
    for file in tmp_path.iterdir():
        file.write_bytes(file.read_bytes()[:-7])
    again = made(tmp_path, Stock())
    assert first is not None
    assert again is not None
    assert again.to_bytes() == first.to_bytes()
    assert caplog.text.count("made anew") == 2


def test_a_folder_that_cannot_be_written_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TierbotError, match=r"cannot be kept in .*file.*TIERBOT_FIRST_STAGE=off"):
        made(tmp_path / "file" / "folder", Stock())


def test_it_learns_from_what_is_embedded_and_what_was_posted_is_not_new(harness: Harness) -> None:
    harness.posts(2)
    harness.bot.loop.take_in(WORKSPACE, [replace(one, text="waits") for one in harness.articles(3, start=2)])
    found = embedded_in(harness.bot.store, WORKSPACE, harness.bot.encoder.digest)
    assert {one.id for one in found.articles} == {"a0", "a1"}
    harness.bot.loop.embed(WORKSPACE)
    found = embedded_in(harness.bot.store, WORKSPACE, harness.bot.encoder.digest)
    assert {one.id: bool(new) for one, new in zip(found.articles, found.new, strict=True)} == {
        "a0": False,
        "a1": False,
        "a2": True,
        "a3": True,
        "a4": True,
    }
    assert np.allclose(found.embeddings, harness.bot.encoder.encode([one.content for one in found.articles]))


def test_the_default_encoders_vocabulary_is_read_without_torch() -> None:
    tokenizer_json, inputs = SentenceEncoder(DEFAULT).vocabulary()
    assert inputs.shape == (30522, 384)
    assert '"[CLS]"' in tokenizer_json
