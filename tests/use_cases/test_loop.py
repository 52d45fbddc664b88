"""The arrows of the loop, on a real database: each does its work once, whatever is repeated or interrupted."""

from collections import Counter
from contextlib import closing
from dataclasses import replace

import pytest

from tests.conftest import WORKSPACE, Stage
from tierbot.adapters.encoders.hashing import HashingEncoder
from tierbot.app.bootstrap import build
from tierbot.domain.nouns import Arm, ModelState, Outcome, TierbotError
from tierbot.use_cases.ports import (
    ChatError,
    ChatUnavailableError,
    DeliveryKind,
    DeliveryState,
    Due,
    RateLimitedError,
    ReactionCount,
)


def read(stage: Stage):
    return stage.bot.store.read(WORKSPACE)


def test_taking_the_same_articles_in_twice_adds_nothing(stage: Stage) -> None:
    articles = stage.articles(5)
    assert stage.bot.loop.take_in(WORKSPACE, articles)[0] == 5
    assert stage.bot.loop.take_in(WORKSPACE, articles)[0] == 0
    with read(stage) as tx:
        assert tx.articles.count() == 5


def test_every_post_has_its_prediction_with_exact_propensity_and_its_arm_with_its_probability(stage: Stage) -> None:
    stage.posts(40)
    with read(stage) as tx:
        posts = tx.posts.in_round(1)
        predictions = tx.posts.predictions([post.prediction_id for post in posts])
    assert len(posts) == 40
    for post in posts:
        prediction = predictions[post.prediction_id]
        assert prediction.shown_tag == post.shown_tag
        assert prediction.propensity == prediction.policy_probabilities[post.shown_tag] > 0
        assert abs(sum(prediction.policy_probabilities.values()) - 1) < 1e-9
        assert abs(sum(prediction.probabilities.values()) - 1) < 1e-3
        assert 0 < prediction.selection.probability <= 1
        assert prediction.model_version == "m0001"
        assert post.arm_probability == {Arm.TIER: 0.85, Arm.BLANK: 0.15}[post.arm]
    assert set(Counter(post.arm for post in posts)) == {Arm.TIER, Arm.BLANK}


def test_the_tier_arm_prefills_the_shown_tag_and_the_blank_arm_names_nothing(stage: Stage) -> None:
    stage.posts(40)
    prefilled = dict(stage.chat.prefilled)
    for ts, view in stage.chat.posts.items():
        if view.post.arm is Arm.BLANK:
            assert view.tag_id is None
            assert ts not in prefilled
        else:
            assert prefilled[ts] == view.tags[view.tag_id].short_name


def test_an_article_is_posted_once_however_often_it_is_asked_for(stage: Stage) -> None:
    stage.bot.loop.take_in(WORKSPACE, stage.articles(3))
    assert stage.bot.loop.ask(WORKSPACE, 10) == 3
    assert stage.bot.loop.ask(WORKSPACE, 10) == 0


def test_a_push_is_remembered_together_with_its_posts_or_not_at_all(stage: Stage) -> None:
    stage.bot.loop.take_in(WORKSPACE, stage.articles(3))
    done = Due("push", stage.clock.now(), stage.clock.now())
    with read(stage) as tx:
        before = tx.agenda.get("push")

    with pytest.raises(KeyboardInterrupt):  # noqa: PT012, SIM117 - the process dies inside the transaction
        with stage.bot.store.begin(WORKSPACE) as tx:
            tx.agenda.set(Due("push", stage.clock.now(), stage.clock.now(), {"by": "U1"}))
            raise KeyboardInterrupt
    with read(stage) as tx:
        assert tx.agenda.get("push") == before
    stage.bot.loop.ask(WORKSPACE, 3, next_due=done)
    with read(stage) as tx:
        assert tx.agenda.get("push") == done
        assert len(tx.posts.in_round(1)) == 3


def test_a_story_from_another_source_is_folded_and_counted_once_however_often_it_is_read(stage: Stage) -> None:
    (original,) = stage.articles(1)
    elsewhere = replace(original, id="b0", url="https://other.example/story", source="Other")
    assert stage.bot.loop.take_in(WORKSPACE, [original, elsewhere]) == (1, 1)
    assert stage.bot.loop.take_in(WORKSPACE, [original, elsewhere]) == (0, 0)
    with read(stage) as tx:
        assert tx.articles.get([original.id])[original.id].copies == 2


