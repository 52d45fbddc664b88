"""Messages and checks that somebody asked about: asked once, in their place, with everything logged, and no sample."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import WORKSPACE, Harness, build_harness
from tierbot.domain.nouns import Arm, Outcome, Post, Prediction, ReactionEvent, Thread, TierbotError
from tierbot.domain.training.judge import is_unbiased
from tierbot.use_cases.articles.tag_requests import JOB, TagRequests
from tierbot.use_cases.people.personal_data import PersonalData
from tierbot.use_cases.ports import ChatUnavailableError


def take(harness: Harness, text: str = "Who wants pizza?", ts: str = "5.000001", user: str = "U7") -> bool:
    return TagRequests(harness.bot.store, harness.clock).take(WORKSPACE, user, Thread("C9", ts), ts, text)


def play(harness: Harness) -> None:
    assert harness.jobs(JOB)
    harness.do(JOB)
    harness.deliver()


def everything(harness: Harness) -> list[tuple[Post, Prediction]]:
    with harness.bot.store.read(WORKSPACE) as tx:
        posts = tx.posts.in_round(1)
        found = tx.posts.predictions([post.prediction_id for post in posts])
    return [(post, found[post.prediction_id]) for post in posts]


def test_a_message_is_asked_about_once_in_its_thread_and_nowhere_else(harness: Harness) -> None:
    assert take(harness)
    assert not take(harness, "Who wants pasta?", user="U8"), "the same message again"
    assert harness.bot.loop.ask(WORKSPACE, 5) == 0, "it does not wait with the news"
    play(harness)
    (view,) = harness.chat.posts.values()
    assert (view.post.channel, view.thread, view.article.content) == ("C9", "5.000001", "Who wants pizza?")
    ((_, prediction),) = everything(harness)
    assert (prediction.selection.strategy, prediction.selection.probability) == ("requested", 1.0)
    assert prediction.propensity == prediction.policy_probabilities[prediction.shown_tag]
    with harness.bot.store.read(WORKSPACE) as tx:
        assert not [job for job in tx.agenda.all() if job.kind == JOB]
        assert tx.articles.requested(9, in_threads=True) == []


def test_what_was_said_in_a_thread_is_put_to_nobody_elsewhere_and_no_news_is_folded_into_it(harness: Harness) -> None:
    take(harness, "Story number 0 about pizza and pasta recipes")
    play(harness)
    assert harness.bot.invitations.send(WORKSPACE, "U1") == 0
    new, folded = harness.bot.loop.take_in(WORKSPACE, harness.articles(1))
    assert (new, folded) == (1, 0)


def test_after_a_crash_the_question_is_looked_for_in_its_thread(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []
    find = harness.chat.find
    monkeypatch.setattr(harness.chat, "find", lambda *where: looked.append(where) or find(*where))
    take(harness)
    harness.chat.lost_answers = [ChatUnavailableError("no answer")]
    play(harness)
    harness.clock.advance(minutes=3)
    harness.deliver()
    assert len(harness.chat.posts) == 1
    assert [where[3] for where in looked] == ["5.000001"]


def test_votes_in_the_thread_settle_and_never_measure_the_model(harness: Harness) -> None:
    for number in range(30):
        take(harness, f"Pizza number {number}", f"5.{number:06d}")
    play(harness)
    for ts, view in harness.chat.posts.items():
        now = harness.clock.now()
        for user in ("U1", "U2"):
            event = ReactionEvent(f"{user}{ts}", view.post.channel, ts, user, "pizza", True, now, now)
            harness.bot.loop.record(WORKSPACE, event)
    harness.settle()
    with harness.bot.store.read(WORKSPACE) as tx:
        settled = tx.verdicts.settled()
    assert len(settled) == 30
    assert all(item.verdict.outcome is Outcome.NAMED for item in settled)
    assert any(item.post.arm is Arm.BLANK for item in settled)
    assert not any(is_unbiased(item) for item in settled)


def test_a_message_without_text_is_refused_with_the_reason(harness: Harness) -> None:
    with pytest.raises(TierbotError, match=r"Too little to tell: there are no words in it\."):
        take(harness, " \u200b :) ")
    with pytest.raises(TierbotError, match=r"Too little to tell: it doesn't name a topic\."):
        take(harness, "ok thanks")


def test_a_transcript_is_known_by_its_beginning_and_kept(harness: Harness) -> None:
    take(harness, "So the telescope was switched on. " * 2000)
    play(harness)
    (view,) = harness.chat.posts.values()
    assert len(view.article.title) <= 150
    assert 4000 < len(view.article.text) <= 5000


def test_who_asked_is_told_forgotten_and_expires(harness: Harness) -> None:
    take(harness)
    rights = PersonalData(harness.bot.store, harness.clock)
    assert [one["title"] for one in rights.export(WORKSPACE, "U7")["asked_about"]] == ["Who wants pizza?"]
    rights.forget(WORKSPACE, "U7", "UADMIN", anonymize=True)
    with pytest.raises(TierbotError, match="Nothing is stored about U7"):
        rights.export(WORKSPACE, "U7")
    take(harness, "Rockets!", "6.000001", "U8")
    with harness.bot.store.begin(WORKSPACE) as tx:
        far = harness.clock.now().replace(year=2099)
        assert [tx.people.expire_requests(far, 1) for _ in range(3)] == [1, 1, 0]
    with pytest.raises(TierbotError, match="Nothing is stored about U8"):
        rights.export(WORKSPACE, "U8")


def test_what_boundaries_bar_is_held_back_also_when_it_was_asked_for(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('words = ["pizza"]\n')
    harness = build_harness(tmp_path, boundaries=rules)
    take(harness)
    play(harness)
    assert not harness.chat.posts
    with harness.bot.store.read(WORKSPACE) as tx:
        assert sum(one.count for one in tx.held_back.counts(1)) == 1
    harness.bot.close()


# --- checks ---------------------------------------------------------------------------------------


def checks(harness: Harness, count: int, tag: str = "food") -> None:
    harness.bot.loop.take_in(WORKSPACE, [replace(one, check_tag=tag) for one in harness.articles(count)])


def test_a_check_asks_whether_one_tag_is_true_by_thumbs_and_comes_before_the_news(harness: Harness) -> None:
    checks(harness, 2)
    harness.bot.loop.take_in(WORKSPACE, harness.articles(5, start=10))
    assert harness.bot.loop.ask(WORKSPACE, 3) == 3
    harness.deliver()
    found = {post.article_id: (post, prediction) for post, prediction in everything(harness)}
    assert len(found) == 3
    for key in ("a0", "a1"):
        post, prediction = found[key]
        assert (post.arm, post.arm_probability, post.shown_tag) == (Arm.BASIC, 1.0, "food")
        assert (prediction.policy, prediction.propensity, prediction.policy_probabilities) == (
            "check",
            1.0,
            {"food": 1.0},
        )
        assert set(prediction.probabilities) == set(harness.bot.tags.ids), "the model's p stands beside"
    assert sorted(name for _, name in harness.chat.prefilled if name in {"+1", "-1"}) == ["+1", "+1", "-1", "-1"]


def test_thumbs_settle_a_check_both_ways(harness: Harness) -> None:
    checks(harness, 2)
    harness.bot.loop.ask(WORKSPACE, 2)
    harness.deliver()
    (first, one), (second, other) = harness.chat.posts.items()
    for user in ("U1", "U2"):
        harness.react(user, first, "+1")
        harness.react(user, second, "-1")
    harness.settle()
    with harness.bot.store.read(WORKSPACE) as tx:
        found = tx.verdicts.latest([one.post.id, other.post.id])
    assert found[one.post.id].tags == {"food": 1.0}
    assert found[other.post.id].outcome is Outcome.WRONG


def test_a_check_of_a_tag_that_was_retired_is_not_asked(harness: Harness) -> None:
    checks(harness, 1, "gardens-of-old")
    assert harness.bot.loop.ask(WORKSPACE, 3) == 0
