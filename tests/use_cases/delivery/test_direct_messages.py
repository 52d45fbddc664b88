"""Telling the admins: each once, not all of a large company, and none instead of another."""

import logging
from collections.abc import Callable, Sequence

import pytest

from tests.support.fakes import ManualClock, MemoryChat
from tierbot.domain.nouns import TierbotError
from tierbot.use_cases.delivery.direct_messages import MOST_ADMINS, DirectMessages
from tierbot.use_cases.ports import ChatError, ChatUnavailableError, RateLimitedError

CLOCK = ManualClock()
NEWS = {"kind": "x"}


def told(admins: Callable[[str], Sequence[str]], *faults: Exception, about: str = "doubts") -> list[str]:
    chat = MemoryChat(CLOCK)
    chat.faults = list(faults)
    messages = DirectMessages(lambda _: chat, admins, CLOCK).to_admins("T1", NEWS, about, 7)
    assert all(one.payload == NEWS and one.due_at == CLOCK.now() for one in messages)
    assert len({one.id for one in messages}) == len(messages)
    return [one.channel for one in messages]


def test_each_admin_is_told_up_to_a_limit() -> None:
    assert told(lambda _: ["U1", "U2"]) == ["DU1", "DU2"]
    assert len(told(lambda _: [f"U{n}" for n in range(50)])) == MOST_ADMINS


def test_the_same_news_has_the_same_id_and_other_news_another() -> None:
    messages = DirectMessages(lambda _: MemoryChat(CLOCK), lambda _: ["U1"], CLOCK)
    ids = [messages.to_admins("T1", NEWS, *about)[0].id for about in (("doubts", 7), ("doubts", 7), ("doubts", 8))]
    assert ids[0] == ids[1] != ids[2]


def test_an_admin_who_cannot_be_told_is_skipped() -> None:
    assert told(lambda _: ["U1", "U2"], ChatError("user_disabled", "gone")) == ["DU2"]


def test_where_slack_does_not_list_the_admins_nobody_is_told(caplog: pytest.LogCaptureFixture) -> None:
    def nobody(_: str) -> Sequence[str]:
        raise TierbotError("missing_scope")

    with caplog.at_level(logging.WARNING):
        assert told(nobody) == []
    assert "nobody gets the message about doubts: missing_scope" in caplog.text


@pytest.mark.parametrize("fault", [RateLimitedError("conversations.open", 30), ChatUnavailableError("no answer")])
def test_while_slack_does_not_answer_the_job_fails_so_that_it_is_tried_again(fault: Exception) -> None:
    def silent(_: str) -> Sequence[str]:
        raise fault

    with pytest.raises(type(fault)):
        told(silent)
    with pytest.raises(type(fault)):
        told(lambda _: ["U1", "U2"], fault)
