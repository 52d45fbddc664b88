"""A text that says too little is told apart from an ordinary one, by its words and by what the model has learned."""

import doctest
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.worlds import ENCODER, TAGS, features
from tierbot.adapters.files.model_files import shipped_models
from tierbot.domain.predict import unclear
from tierbot.domain.predict.classifier import Classifier
from tierbot.domain.predict.coldstart import coldstart
from tierbot.domain.predict.unclear import Unclear, why_unclear
from tierbot.domain.training.fit import fit
from tierbot.domain.training.rows import labeled_rows

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def lines_of(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (BENCHMARKS / name).read_text(encoding="utf-8").splitlines()]


ORDINARY = [row["text"] for name in ("first_day_1.jsonl", "first_day_2.jsonl") for row in lines_of(name)]
ODD = lines_of("odd_texts.jsonl")
GERMAN = "Der Bundestag stimmt über das neue Rentengesetz ab"


@pytest.fixture(scope="module")
def bootstrap() -> Classifier:
    return Classifier.from_bytes((shipped_models() / "bootstrap.safetensors").read_bytes(), "bootstrap")


def test_the_examples_in_the_docstrings_are_true() -> None:
    assert doctest.testmod(unclear).failed == 0


@pytest.mark.parametrize("text", ["", " \n", "🍕", ":pizza: :+1:", "https://a.example/b", "12:30", "!?", "¯\\_(ツ)_/¯"])
def test_a_text_without_words_is_unclear_to_any_model(text: str) -> None:
    assert why_unclear([text]) == [Unclear.NO_WORDS]


@pytest.mark.parametrize("text", ["ok thanks", "Good morning, everyone!", "see you later 👋", "What is it?"])
def test_a_greeting_names_no_topic(text: str) -> None:
    assert why_unclear([text]) == [Unclear.NO_TOPIC]


@pytest.mark.parametrize(
    "text", [GERMAN, "国会通过了新的税法", "Правительство повысило налоги", "lkjsdf sdlkfj weoriu"]
)
def test_a_language_the_model_has_not_learned_is_unclear(bootstrap: Classifier, text: str) -> None:
    assert why_unclear([text], bootstrap) == [Unclear.LANGUAGE]
    assert why_unclear([text]) == [None], "another model may know it"
    assert why_unclear([text], coldstart(TAGS, ENCODER.encode)) == [None], "so may one that has learned nothing yet"


def test_what_a_model_learns_later_is_clear_to_it(bootstrap: Classifier) -> None:
    # hashing needs no embeddings of the right kind here: only the words count
    some = [f"{GERMAN} {number}" for number in range(4)]
    rows = labeled_rows([{"food": 1.0}] * 4, features(some), tuple(tag.id for tag in TAGS))
    prior = coldstart(TAGS, ENCODER.encode)
    taught = fit(rows, replace(prior, tfidf=bootstrap.tfidf, words=bootstrap.words[:, : len(TAGS)]))
    assert why_unclear([GERMAN], taught) == [None]


def test_no_more_than_two_in_a_hundred_ordinary_texts_are_refused(bootstrap: Classifier) -> None:
    found = why_unclear(ORDINARY, bootstrap)
    assert len(ORDINARY) == 200
    assert sum(why is not None for why in found) <= 4


def test_most_of_the_odd_texts_are_refused_also_those_written_after_the_thresholds(bootstrap: Classifier) -> None:
    for number in (1, 2):
        texts = [row["text"] for row in ODD if row["set"] == number]
        assert sum(why is not None for why in why_unclear(texts, bootstrap)) >= 0.8 * len(texts)


@given(st.text(st.characters(), max_size=200))
def test_any_text_gets_an_answer(bootstrap: Classifier, text: str) -> None:
    (why,) = why_unclear([text], bootstrap)
    assert why is None or why.in_words.startswith("Too little to tell: ")


def test_many_texts_get_the_same_answers_as_each_alone(bootstrap: Classifier) -> None:
    some = [row["text"] for row in ODD[::7]] + ORDINARY[::20]
    assert why_unclear(some, bootstrap) == [why_unclear([text], bootstrap)[0] for text in some]
