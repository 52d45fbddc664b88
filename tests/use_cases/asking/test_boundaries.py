"""Boundaries in the whole loop: what they bar is never posted, is counted once, and is free when they change."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import WORKSPACE, Harness, build_harness
from tierbot.adapters.slack.app import Identity
from tierbot.domain.articles.boundaries import Boundary, BoundaryFileError, Held
from tierbot.domain.nouns import Article, ModelState
from tierbot.use_cases.jobs.scheduler import FIRST_RETRY


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "boundaries.toml"
    path.write_text('sources = ["tabloid.example"]\nwords = ["lotter*"]\n')
    return path


@pytest.fixture
def harness(tmp_path: Path, rules: Path) -> Iterator[Harness]:
    built = build_harness(tmp_path, boundaries=rules)
    yield built
    built.bot.close()


def article(harness: Harness, name: str, title: str, site: str = "news.example") -> Article:
    return Article(name, title, "", f"https://{site}/{name}", site, harness.clock.now())


def held(harness: Harness) -> dict[Held, tuple[int, tuple[str, ...]]]:
    with harness.bot.store.read(WORKSPACE) as tx:
        return {one.held: (one.count, one.latest) for one in tx.held_back.counts(5)}


def posted(harness: Harness) -> set[str]:
    with harness.bot.store.read(WORKSPACE) as tx:
        return {post.article_id for post in tx.posts.in_round(1)}


def take_in(harness: Harness) -> None:
    harness.bot.loop.take_in(
        WORKSPACE,
        [
            article(harness, "tabloid", "Celebrity seen at beach with another celebrity", "www.tabloid.example"),
            article(harness, "lottery", "The lottery is won by a retired teacher"),
            article(harness, "pizza", "Pizza and pasta recipes for the winter"),
            article(harness, "touchdown", "The quarterback throws four touchdowns"),
        ],
    )


def test_what_sources_and_words_bar_is_counted_and_listed_and_never_posted(harness: Harness) -> None:
    take_in(harness)
    assert harness.bot.loop.ask(WORKSPACE, 9) == 2
    assert posted(harness) == {"pizza", "touchdown"}
    assert held(harness) == {
        Held(Boundary.SOURCE, "tabloid.example"): (1, ("Celebrity seen at beach with another celebrity",)),
        Held(Boundary.WORD, "lotter*"): (1, ("The lottery is won by a retired teacher",)),
    }


def test_an_article_held_back_is_not_looked_at_again_and_counts_once(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_in(harness)
    harness.bot.loop.ask(WORKSPACE, 9)
    looked_at = []
    monkeypatch.setattr(
        "tierbot.use_cases.asking.choosing.ask_about", lambda articles, *_, **__: looked_at.append(articles)
    )
    before = held(harness)
    assert harness.bot.loop.ask(WORKSPACE, 9) == 0
    assert looked_at == []
    assert held(harness) == before


def test_what_no_rule_bars_any_more_is_asked_about(harness: Harness, rules: Path) -> None:
    take_in(harness)
    harness.bot.loop.ask(WORKSPACE, 9)
    rules.write_text('sources = ["tabloid.example"]\n')
    assert harness.bot.loop.ask(WORKSPACE, 9) == 1
    assert posted(harness) == {"pizza", "touchdown", "lottery"}
    assert Held(Boundary.WORD, "lotter*") in held(harness), "that it was held back once is not forgotten"


def test_a_tag_that_is_barred_is_neither_shown_nor_are_articles_about_it(harness: Harness, rules: Path) -> None:
    rules.write_text('tags = ["food", "law", "science"]\n')
    harness.bot.loop.take_in(WORKSPACE, harness.articles(60))
    harness.bot.loop.ask(WORKSPACE, 40)
    with harness.bot.store.read(WORKSPACE) as tx:
        posts = tx.posts.in_round(1)
        predictions = tx.posts.predictions([post.prediction_id for post in posts])
    barred = {"food", "law", "science"}
    assert posts
    assert {rule.rule for rule in held(harness)} <= barred
    assert sum(count for count, _ in held(harness).values()) + len(posts) <= 60
    for prediction in predictions.values():
        assert prediction.top_tag not in barred
        assert not barred & set(prediction.policy_probabilities)
        assert sum(prediction.policy_probabilities.values()) == pytest.approx(1)
        assert prediction.propensity == prediction.policy_probabilities[prediction.shown_tag]
        assert set(prediction.metadata["masked"]) == barred


def test_what_a_model_was_not_sure_enough_of_is_shown_to_the_next_model_again(harness: Harness, rules: Path) -> None:
    tags = "\n".join(f"{tag} = 0.99" for tag in harness.bot.tags.ids)
    rules.write_text(f"[minimum_confidence]\n{tags}\n")
    harness.bot.loop.take_in(WORKSPACE, harness.articles(5))
    assert harness.bot.loop.ask(WORKSPACE, 9) == 0
    assert {one.boundary for one in held(harness)} == {Boundary.CONFIDENCE}

    def waiting() -> int:
        version, _ = harness.bot.registry.champion(WORKSPACE)
        from tierbot.adapters.files.configuration import load_boundaries

        with harness.bot.store.read(WORKSPACE) as tx:
            return len(tx.articles.waiting(9, load_boundaries(rules, tx.workspaces.tags()).grounds(version.id)))

    assert waiting() == 0
    champion, _ = harness.bot.registry.champion(WORKSPACE)
    with harness.bot.store.begin(WORKSPACE) as tx:
        weights = tx.models.weights(champion.id)
        tx.models.add(replace(champion, id="m0002", number=2, parent="m0001", state=ModelState.CHALLENGER), weights)
    harness.bot.registry.promote(WORKSPACE, "m0002", "UADMIN")
    assert waiting() == 5
    assert harness.bot.loop.ask(WORKSPACE, 9) == 0
    assert waiting() == 0
    assert sum(count for count, _ in held(harness).values()) == 5


def test_while_the_file_cannot_be_used_nothing_is_posted_at_all_and_the_push_is_tried_again(
    harness: Harness, rules: Path, caplog: pytest.LogCaptureFixture
) -> None:
    take_in(harness)
    rules.write_text('sources = ["tabloid.example"\n')
    with pytest.raises(BoundaryFileError, match=r"boundaries\.toml"):
        harness.bot.loop.ask(WORKSPACE, 9)
    harness.do("push")
    assert "boundaries.toml" in caplog.text
    assert posted(harness) == set()
    push = harness.job("push")
    assert (push.due_at, push.attempts) == (harness.clock.now() + FIRST_RETRY, 1)
    assert "boundaries.toml" in str(push.error)


def test_a_bot_does_not_start_on_a_file_that_it_cannot_use(harness: Harness, rules: Path) -> None:
    rules.write_text('tags = ["fooood"]\n')
    identity = Identity(WORKSPACE, "Test", "UBOT", "B1", "xoxb-1")
    with pytest.raises(BoundaryFileError, match=r"boundaries\.toml:1: unknown tag 'fooood'"):
        harness.bot.prepare(identity)


def test_a_feed_s_stories_need_what_its_rules_want_until_a_feed_without_rules_carries_them(
    harness: Harness, rules: Path
) -> None:
    strict, free = "https://strict.example/feed", "https://free.example/feed"
    rules.write_text(f'[[feed]]\nurl = "{strict}"\n[feed.only]\nwords = ["ferry"]\n')
    stories = {"pizza": strict, "touchdown": strict, "ferry": strict, "law": free}
    titles = {
        "pizza": "Pizza and pasta recipes for the winter",
        "touchdown": "The quarterback throws four touchdowns",
        "ferry": "The ferry to the island is late again",
        "law": "The court upholds the new law on lakes",
    }
    with harness.bot.store.begin(WORKSPACE) as tx:
        tx.articles.add(replace(article(harness, name, titles[name]), feeds=(url,)) for name, url in stories.items())
    assert harness.bot.loop.ask(WORKSPACE, 9) == 2
    assert posted(harness) == {"ferry", "law"}
    assert {rule: count for rule, (count, _) in held(harness).items()} == {Held(Boundary.ONLY, f"words ({strict})"): 2}
    with harness.bot.store.begin(WORKSPACE) as tx:
        tx.articles.carried_by(free, ["pizza", "unknown"])
    assert harness.bot.loop.ask(WORKSPACE, 9) == 1
    assert posted(harness) == {"ferry", "law", "pizza"}


def test_only_stories_whose_likeliest_tag_is_wanted_are_posted(harness: Harness, rules: Path) -> None:
    def likeliest() -> dict[str, str]:
        with harness.bot.store.read(WORKSPACE) as tx:
            found = {post.article_id: tx.posts.prediction(post.prediction_id) for post in tx.posts.in_round(1)}
        return {
            name: max(p, key=lambda tag: (p[tag], tag))
            for name, one in found.items()
            if one and (p := one.probabilities)
        }

    rules.write_text("")
    take_in(harness)
    harness.bot.loop.ask(WORKSPACE, 1)
    ((_, wanted),) = likeliest().items()
    rules.write_text(f'[only]\ntags = ["{wanted}"]\n')
    more = harness.bot.loop.ask(WORKSPACE, 9)
    assert set(likeliest().values()) == {wanted}
    assert held(harness)[Held(Boundary.ONLY, "tags")][0] == 3 - more > 0
