"""The arrows of the loop, on a real database: each does its work once, whatever is repeated or interrupted."""

from collections import Counter
from contextlib import closing
from dataclasses import replace

import pytest

from tests.conftest import WORKSPACE, Harness
from tierbot.adapters.encoders.hashing import HashingEncoder
from tierbot.app.bootstrap import build
from tierbot.domain.nouns import Arm, ModelState, Outcome, TierbotError, key
from tierbot.use_cases.asking.choosing import Chooser
from tierbot.use_cases.delivery.announcing import announce
from tierbot.use_cases.ports import (
    ChatError,
    ChatUnavailableError,
    DeliveryKind,
    DeliveryState,
    RateLimitedError,
    ReactionCount,
)


def read(harness: Harness):
    return harness.bot.store.read(WORKSPACE)


def test_taking_the_same_articles_in_twice_adds_nothing(harness: Harness) -> None:
    articles = harness.articles(5)
    assert harness.bot.loop.take_in(WORKSPACE, articles)[0] == 5
    assert harness.bot.loop.take_in(WORKSPACE, articles)[0] == 0
    with read(harness) as tx:
        assert tx.articles.count() == 5


def test_every_post_has_its_prediction_with_exact_propensity_and_its_arm_with_its_probability(harness: Harness) -> None:
    harness.posts(40)
    with read(harness) as tx:
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


def test_the_tier_arm_prefills_the_shown_tag_and_the_blank_arm_names_nothing(harness: Harness) -> None:
    harness.posts(40)
    prefilled = dict(harness.chat.prefilled)
    for ts, view in harness.chat.posts.items():
        if view.post.arm is Arm.BLANK:
            assert view.tag_id is None
            assert ts not in prefilled
        else:
            assert prefilled[ts] == view.tags[view.tag_id].short_name


def test_an_article_is_posted_once_however_often_it_is_asked_for(harness: Harness) -> None:
    harness.bot.loop.take_in(WORKSPACE, harness.articles(3))
    assert harness.bot.loop.ask(WORKSPACE, 10) == 3
    assert harness.bot.loop.ask(WORKSPACE, 10) == 0


def test_a_story_from_another_source_is_folded_and_counted_once_however_often_it_is_read(harness: Harness) -> None:
    (original,) = harness.articles(1)
    elsewhere = replace(original, id="b0", url="https://other.example/story", source="Other")
    assert harness.bot.loop.take_in(WORKSPACE, [original, elsewhere]) == (1, 1)
    assert harness.bot.loop.take_in(WORKSPACE, [original, elsewhere]) == (0, 0)
    with read(harness) as tx:
        assert tx.articles.get([original.id])[original.id].copies == 2


