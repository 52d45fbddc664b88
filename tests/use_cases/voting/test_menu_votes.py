"""Votes by menu: they count as reactions do, replace one another, and show on the post."""

import pytest

from tests.conftest import WORKSPACE, Stage
from tierbot.domain.nouns import Outcome, TierbotError
from tierbot.use_cases.ports import ChatUnavailableError, DeliveryKind, RateLimitedError
from tierbot.use_cases.voting.menu_votes import MOST_NAMED


def name(stage: Stage, user: str, ts: str, *tags: str, form: str | None = None) -> bool:
    stage.clock.advance(seconds=1)
    return stage.bot.naming.name(WORKSPACE, user, "C1", ts, tags, form or f"V{stage.clock.now().isoformat()}")


def verdict(stage: Stage, ts: str):
    stage.bot.loop.settle(WORKSPACE)
    with stage.bot.store.read(WORKSPACE) as tx:
        post = tx.posts.at("C1", ts)
        return tx.verdicts.latest([post.id])[post.id]


def waiting(stage: Stage, ts: str) -> int:
    with stage.bot.store.read(WORKSPACE) as tx:
        return len(tx.outbox.waiting(DeliveryKind.UPDATE, tx.posts.at("C1", ts).id))


def test_a_menu_vote_counts_like_a_reaction(stage: Stage) -> None:
    (ts,) = stage.posts(1)
    assert name(stage, "U1", ts, "football")
    stage.react("U2", ts, "football")
    found = verdict(stage, ts)
    assert (found.outcome, found.tags, found.voters) == (Outcome.NAMED, {"football": 1.0}, 2)


def test_the_same_tag_by_menu_and_by_emoji_is_one_vote_until_both_are_taken_back(stage: Stage) -> None:
    (ts,) = stage.posts(1)
    name(stage, "U1", ts, "food")
    stage.react("U1", ts, "pizza")
    assert verdict(stage, ts).support == {"food": 1}
    name(stage, "U1", ts)
    assert verdict(stage, ts).support == {"food": 1}
    stage.react("U1", ts, "pizza", added=False)
    assert verdict(stage, ts).support == {}


def test_choosing_again_replaces_and_choosing_nothing_withdraws(stage: Stage) -> None:
    (ts,) = stage.posts(1)
    name(stage, "U1", ts, "food")
    name(stage, "U1", ts, "law", "health")
    assert verdict(stage, ts).support == {"law": 1, "health": 1}
    assert stage.bot.naming.menu(WORKSPACE, "U1", "C1", ts).chosen == {"law", "health"}
    assert stage.bot.naming.menu(WORKSPACE, "U2", "C1", ts).chosen == frozenset()
    assert name(stage, "U1", ts)
    assert not name(stage, "U1", ts), "there is nothing left to withdraw"
    assert verdict(stage, ts).voters == 0


def test_a_form_sent_twice_counts_once(stage: Stage) -> None:
    (ts,) = stage.posts(1)
    assert name(stage, "U1", ts, "food", form="V1")
    assert not name(stage, "U1", ts, "food", form="V1")
    with stage.bot.store.read(WORKSPACE) as tx:
        assert len(tx.ledger.events("C1", ts)) == 1


def test_the_post_says_what_was_named_by_menu(stage: Stage) -> None:
    (ts,) = stage.posts(1)
    name(stage, "U1", ts, "football")
    name(stage, "U2", ts, "football", "health")
    assert waiting(stage, ts) == 1, "one revision serves many votes"
    stage.deliver()
    assert stage.chat.revised == [(ts, {"football": 2, "health": 1})]
    name(stage, "U1", ts)
    name(stage, "U2", ts)
    stage.deliver()
    assert stage.chat.revised[-1] == (ts, {})


def test_a_vote_given_while_the_message_is_being_revised_is_shown_next(stage: Stage) -> None:
    (ts,) = stage.posts(1)
    name(stage, "U1", ts, "football")
    now = stage.clock.now()
    with stage.bot.store.begin(WORKSPACE) as tx:  # another process has claimed it and is at it
        (claimed,) = tx.outbox.claim(now, now.replace(year=2030), 1)
    name(stage, "U2", ts, "football")
    assert waiting(stage, ts) == 1
    stage.deliver()
    assert stage.chat.revised == [], "it must not overtake the one under way"
    with stage.bot.store.begin(WORKSPACE) as tx:
        assert tx.outbox.done(claimed, None, now)
    stage.deliver()
    assert stage.chat.revised == [(ts, {"football": 2})]


def test_a_revision_that_slack_puts_off_is_made_later_with_what_stands_then(stage: Stage) -> None:
    (ts,) = stage.posts(1)
    name(stage, "U1", ts, "football")
    stage.chat.faults = [RateLimitedError("chat.update", 30), ChatUnavailableError("no answer")]
    stage.deliver()
    assert waiting(stage, ts) == 1
    stage.clock.advance(seconds=31)
    stage.deliver()
    name(stage, "U2", ts, "health")
    stage.clock.advance(minutes=5)
    stage.deliver()
    assert stage.chat.revised == [(ts, {"football": 1, "health": 1})]


def test_reconciling_with_slack_leaves_menu_votes_alone(stage: Stage) -> None:
    (ts,) = stage.posts(1)
    name(stage, "U1", ts, "football")
    stage.clock.advance(seconds=1)
    assert stage.bot.loop.reconcile(WORKSPACE).found == 0
    assert verdict(stage, ts).support == {"football": 1}


def test_what_cannot_be_named_is_refused_with_a_reason_and_leaves_no_trace(stage: Stage) -> None:
    (ts,) = stage.posts(1)
    with pytest.raises(TierbotError, match="not in use"):
        name(stage, "U1", ts, "astrology-and-such")
    with pytest.raises(TierbotError, match=f"{MOST_NAMED} topics at most"):
        name(stage, "U1", ts, *list(stage.bot.tags.ids)[: MOST_NAMED + 1])
    with pytest.raises(TierbotError, match="none of my posts"):
        name(stage, "U1", "1700000000.000001", "food")
    with stage.bot.store.read(WORKSPACE) as tx:
        assert tx.ledger.events("C1", ts) == []


def test_who_voted_by_menu_may_ask_why(stage: Stage) -> None:
    (ts,) = stage.posts(1)
    name(stage, "U1", ts, "food")
    assert stage.bot.insight.post_for(WORKSPACE, "U1", "C1", ts)
