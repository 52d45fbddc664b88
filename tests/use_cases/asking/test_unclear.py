"""Articles that say too little aren't asked about unless wanted; who asked about one is told why."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import WORKSPACE, Harness, build_harness
from tierbot.adapters.files.model_files import shipped_models
from tierbot.adapters.slack.messages.announcements import render_announcement
from tierbot.domain.articles.boundaries import Boundary
from tierbot.domain.nouns import Article, Thread
from tierbot.domain.predict import unclear
from tierbot.domain.predict.classifier import Classifier
from tierbot.domain.predict.unclear import Unclear
from tierbot.domain.tags import default_tag_space
from tierbot.use_cases.articles.tag_requests import JOB, TagRequests

ODD = {"🍕 🍕": "no words", "ok thanks": "no topic"}
GERMAN = "Der Bundestag stimmt über das neue Rentengesetz ab"


def take_in(harness: Harness, *titles: str) -> None:
    now = harness.clock.now()
    found = [Article(f"odd{i}", title, "", f"https://n.example/odd{i}", "News", now) for i, title in enumerate(titles)]
    harness.bot.loop.take_in(WORKSPACE, found)


def held(harness: Harness) -> dict[str, str]:
    with harness.bot.store.read(WORKSPACE) as tx:
        counts = tx.held_back.counts(5)
    assert {one.held.boundary for one in counts} <= {Boundary.UNCLEAR}
    return {title: one.held.rule for one in counts for title in one.latest}


def test_what_says_too_little_is_not_asked_about_and_listed_with_the_reason(harness: Harness) -> None:
    take_in(harness, *ODD, "The recipe that made a village famous for pizza")
    assert harness.bot.loop.ask(WORKSPACE, 9) == 1
    harness.deliver()
    (view,) = harness.chat.posts.values()
    assert view.article.title.startswith("The recipe")
    assert held(harness) == ODD
    with harness.bot.store.read(WORKSPACE) as tx:
        assert [row.article_id for row in tx.posts.predictions([view.post.prediction_id]).values()] == [view.article.id]


def test_what_was_held_back_is_not_looked_at_again(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    take_in(harness, *ODD)
    assert harness.bot.loop.ask(WORKSPACE, 9) == 0
    looked: list[str] = []
    check = unclear.why_unclear
    monkeypatch.setattr(unclear, "why_unclear", lambda texts, model: looked.extend(texts) or check(texts, model))
    assert harness.bot.loop.ask(WORKSPACE, 9) == 0
    assert looked == []


def test_whoever_wants_them_is_asked_about_them_and_the_dataset_says_why_they_are_odd(
    harness: Harness, tmp_path: Path
) -> None:
    take_in(harness, *ODD)
    assert harness.bot.loop.ask(WORKSPACE, 9) == 0
    harness.bot.close()
    again = build_harness(tmp_path, ask_unclear=True)
    assert again.bot.loop.ask(WORKSPACE, 9) == 2
    again.deliver()
    with again.bot.store.read(WORKSPACE) as tx:
        found = tx.posts.predictions([view.post.prediction_id for view in again.chat.posts.values()])
    assert {prediction.metadata["unclear"] for prediction in found.values()} == set(ODD.values())


def test_who_asks_about_a_language_that_the_model_has_not_learned_is_told(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = (shipped_models() / "bootstrap.safetensors").read_bytes()
    shipped = Classifier.from_bytes(weights, "bootstrap").over([tag.id for tag in default_tag_space()])
    version, model = harness.bot.registry.champion(WORKSPACE)
    learned = replace(model, tfidf=shipped.tfidf, words=shipped.words)  # the words of English news
    monkeypatch.setattr(type(harness.bot.registry), "champion", lambda *_: (version, learned))
    requests = TagRequests(harness.bot.store, harness.clock)
    assert requests.take(WORKSPACE, "U7", Thread("C9", "5.000001"), "5.000001", GERMAN)
    assert requests.take(WORKSPACE, "U7", Thread("C9", "6.000001"), "6.000001", "Who wants pizza?")
    harness.do(JOB)
    harness.deliver()
    assert [view.article.title for view in harness.chat.posts.values()] == ["Who wants pizza?"]
    ((user, told),) = harness.chat.whispers
    assert (user, told["title"], told["reason"]) == ("U7", GERMAN, Unclear.LANGUAGE)
    said = render_announcement(told, default_tag_space()).text
    assert said == f"I won't ask about “{GERMAN}”. Too little to tell: I don't know this language, or these words."
