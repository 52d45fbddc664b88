"""Asking within boundaries: what is barred is held back with its reason, what is left has exact probabilities."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tierbot.domain.articles.boundaries import Boundaries, Boundary
from tierbot.domain.nouns import RANDOM, TRENDING, Article, Selection
from tierbot.domain.predict.asking import Asker, Asking, AskingContext, ask_about
from tierbot.domain.predict.policy import EpsilonPolicy
from tierbot.domain.predict.selection import SelectionMix

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
TAGS = ("food", "law", "warfare", "cars")
ASKER = Asker(EpsilonPolicy(), SelectionMix(random=0.4, margin=0.5, warmup=0), blank_share=0.15, basic_share=0.0)


@dataclass
class Told:
    """A classifier that answers what it was told, and remembers how many it was asked about."""

    p: NDArray[np.float64]
    asked: int = 0

    def predict(
        self, articles: Sequence[Article], embeddings: NDArray[np.float32], tag_ids: Sequence[str]
    ) -> NDArray[np.float64]:
        self.asked = len(articles)
        return self.p[: self.asked]


def article(number: int, title: str = "A story", source: str = "News") -> Article:
    return Article(f"a{number}", f"{title} {number}", "", f"https://n.example/{number}", source, NOW)


def ask(
    articles: list[Article],
    p: NDArray[np.float64],
    count: int,
    rules: Boundaries | None = None,
    sources: dict[str, int] | None = None,
    seed: int = 1,
) -> tuple[Asking, int]:
    """Ask; return what became of it and how many were predicted."""
    told = Told(p)
    vectors = np.eye(len(articles), 8, dtype=np.float32)
    found = ask_about(
        articles,
        vectors,
        count,
        AskingContext(
            ASKER, told, "m1", TAGS, verdicts=10, now=NOW, metadata={"encoder": "e"}, boundaries=rules or Boundaries()
        ),
        np.random.default_rng(seed),
        sources,
    )
    return found, told.asked


SOFT = np.array([0.4, 0.3, 0.2, 0.1])


def test_barred_sources_and_words_are_held_back_before_anything_is_predicted() -> None:
    articles = [article(0, source="Tabloid"), article(1, "The lottery"), article(2), article(3)]
    rules = Boundaries(sources=("tabloid",), words=("lotter*",))
    found, predicted = ask(articles, np.tile(SOFT, (4, 1)), 9, rules)
    assert predicted == 2
    assert {item.prediction.article_id for item in found.asked} == {"a2", "a3"}
    assert [(one.article_id, str(one.held)) for one in found.held] == [
        ("a0", "source: tabloid"),
        ("a1", "word: lotter*"),
    ]
    assert {one.grounds for one in found.held} == {rules.grounds("m1")[0]}
    assert {item.prediction.selection.probability for item in found.asked} == {1.0}


def test_a_barred_likeliest_tag_holds_the_article_back_chosen_or_not_and_says_by_which_model() -> None:
    p = np.array([SOFT, np.roll(SOFT, 1), SOFT])
    rules = Boundaries(tags=frozenset({"law"}))
    found, _ = ask([article(n) for n in range(3)], p, 1, rules)
    (held,) = found.held
    assert (held.article_id, held.held.boundary, held.held.rule) == ("a1", Boundary.TAG, "law")
    assert held.grounds == rules.grounds("m1")[1] != rules.grounds("m2")[1]
    assert held.detail == {"model": "m1", "top_tag": "law", "probability": 0.4}
    (asked,) = found.asked
    assert asked.prediction.metadata["pool"] == 2
    left_in_frame = ASKER.mix.frame(["a0", "a2"]).sum()
    assert asked.prediction.selection == Selection(RANDOM, 1 / left_in_frame)


def test_everything_held_back_leaves_nothing_to_ask_and_is_no_fault() -> None:
    found, predicted = ask([article(0, source="Tabloid")], SOFT[None], 5, Boundaries(sources=("Tabloid",)))
    assert (found.asked, len(found.held), predicted) == ([], 1, 0)
    found, _ = ask([article(0)], SOFT[None], 5, Boundaries(tags=frozenset({"food"})))
    assert (found.asked, len(found.held)) == ([], 1)


@given(
    rows=st.lists(st.lists(st.integers(0, 50), min_size=4, max_size=4).filter(any), min_size=1, max_size=12),
    barred=st.frozensets(st.sampled_from(TAGS), max_size=3),
    least=st.dictionaries(st.sampled_from(TAGS), st.floats(0, 1), max_size=4),
    seed=st.integers(0, 10_000),
)
def test_under_any_boundaries_pi_sums_to_one_over_allowed_tags_and_the_propensity_is_its_share(
    rows: list[list[int]], barred: frozenset[str], least: dict[str, float], seed: int
) -> None:
    p = np.array(rows, dtype=np.float64)
    p /= p.sum(axis=1, keepdims=True)
    rules = Boundaries(tags=barred, minimum_confidence=least)
    articles = [article(number) for number in range(len(rows))]
    found, _ = ask(articles, p, 5, rules, seed=seed)
    for item in found.asked:
        prediction = item.prediction
        said = dict(zip(TAGS, p[int(prediction.article_id[1:])], strict=True))
        assert set(prediction.policy_probabilities) <= rules.allowed(said)
        assert sum(prediction.policy_probabilities.values()) == pytest.approx(1, abs=1e-12)
        assert prediction.propensity == prediction.policy_probabilities[prediction.shown_tag]
        assert rules.after(said) is None
        if rules.digest:
            assert set(prediction.metadata["masked"]) == set(TAGS) - rules.allowed(said)
    passed = [a for a, row in zip(articles, p, strict=True) if rules.after(dict(zip(TAGS, row, strict=True))) is None]
    assert len(found.asked) == min(5, len(passed))
    assert {one.article_id for one in found.held} == {a.id for a in articles} - {a.id for a in passed}


def test_a_prediction_says_how_many_sources_carried_the_story_and_many_make_it_trend() -> None:
    articles = [article(number) for number in range(30)]
    strategies = set()
    for seed in range(40):
        found, _ = ask(articles, np.tile(SOFT, (30, 1)), 10, sources={"a7": 9}, seed=seed)
        for item in found.asked:
            carried = 9 if item.prediction.article_id == "a7" else 1
            assert item.prediction.metadata["sources"] == carried
            if item.prediction.selection.strategy == TRENDING:
                strategies.add(item.prediction.article_id)
                assert item.prediction.selection.probability == pytest.approx(0.6)
    assert strategies == {"a7"}
