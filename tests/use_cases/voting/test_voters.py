"""Only people of the workspace vote: everybody is looked up once, and nothing is settled on a stranger."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.conftest import WORKSPACE, Harness, build_harness
from tierbot.domain.nouns import Source
from tierbot.use_cases.delivery.dispatch import NOT_INSTALLED
from tierbot.use_cases.ports import ChatError, ChatUnavailableError, RateLimitedError, ReactionCount


def voters(harness: Harness, ts: str) -> set[str]:
    """Settle what can be settled, and return whose votes count on a post."""
    harness.settle()
    with harness.bot.store.read(WORKSPACE) as tx:
        post = tx.posts.at("C1", ts)
        assert post is not None
        return {vote.user for vote in tx.ledger.votes([post.id])[post.id]}


def has_verdict(harness: Harness, ts: str) -> bool:
    with harness.bot.store.read(WORKSPACE) as tx:
        post = tx.posts.at("C1", ts)
        return bool(post and tx.verdicts.latest([post.id]))


def test_a_bot_that_reacts_first_has_no_vote_and_does_not_lead(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    harness.chat.strangers = {"UZAP"}
    for user in ("UZAP", "U1", "U2"):
        harness.react(user, ts, "pizza")
    assert voters(harness, ts) == {"U1", "U2"}
    assert [line.user for line in harness.bot.game.leaderboard(WORKSPACE).standings] == ["U1", "U2"]


def test_everybody_is_looked_up_once_and_remembered_by_the_next_process(harness: Harness, tmp_path: Path) -> None:
    (ts,) = harness.posts(1)
    harness.chat.strangers = {"UZAP"}
    for user in ("UZAP", "U1"):
        harness.react(user, ts, "pizza")
    assert voters(harness, ts) == {"U1"}
    later = build_harness(tmp_path)
    later.clock.advance(minutes=5)
    for user in ("UZAP", "U1"):
        later.react(user, ts, "soccer", event_id=f"later {user}")
    assert voters(later, ts) == {"U1"}
    later.bot.close()
    assert (harness.chat.looked_up, later.chat.looked_up) == (["U1", "UZAP"], [])


def test_nothing_is_settled_on_somebody_unknown(harness: Harness) -> None:
    (known, unknown) = harness.posts(2)
    harness.react("U1", known, "pizza")
    assert voters(harness, known) == {"U1"}
    harness.chat.unanswered = [ChatUnavailableError("no answer")]
    harness.react("U1", unknown, "pizza")
    harness.react("U2", unknown, "pizza")
    harness.react("U1", known, "soccer")
    assert voters(harness, unknown) == set()
    assert not has_verdict(harness, unknown)
    assert has_verdict(harness, known), "what needs no look-up goes on"
    harness.clock.advance(seconds=31)
    assert voters(harness, unknown) == {"U1", "U2"}
    assert has_verdict(harness, unknown)


def test_a_rate_limit_is_waited_for_and_what_was_answered_is_kept(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    for user in ("U1", "U2"):
        harness.react(user, ts, "pizza")
    harness.chat.unanswered = [RateLimitedError("users.info", 60)]
    assert voters(harness, ts) == set()
    harness.clock.advance(seconds=59)
    assert voters(harness, ts) == set()
    assert harness.chat.looked_up == []
    harness.clock.advance(seconds=2)
    assert voters(harness, ts) == {"U1", "U2"}


def test_a_stranger_who_reacts_again_is_looked_up_again_after_a_day(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    harness.chat.strangers = {"U9"}
    harness.react("U9", ts, "pizza")
    assert voters(harness, ts) == set()
    harness.chat.strangers.clear()  # the account is active again
    harness.react("U9", ts, "soccer")
    assert voters(harness, ts) == set()
    harness.clock.advance(hours=25)
    harness.react("U9", ts, "robot_face")
    assert voters(harness, ts) == {"U9"}


def test_a_stranger_has_no_vote_by_menu_either(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    harness.chat.strangers = {"U9"}
    harness.bot.menu_votes.name(WORKSPACE, "U9", "C1", ts, ["food"], "F1")
    assert voters(harness, ts) == set()
    with harness.bot.store.read(WORKSPACE) as tx:
        assert [event.source for event in tx.ledger.events("C1", ts)] == [Source.MENU], "it stays in the ledger"


def test_reconciliation_leaves_strangers_alone(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    harness.chat.strangers = {"UZAP"}
    harness.react("UZAP", ts, "pizza")
    assert voters(harness, ts) == set()
    harness.chat.shown[ts] = [ReactionCount("soccer", ("UZAP", "U1"), complete=True)]
    harness.bot.loop.reconcile(WORKSPACE, None)
    assert voters(harness, ts) == {"U1"}
    with harness.bot.store.read(WORKSPACE) as tx:
        assert {(event.user, event.name) for event in tx.ledger.events("C1", ts)} == {
            ("UZAP", "pizza"),
            ("U1", "soccer"),
        }


def test_a_round_that_closes_while_slack_is_away_scores_who_is_known_and_thanks_the_others(harness: Harness) -> None:
    (first, second) = harness.posts(2)
    harness.react("U1", first, "pizza")
    assert voters(harness, first) == {"U1"}
    harness.chat.unanswered = [ChatUnavailableError("no answer")]
    harness.react("U1", second, "pizza")
    harness.react("U2", second, "pizza")
    harness.bot.loop.close_round(WORKSPACE)
    with harness.bot.store.read(WORKSPACE) as tx:
        assert {line.user: line.score for line in tx.rounds.standings(1)} == {"U1": 2}
    harness.clock.advance(seconds=31)
    assert voters(harness, second) == {"U1", "U2"}
    harness.clock.advance(seconds=1)
    harness.deliver()
    assert [user for user, _ in harness.chat.whispers] == ["U2"]


def test_forgetting_a_person_forgets_the_look_up(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    harness.react("U1", ts, "pizza")
    assert voters(harness, ts) == {"U1"}
    with harness.bot.store.begin(WORKSPACE) as tx:
        assert "reactor" in tx.people.export("U1")
        tx.people.anonymize("U1", "anon-1")
    harness.react("U2", ts, "pizza")
    assert voters(harness, ts) == {"anon-1", "U2"}
    with harness.bot.store.begin(WORKSPACE) as tx:
        tx.people.remove("U2", harness.clock.now())
        assert tx.people.export("U2")["reactor"] == []


def test_retention_deletes_look_ups_that_nothing_needs(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    harness.react("U1", ts, "pizza")
    assert voters(harness, ts) == {"U1"}
    harness.bot.loop.close_round(WORKSPACE)
    with harness.bot.store.begin(WORKSPACE) as tx:
        now = harness.clock.now()
        later = now + timedelta(days=1)
        assert tx.people.expire_reactors(later, 9) == 0
        tx.people.expire_posts(list(tx.people.posts_to_expire(later)), later, now)
        assert tx.people.expire_reactors(later, 9) == 1
        assert tx.people.export("U1")["reactor"] == []


def test_somebody_whom_slack_does_not_describe_holds_up_nobody_else(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    for user in ("U1", "U2", "U3"):
        harness.react(user, ts, "pizza")
    harness.chat.unanswered = [ChatError("fatal_account", "Slack refuses")]
    assert voters(harness, ts) == {"U2", "U3"}
    harness.clock.advance(hours=25)
    harness.react("U1", ts, "soccer")
    assert voters(harness, ts) == {"U1", "U2", "U3"}


@pytest.mark.parametrize("code", ["missing_scope", "invalid_auth", NOT_INSTALLED])
def test_what_concerns_everyone_takes_nobodys_vote(harness: Harness, code: str) -> None:
    (ts,) = harness.posts(1)
    harness.react("U1", ts, "pizza")
    harness.chat.unanswered = [ChatError(code, "Slack refuses")]
    assert voters(harness, ts) == set()
    harness.clock.advance(seconds=31)
    assert voters(harness, ts) == {"U1"}


def test_a_limit_of_no_time_is_asked_about_once_a_turn(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    harness.react("U1", ts, "pizza")
    harness.chat.unanswered = [RateLimitedError("users.info", 0)] * 3
    assert voters(harness, ts) == set()
    assert len(harness.chat.unanswered) == 2
