"""What waits for Slack or an admin is counted, and nothing else."""

from datetime import timedelta

from tests.conftest import WORKSPACE, Harness
from tests.support.rows import NOON, delivery
from tierbot.use_cases.game.waiting import Waiting, what_waits
from tierbot.use_cases.ports import ChatUnavailableError, Search


def waits(harness: Harness) -> Waiting:
    with harness.bot.store.read(WORKSPACE) as tx:
        return what_waits(tx, "C1", harness.clock.now())


def test_messages_on_their_way_and_votes_that_count_wait_for_nobody(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    harness.react("U1", ts, "pizza")
    harness.settle()
    with harness.bot.store.begin(WORKSPACE) as tx:
        tx.outbox.add([delivery("fresh")])
    assert waits(harness) == Waiting()


def test_a_message_that_may_have_been_sent_is_counted_until_it_is_parked(harness: Harness) -> None:
    now = harness.clock.now()
    attempt = Search(NOON, NOON + timedelta(seconds=1))
    with harness.bot.store.begin(WORKSPACE) as tx:
        tx.outbox.add([delivery("a")])
        (claimed,) = tx.outbox.claim(now, now + timedelta(minutes=1), 5)
        assert tx.outbox.retry(claimed, now, "api: 500", search=attempt)
    assert waits(harness) == Waiting(maybe_sent=1)
    with harness.bot.store.begin(WORKSPACE) as tx:
        (claimed,) = tx.outbox.claim(now, now + timedelta(minutes=1), 5)
        assert tx.outbox.park(claimed, "maybe_sent", attempt)
    assert waits(harness) == Waiting(parked=1)


def test_votes_wait_for_whoever_slack_has_not_described(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    harness.chat.unanswered = [ChatUnavailableError("no answer")]
    for user in ("U1", "U2"):
        harness.react(user, ts, "pizza")
    harness.settle()
    assert waits(harness) == Waiting(voters=2)
    harness.clock.advance(seconds=31)
    harness.settle()
    assert waits(harness) == Waiting()
