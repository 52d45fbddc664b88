"""Votes by menu: they count as reactions do, replace one another, and show on the post."""

import pytest

from tests.conftest import WORKSPACE, Harness
from tierbot.domain.nouns import Outcome, TierbotError
from tierbot.use_cases.ports import ChatUnavailableError, DeliveryKind, RateLimitedError
from tierbot.use_cases.voting.menu_votes import MOST_NAMED


def name(harness: Harness, user: str, ts: str, *tags: str, form: str | None = None) -> bool:
    harness.clock.advance(seconds=1)
    return harness.bot.menu_votes.name(WORKSPACE, user, "C1", ts, tags, form or f"V{harness.clock.now().isoformat()}")


def verdict(harness: Harness, ts: str):
    harness.settle()
    with harness.bot.store.read(WORKSPACE) as tx:
        post = tx.posts.at("C1", ts)
        return tx.verdicts.latest([post.id])[post.id]


def waiting(harness: Harness, ts: str) -> int:
    with harness.bot.store.read(WORKSPACE) as tx:
        return len(tx.outbox.waiting(DeliveryKind.UPDATE, tx.posts.at("C1", ts).id))


def test_a_menu_vote_counts_like_a_reaction(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    assert name(harness, "U1", ts, "football")
    harness.react("U2", ts, "football")
    found = verdict(harness, ts)
    assert (found.outcome, found.tags, found.voters) == (Outcome.NAMED, {"football": 1.0}, 2)


def test_the_same_tag_by_menu_and_by_emoji_is_one_vote_until_both_are_taken_back(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    name(harness, "U1", ts, "food")
    harness.react("U1", ts, "pizza")
    assert verdict(harness, ts).support == {"food": 1}
    name(harness, "U1", ts)
    assert verdict(harness, ts).support == {"food": 1}
    harness.react("U1", ts, "pizza", added=False)
    assert verdict(harness, ts).support == {}


def test_choosing_again_replaces_and_choosing_nothing_withdraws(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    name(harness, "U1", ts, "food")
    name(harness, "U1", ts, "law", "health")
    assert verdict(harness, ts).support == {"law": 1, "health": 1}
    assert harness.bot.menu_votes.menu(WORKSPACE, "U1", "C1", ts).chosen == {"law", "health"}
    assert harness.bot.menu_votes.menu(WORKSPACE, "U2", "C1", ts).chosen == frozenset()
    assert name(harness, "U1", ts)
    assert not name(harness, "U1", ts), "there is nothing left to withdraw"
    assert verdict(harness, ts).voters == 0


def test_a_form_sent_twice_counts_once(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    assert name(harness, "U1", ts, "food", form="V1")
    assert not name(harness, "U1", ts, "food", form="V1")
    with harness.bot.store.read(WORKSPACE) as tx:
        assert len(tx.ledger.events("C1", ts)) == 1


def test_the_post_says_what_was_named_by_menu(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    name(harness, "U1", ts, "football")
    name(harness, "U2", ts, "football", "health")
    assert waiting(harness, ts) == 1, "one revision serves many votes"
    harness.deliver()
    assert harness.chat.revised == [(ts, {"football": 2, "health": 1})]
    name(harness, "U1", ts)
    name(harness, "U2", ts)
    harness.deliver()
    assert harness.chat.revised[-1] == (ts, {})


def test_a_vote_given_while_the_message_is_being_revised_is_shown_next(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    name(harness, "U1", ts, "football")
    now = harness.clock.now()
    with harness.bot.store.begin(WORKSPACE) as tx:  # another process has claimed it and is at it
        (claimed,) = tx.outbox.claim(now, now.replace(year=2030), 1)
    name(harness, "U2", ts, "football")
    assert waiting(harness, ts) == 1
    harness.deliver()
    assert harness.chat.revised == [], "it must not overtake the one under way"
    with harness.bot.store.begin(WORKSPACE) as tx:
        assert tx.outbox.done(claimed, None, now)
    harness.deliver()
    assert harness.chat.revised == [(ts, {"football": 2})]


def test_a_revision_that_slack_puts_off_is_made_later_with_what_stands_then(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    name(harness, "U1", ts, "football")
    harness.chat.faults = [RateLimitedError("chat.update", 30), ChatUnavailableError("no answer")]
    harness.deliver()
    assert waiting(harness, ts) == 1
    harness.clock.advance(seconds=31)
    harness.deliver()
    name(harness, "U2", ts, "health")
    harness.clock.advance(minutes=5)
    harness.deliver()
    assert harness.chat.revised == [(ts, {"football": 1, "health": 1})]


def test_reconciling_with_slack_leaves_menu_votes_alone(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    name(harness, "U1", ts, "football")
    harness.clock.advance(seconds=1)
    assert harness.bot.loop.reconcile(WORKSPACE).found == 0
    assert verdict(harness, ts).support == {"football": 1}


def test_what_cannot_be_named_is_refused_with_a_reason_and_leaves_no_trace(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    with pytest.raises(TierbotError, match="no longer in use"):
        name(harness, "U1", ts, "astrology-and-such")
    with pytest.raises(TierbotError, match=f"{MOST_NAMED} topics at most"):
        name(harness, "U1", ts, *list(harness.bot.tags.ids)[: MOST_NAMED + 1])
    with pytest.raises(TierbotError, match="isn't one of my posts"):
        name(harness, "U1", "1700000000.000001", "food")
    with harness.bot.store.read(WORKSPACE) as tx:
        assert tx.ledger.events("C1", ts) == []


def test_who_voted_by_menu_may_ask_why(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    name(harness, "U1", ts, "food")
    assert harness.bot.explanations.post_for(WORKSPACE, "U1", "C1", ts)
