"""What `/tier` says about what waits."""

from tests.support.rows import NOON
from tierbot.adapters.slack.messages.waiting import waiting_lines
from tierbot.use_cases.game.waiting import Waiting
from tierbot.use_cases.ports import ClosedChannel


def test_tier_says_how_many_messages_wait_and_why() -> None:
    closed = ClosedChannel("C1", "is_archived", NOON, NOON)
    assert waiting_lines(Waiting(((closed, 1),)), "UBOT") == [
        "⏸️ 1 message waiting. <#C1> is archived. Unarchive it, or type `/tier channel` in another channel."
    ]


def test_tier_says_what_is_parked_what_is_looked_for_and_whose_votes_wait() -> None:
    parked, searched, voters = waiting_lines(Waiting(parked=2, maybe_sent=1, voters=3), "UBOT")
    assert parked.startswith("🅿️ 2 messages parked")
    assert "`tierbot outbox`" in parked
    assert searched == "🔎 I'm looking for 1 message that may have been sent already."
    assert "Votes by 3 people" in voters
    assert "`users:read`" in voters


def test_tier_says_nothing_of_what_doesn_t_wait() -> None:
    assert waiting_lines(Waiting(), "UBOT") == []