def test_a_large_push_that_is_cut_short_goes_on_where_it_was(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.bot.loop.take_in(WORKSPACE, stage.articles(60))
    job = Due("push", stage.clock.now(), None, {"by": "UADMIN", "count": 60})
    queue, queued = stage.bot.loop._queue_post, []

    def dies_at_the_fortieth(*arguments):
        queued.append(1)
        if len(queued) == 40:
            raise KeyboardInterrupt
        return queue(*arguments)

    monkeypatch.setattr(stage.bot.loop, "_queue_post", dies_at_the_fortieth)
    with pytest.raises(KeyboardInterrupt):
        stage.bot.loop.ask(WORKSPACE, 60, job=job, next_due=job)
    with read(stage) as tx:
        assert len(tx.posts.in_round(1)) == 25
        assert tx.agenda.get("push").request == {"by": "UADMIN", "count": 35}
    monkeypatch.undo()
    stage.bot.loop.ask(WORKSPACE, 35, job=job, next_due=job)
    with read(stage) as tx:
        assert len(tx.posts.in_round(1)) == 60


# --- the outbox -----------------------------------------------------------------------------------


def test_a_message_sent_before_a_crash_is_found_and_not_sent_again(stage: Stage) -> None:
    stage.bot.loop.take_in(WORKSPACE, stage.articles(1))
    stage.bot.loop.ask(WORKSPACE, 1)
    stage.chat.lost_answers = [KeyboardInterrupt()]  # the process dies after Slack took the message
    with pytest.raises(KeyboardInterrupt):
        stage.bot.loop.deliver(WORKSPACE)
    assert not stage.bot.loop.deliver(WORKSPACE), "another process may still be sending it"
    stage.clock.advance(minutes=3)
    stage.deliver()
    assert len(stage.chat.posts) == 1


def test_what_a_held_up_process_makes_of_a_message_does_not_undo_what_another_made_of_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.bot.loop.take_in(WORKSPACE, stage.articles(1))
    stage.bot.loop.ask(WORKSPACE, 1)
    send = stage.chat.post

    def held_up(view, delivery_id):
        ts = send(view, delivery_id)
        monkeypatch.undo()
        stage.clock.advance(minutes=3)  # the claim runs out while the answer is on its way, and another takes it
        assert stage.bot.loop.deliver(WORKSPACE)
        with read(stage) as tx:
            assert [post.ts for post in tx.posts.in_round(1)] == [ts]
        raise ChatUnavailableError("the answer was lost")

    monkeypatch.setattr(stage.chat, "post", held_up)
    stage.deliver()
    assert len(stage.chat.posts) == 1
    with read(stage) as tx:
        assert tx.outbox.counts()[DeliveryState.PENDING] == 0


def test_a_message_that_was_looked_for_too_long_is_not_sent_on_an_old_claim(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.bot.loop.take_in(WORKSPACE, stage.articles(1))
    stage.bot.loop.ask(WORKSPACE, 1)
    stage.chat.faults = [ChatUnavailableError("no answer")]
    stage.bot.loop.deliver(WORKSPACE)
    stage.clock.advance(minutes=3)
    monkeypatch.setattr(stage.chat, "find", lambda *_: stage.clock.advance(seconds=40))
    assert stage.bot.loop.deliver(WORKSPACE)
    assert stage.chat.posts == {}
    monkeypatch.undo()
    stage.clock.advance(minutes=3)
    stage.deliver()
    assert len(stage.chat.posts) == 1
    with read(stage) as tx:
        (post,) = tx.posts.in_round(1)
    assert post.ts in stage.chat.posts


def test_a_message_whose_answer_was_lost_is_found_and_not_sent_again(stage: Stage) -> None:
    stage.bot.loop.take_in(WORKSPACE, stage.articles(1))
    stage.bot.loop.ask(WORKSPACE, 1)
    stage.chat.lost_answers = [ChatUnavailableError("502 after Slack took the message")]
    stage.deliver()
    stage.clock.advance(minutes=1)
    stage.deliver()
    assert len(stage.chat.posts) == 1
    with read(stage) as tx:
        (post,) = tx.posts.in_round(1)
    assert post.ts in stage.chat.posts


def test_a_rate_limit_holds_its_own_method_and_nothing_else(stage: Stage) -> None:
    stage.bot.loop.take_in(WORKSPACE, stage.articles(2))
    stage.bot.loop.ask(WORKSPACE, 2)
    stage.chat.faults = [RateLimitedError("chat.postMessage", 30)]
    stage.deliver()
    assert stage.chat.posts == {}
    stage.clock.advance(seconds=31)
    stage.deliver()
    assert len(stage.chat.posts) == 2


def test_an_unanswered_call_is_tried_again_and_a_refused_one_is_parked(stage: Stage) -> None:
    stage.bot.loop.take_in(WORKSPACE, stage.articles(2))
    stage.bot.loop.ask(WORKSPACE, 2)
    stage.chat.faults = [ChatUnavailableError("no answer"), ChatError("channel_not_found", "no such channel")]
    stage.deliver()
    stage.clock.advance(minutes=1)
    stage.deliver()
    assert len(stage.chat.posts) == 1
    with read(stage) as tx:
        parked = [delivery for delivery in tx.outbox.parked() if delivery.kind is DeliveryKind.POST]
        assert tx.outbox.counts().get(DeliveryState.PENDING, 0) == 0, "what was to follow a refused post is parked too"
    assert ["channel_not_found" in (delivery.error or "") for delivery in parked] == [True]


# --- reaction → vote → verdict --------------------------------------------------------------------


def test_two_colleagues_settle_a_post_and_a_third_changes_the_verdict(stage: Stage) -> None:
    (ts,) = stage.posts(1)
    shown = stage.emoji(ts)
    stage.react("U1", ts, shown)
    stage.react("U2", ts, f"{shown}")
    assert stage.bot.loop.settle(WORKSPACE) == 1
    with read(stage) as tx:
        post = tx.posts.at("C1", ts)
        verdict = tx.verdicts.latest([post.id])[post.id]
    assert verdict.outcome is Outcome.NAMED
    assert verdict.tags == {post.shown_tag: 1.0}
    assert verdict.reward == 1.0
    stage.react("U2", ts, shown, added=False)
    assert stage.bot.loop.settle(WORKSPACE) == 1
    assert stage.bot.loop.settle(WORKSPACE) == 0, "nothing new, nothing to settle"
    with read(stage) as tx:
        assert tx.verdicts.latest([post.id])[post.id].reason == "too_few"


def test_an_event_delivered_twice_counts_once(stage: Stage) -> None:
    (ts,) = stage.posts(1)
    assert stage.react("U1", ts, "pizza", event_id="EvSame")
    assert not stage.react("U1", ts, "pizza", event_id="EvSame")


def test_a_reaction_that_comes_before_the_post_is_recorded_still_counts(stage: Stage) -> None:
    stage.bot.loop.take_in(WORKSPACE, stage.articles(1))
    stage.bot.loop.ask(WORKSPACE, 1)
    stage.chat.lost_answers = [KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt):
        stage.bot.loop.deliver(WORKSPACE)
    (ts,) = stage.chat.posts
    stage.react("U1", ts, "pizza")
    stage.react("U2", ts, "pizza")
    assert stage.bot.loop.settle(WORKSPACE) == 0
    stage.clock.advance(minutes=3)
    stage.deliver()
    assert stage.bot.loop.settle(WORKSPACE) == 1
    with read(stage) as tx:
        post = tx.posts.at("C1", ts)
        assert tx.verdicts.latest([post.id])[post.id].tags == {"food": 1.0}


def test_a_reaction_on_a_foreign_message_is_kept_and_settles_nothing(stage: Stage) -> None:
    assert stage.react("U1", "1700000000.000001", "pizza")
    assert stage.bot.loop.settle(WORKSPACE) == 0
    with read(stage) as tx:
        assert len(tx.ledger.events("C1", "1700000000.000001")) == 1


def test_reconciliation_finds_what_was_missed_once_and_leaves_the_bot_out(stage: Stage) -> None:
    (ts,) = stage.posts(1)
    stage.react("U3", ts, "car")
    stage.chat.shown[ts] = [ReactionCount("pizza", ("U1", "U2", "UBOT"), complete=True)]
    stage.clock.advance(seconds=1)
    assert stage.bot.loop.reconcile(WORKSPACE).found == 3  # two added, U3's removed
    assert stage.bot.loop.reconcile(WORKSPACE).found == 0
    stage.bot.loop.settle(WORKSPACE)
    with read(stage) as tx:
        post = tx.posts.at("C1", ts)
        assert tx.verdicts.latest([post.id])[post.id].support == {"food": 2}


# --- rounds and models ----------------------------------------------------------------------------


def test_closing_a_round_freezes_it_announces_the_champion_and_opens_the_next(stage: Stage) -> None:
    first, second = stage.posts(2)
    for ts in (first, second):
        stage.react("U1", ts, "pizza")
    stage.react("U2", first, "pizza")
    closed = stage.bot.loop.close_round(WORKSPACE)
    assert closed.champion == "U1"
    stage.deliver()
    (news,) = stage.chat.announcements
    assert (news["kind"], news["round"], news["champion"], news["judged"]) == ("round_closed", 1, "U1", 2)
    stage.react("U3", second, "pizza")
    stage.bot.loop.settle(WORKSPACE)
    with read(stage) as tx:
        assert tx.rounds.current().number == 2
        assert [(line.user, line.score) for line in tx.rounds.standings(1)] == [("U1", 2), ("U2", 1)]
        post = tx.posts.at("C1", second)
        assert tx.verdicts.latest([post.id])[post.id].tags == {"food": 1.0}, "late votes still teach"


def test_retraining_makes_a_new_champion_that_learned_and_rolling_back_restores_the_old(stage: Stage) -> None:
    for ts in stage.posts(12):
        stage.react("U1", ts, "tada" if "pizza" not in stage.chat.posts[ts].article.title else "pizza")
        stage.react("U2", ts, "pizza" if "pizza" in stage.chat.posts[ts].article.title else "football")
        stage.react("U1", ts, "pizza" if "pizza" in stage.chat.posts[ts].article.title else "football")
    training = stage.bot.loop.retrain(WORKSPACE)
    assert training.promoted
    assert training.rows == 12
    version, _ = stage.bot.registry.champion(WORKSPACE)
    assert (version.id, version.parent, version.card["data"]["verdicts"]) == ("m0002", "m0001", 12)
    stage.deliver()
    assert stage.chat.announcements[-1]["kind"] == "model_promoted"
    assert stage.bot.loop.roll_back(WORKSPACE, "UADMIN").id == "m0001"
    with read(stage) as tx:
        states = {version.id: version.state for version in tx.models.all()}
        trail = [entry["what"] for entry in tx.workspaces.audit_trail(10)]
    assert states == {"m0001": ModelState.CHAMPION, "m0002": ModelState.RETIRED}
    assert "promote model" in trail
    with pytest.raises(TierbotError, match="nothing to roll back to"):
        stage.bot.loop.roll_back(WORKSPACE, "UADMIN")


def test_after_a_change_of_encoder_a_retraining_embeds_what_it_learns_from(stage: Stage) -> None:
    for ts in stage.posts(4):
        stage.react("U1", ts, "pizza")
        stage.react("U2", ts, "pizza")
    encoder = HashingEncoder(16)
    changed = build(stage.bot.settings, clock=stage.clock, encoder=encoder, chats=lambda _: stage.chat)
    with closing(changed) as bot:
        training = bot.loop.retrain(WORKSPACE)
    assert training is not None
    assert training.rows == 4


def test_a_push_embeds_what_it_considers_and_not_a_whole_flood(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tierbot.use_cases.asking.choosing._POOL", 5)
    stage.bot.loop.take_in(WORKSPACE, stage.articles(30))
    assert stage.bot.loop.ask(WORKSPACE, 3) == 3
    with read(stage) as tx:
        assert len(tx.articles.without_embedding(stage.bot.encoder.digest, 99)) == 25
    assert stage.bot.loop.embed(WORKSPACE, most=7) == 7
    assert stage.bot.loop.embed(WORKSPACE) == 18


def test_there_is_nothing_to_learn_from_before_a_post_has_settled(stage: Stage) -> None:
    stage.posts(1)
    assert stage.bot.loop.retrain(WORKSPACE) is None


def test_preparing_again_changes_nothing_that_was_played(stage: Stage) -> None:
    stage.posts(2)
    with read(stage) as tx:
        before = (tx.rounds.current(), tx.models.champion(), tx.agenda.get("push"), list(tx.workspaces.tags()))
        workspace = tx.workspaces.get()
    stage.clock.advance(days=1)
    stage.bot.loop.prepare(workspace, stage.bot.tags)
    with read(stage) as tx:
        assert before == (tx.rounds.current(), tx.models.champion(), tx.agenda.get("push"), list(tx.workspaces.tags()))