def test_articles_that_somebody_else_asks_about_meanwhile_are_replaced_by_others(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.bot.loop.take_in(WORKSPACE, harness.articles(12))
    choose, meanwhile = Chooser.choose, []

    def slow(chooser: Chooser, workspace: str, count: int):
        chosen = choose(chooser, workspace, count)
        if not meanwhile:
            meanwhile.append(True)
            monkeypatch.setattr(Chooser, "choose", lambda *_: chosen)
            assert harness.bot.loop.ask(workspace, count) == count
            monkeypatch.setattr(Chooser, "choose", slow)
        return chosen

    monkeypatch.setattr(Chooser, "choose", slow)
    left: list[int] = []
    assert harness.bot.loop.ask(WORKSPACE, 5, progress=lambda _, n: left.append(n)) == 5
    assert left == [5, 0]
    with read(harness) as tx:
        assert len(tx.posts.in_round(1)) == 10


# --- the outbox -----------------------------------------------------------------------------------


def test_a_message_sent_before_a_crash_is_found_and_not_sent_again(harness: Harness) -> None:
    harness.bot.loop.take_in(WORKSPACE, harness.articles(1))
    harness.bot.loop.ask(WORKSPACE, 1)
    harness.chat.lost_answers = [KeyboardInterrupt()]  # the process dies after Slack took the message
    with pytest.raises(KeyboardInterrupt):
        harness.bot.loop.deliver(WORKSPACE)
    assert not harness.bot.loop.deliver(WORKSPACE), "another process may still be sending it"
    harness.clock.advance(minutes=3)
    harness.deliver()
    assert len(harness.chat.posts) == 1


def test_what_a_held_up_process_makes_of_a_message_does_not_undo_what_another_made_of_it(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.bot.loop.take_in(WORKSPACE, harness.articles(1))
    harness.bot.loop.ask(WORKSPACE, 1)
    send = harness.chat.post

    def held_up(view, delivery_id):
        ts = send(view, delivery_id)
        monkeypatch.undo()
        harness.clock.advance(minutes=3)  # the claim runs out while the answer is on its way, and another takes it
        assert harness.bot.loop.deliver(WORKSPACE)
        with read(harness) as tx:
            assert [post.ts for post in tx.posts.in_round(1)] == [ts]
        raise ChatUnavailableError("the answer was lost")

    monkeypatch.setattr(harness.chat, "post", held_up)
    harness.deliver()
    assert len(harness.chat.posts) == 1
    with read(harness) as tx:
        assert tx.outbox.counts()[DeliveryState.PENDING] == 0


def test_a_message_that_was_looked_for_too_long_is_not_sent_on_an_old_claim(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.bot.loop.take_in(WORKSPACE, harness.articles(1))
    harness.bot.loop.ask(WORKSPACE, 1)
    harness.chat.faults = [ChatUnavailableError("no answer")]
    harness.bot.loop.deliver(WORKSPACE)
    harness.clock.advance(minutes=3)
    monkeypatch.setattr(harness.chat, "find", lambda *_: harness.clock.advance(seconds=40))
    assert harness.bot.loop.deliver(WORKSPACE)
    assert harness.chat.posts == {}
    monkeypatch.undo()
    harness.clock.advance(minutes=3)
    harness.deliver()
    assert len(harness.chat.posts) == 1
    with read(harness) as tx:
        (post,) = tx.posts.in_round(1)
    assert post.ts in harness.chat.posts


def test_a_message_whose_answer_was_lost_is_found_and_not_sent_again(harness: Harness) -> None:
    harness.bot.loop.take_in(WORKSPACE, harness.articles(1))
    harness.bot.loop.ask(WORKSPACE, 1)
    harness.chat.lost_answers = [ChatUnavailableError("502 after Slack took the message")]
    harness.deliver()
    harness.clock.advance(minutes=1)
    harness.deliver()
    assert len(harness.chat.posts) == 1
    with read(harness) as tx:
        (post,) = tx.posts.in_round(1)
    assert post.ts in harness.chat.posts


def test_a_rate_limit_holds_its_own_method_and_nothing_else(harness: Harness) -> None:
    harness.bot.loop.take_in(WORKSPACE, harness.articles(2))
    harness.bot.loop.ask(WORKSPACE, 2)
    harness.chat.faults = [RateLimitedError("chat.postMessage", 30)]
    harness.deliver()
    assert harness.chat.posts == {}
    harness.clock.advance(seconds=31)
    harness.deliver()
    assert len(harness.chat.posts) == 2


def test_an_unanswered_call_is_tried_again_and_a_refused_one_is_parked(harness: Harness) -> None:
    harness.bot.loop.take_in(WORKSPACE, harness.articles(2))
    harness.bot.loop.ask(WORKSPACE, 2)
    harness.chat.faults = [ChatUnavailableError("no answer"), ChatError("msg_too_long", "too long")]
    harness.deliver()
    harness.clock.advance(minutes=1)
    harness.deliver()
    assert len(harness.chat.posts) == 1
    with read(harness) as tx:
        parked = [delivery for delivery in tx.outbox.parked() if delivery.kind is DeliveryKind.POST]
        assert tx.outbox.counts().get(DeliveryState.PENDING, 0) == 0, "what was to follow a refused post is parked too"
    assert ["msg_too_long" in (delivery.error or "") for delivery in parked] == [True]


# --- reaction → vote → verdict --------------------------------------------------------------------


def test_two_colleagues_settle_a_post_and_a_third_changes_the_verdict(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    shown = harness.emoji(ts)
    harness.react("U1", ts, shown)
    harness.react("U2", ts, f"{shown}")
    assert harness.settle() == 1
    with read(harness) as tx:
        post = tx.posts.at("C1", ts)
        verdict = tx.verdicts.latest([post.id])[post.id]
    assert verdict.outcome is Outcome.NAMED
    assert verdict.tags == {post.shown_tag: 1.0}
    assert verdict.reward == 1.0
    harness.react("U2", ts, shown, added=False)
    assert harness.settle() == 1
    assert harness.settle() == 0, "nothing new, nothing to settle"
    with read(harness) as tx:
        assert tx.verdicts.latest([post.id])[post.id].reason == "too_few"


def test_an_event_delivered_twice_counts_once(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    assert harness.react("U1", ts, "pizza", event_id="EvSame")
    assert not harness.react("U1", ts, "pizza", event_id="EvSame")


def test_a_reaction_that_comes_before_the_post_is_recorded_still_counts(harness: Harness) -> None:
    harness.bot.loop.take_in(WORKSPACE, harness.articles(1))
    harness.bot.loop.ask(WORKSPACE, 1)
    harness.chat.lost_answers = [KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt):
        harness.bot.loop.deliver(WORKSPACE)
    (ts,) = harness.chat.posts
    harness.react("U1", ts, "pizza")
    harness.react("U2", ts, "pizza")
    assert harness.settle() == 0
    harness.clock.advance(minutes=3)
    harness.deliver()
    assert harness.settle() == 1
    with read(harness) as tx:
        post = tx.posts.at("C1", ts)
        assert tx.verdicts.latest([post.id])[post.id].tags == {"food": 1.0}


def test_a_reaction_on_a_foreign_message_is_kept_and_settles_nothing(harness: Harness) -> None:
    assert harness.react("U1", "1700000000.000001", "pizza")
    assert harness.settle() == 0
    with read(harness) as tx:
        assert len(tx.ledger.events("C1", "1700000000.000001")) == 1


def test_reconciliation_finds_what_was_missed_once_and_leaves_the_bot_out(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    harness.react("U3", ts, "car")
    harness.chat.shown[ts] = [ReactionCount("pizza", ("U1", "U2", "UBOT"), complete=True)]
    harness.clock.advance(seconds=1)
    assert harness.bot.loop.reconcile(WORKSPACE).found == 3  # two added, U3's removed
    assert harness.bot.loop.reconcile(WORKSPACE).found == 0
    harness.settle()
    with read(harness) as tx:
        post = tx.posts.at("C1", ts)
        assert tx.verdicts.latest([post.id])[post.id].support == {"food": 2}


# --- rounds and models ----------------------------------------------------------------------------


def test_closing_a_round_freezes_it_announces_the_champion_and_opens_the_next(harness: Harness) -> None:
    first, second = harness.posts(2)
    for ts in (first, second):
        harness.react("U1", ts, "pizza")
    harness.react("U2", first, "pizza")
    closed = harness.bot.loop.close_round(WORKSPACE)
    assert closed.champion == "U1"
    harness.deliver()
    (news,) = harness.chat.announcements
    assert (news["kind"], news["round"], news["champion"], news["judged"]) == ("round_closed", 1, "U1", 2)
    harness.react("U3", second, "pizza")
    harness.settle()
    with read(harness) as tx:
        assert tx.rounds.current().number == 2
        assert [(line.user, line.score) for line in tx.rounds.standings(1)] == [("U1", 2), ("U2", 1)]
        post = tx.posts.at("C1", second)
        assert tx.verdicts.latest([post.id])[post.id].tags == {"food": 1.0}, "late votes still teach"


def test_retraining_makes_a_new_champion_that_learned_and_rolling_back_restores_the_old(harness: Harness) -> None:
    harness.promote_challengers()
    for ts in harness.posts(12):
        harness.react("U1", ts, "tada" if "pizza" not in harness.chat.posts[ts].article.title else "pizza")
        harness.react("U2", ts, "pizza" if "pizza" in harness.chat.posts[ts].article.title else "football")
        harness.react("U1", ts, "pizza" if "pizza" in harness.chat.posts[ts].article.title else "football")
    harness.bot.loop.look_up(WORKSPACE)
    training = harness.bot.loop.retrain(WORKSPACE)
    assert training.promoted
    assert training.rows == 12
    version, _ = harness.bot.registry.champion(WORKSPACE)
    assert (version.id, version.parent, version.card["data"]["verdicts"]) == ("m0002", "m0001", 12)
    harness.deliver()
    news = harness.chat.announcements[-1]
    assert news["kind"] == "model_promoted"
    (sent,) = [ts for ts, said in harness.chat.replies if said["kind"] == "model_statistics"]
    with read(harness) as tx:
        assert tx.outbox.result(key("trained", "m0002")) == sent, "the statistics stand in the announcement's thread"
    assert harness.bot.loop.roll_back(WORKSPACE, "UADMIN").id == "m0001"
    with read(harness) as tx:
        states = {version.id: version.state for version in tx.models.all()}
        trail = [entry["what"] for entry in tx.workspaces.audit_trail(10)]
    assert states == {"m0001": ModelState.CHAMPION, "m0002": ModelState.RETIRED}
    assert "promote model" in trail
    with pytest.raises(TierbotError, match="nothing to roll back to"):
        harness.bot.loop.roll_back(WORKSPACE, "UADMIN")


def test_statistics_whose_announcement_slack_refused_are_not_sent(harness: Harness) -> None:
    news = {"kind": "model_rolled_back", "model": "m0001", "number": 1, "by": "U1"}
    with harness.bot.store.begin(WORKSPACE) as tx:
        announce(tx, "said", news, "C1", harness.clock.now())
        announce(tx, "below", news, "C1", harness.clock.now(), below="said")
    harness.chat.faults.append(ChatError("invalid_blocks", "no"))
    harness.deliver()
    assert (harness.chat.announcements, harness.chat.replies) == ([], [])
    with read(harness) as tx:
        assert [one.id for one in tx.outbox.parked()] == ["said"]
        assert tx.outbox.counts()[DeliveryState.DONE] == 1


def test_after_a_change_of_encoder_a_retraining_embeds_what_it_learns_from(harness: Harness) -> None:
    for ts in harness.posts(4):
        harness.react("U1", ts, "pizza")
        harness.react("U2", ts, "pizza")
    encoder = HashingEncoder(16)
    changed = build(harness.bot.settings, clock=harness.clock, encoder=encoder, chats=lambda _: harness.chat)
    with closing(changed) as bot:
        harness.bot.loop.look_up(WORKSPACE)
        training = bot.loop.retrain(WORKSPACE)
    assert training is not None
    assert training.rows == 4


def test_a_push_embeds_what_it_considers_and_not_a_whole_flood(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tierbot.use_cases.asking.choosing._POOL", 5)
    harness.bot.loop.take_in(WORKSPACE, harness.articles(30))
    assert harness.bot.loop.ask(WORKSPACE, 3) == 3
    with read(harness) as tx:
        assert len(tx.articles.without_embedding(harness.bot.encoder.digest, 99)) == 25
    assert harness.bot.loop.embed(WORKSPACE, most=7) == 7
    assert harness.bot.loop.embed(WORKSPACE) == 18


def test_there_is_nothing_to_learn_from_before_a_post_has_settled(harness: Harness) -> None:
    harness.posts(1)
    assert harness.bot.loop.retrain(WORKSPACE) is None


def test_preparing_again_changes_nothing_that_was_played(harness: Harness) -> None:
    harness.posts(2)
    with read(harness) as tx:
        before = (tx.rounds.current(), tx.models.champion(), tx.agenda.get("push"), list(tx.workspaces.tags()))
        workspace = tx.workspaces.get()
    harness.clock.advance(days=1)
    harness.bot.setup.prepare(workspace, harness.bot.tags)
    with read(harness) as tx:
        assert before == (tx.rounds.current(), tx.models.champion(), tx.agenda.get("push"), list(tx.workspaces.tags()))
