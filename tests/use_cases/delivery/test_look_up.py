"""A message that may have been sent is looked for before anything is sent again, at the pace of reduced history limits."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import WORKSPACE, Harness, build_harness
from tests.support.databases import database
from tests.support.limits import left_to_send, strict_slack
from tests.support.rows import delivery
from tierbot.adapters.slack.calls import web_client
from tierbot.adapters.slack.messages.chat import SlackChat
from tierbot.domain.tags import default_tag_space
from tierbot.sandbox.kit.records import Message
from tierbot.sandbox.sandbox import Sandbox
from tierbot.use_cases.delivery import dispatch
from tierbot.use_cases.delivery.deciding import drop, retry, why_it_waits
from tierbot.use_cases.delivery.look_up import GIVE_UP_AFTER, MAYBE_SENT, after_page, after_wait, span_of
from tierbot.use_cases.ports import ChatError, ChatUnavailableError, Delivery, DeliveryState, Page, Search


@contextmanager
def reduced(folder: Path, **changes: object) -> Iterator[tuple[Harness, Sandbox]]:
    """Start a bot and a Slack with reduced history limits, on one clock."""
    harness = build_harness(folder, **changes)
    with strict_slack(harness.clock, reduced=True) as box:
        client = web_client(box.settings.bot_token, f"{box.base_url}/api/")
        chat = SlackChat(client, WORKSPACE, default_tag_space, harness.clock)
        harness.dispatcher.chats = lambda _: chat
        yield harness, box
    harness.bot.close()


def ask(harness: Harness, box: Sandbox, count: int) -> None:
    harness.bot.loop.take_in(WORKSPACE, harness.articles(count))
    assert harness.bot.loop.ask(WORKSPACE, count, channel=box.home_channel.id) == count


def chatter(box: Sandbox, count: int) -> None:
    """Let a colleague write so many messages."""
    if not (bob := next((user for user in box.workspace.users.values() if user.name == "bob"), None)):
        bob = box.add_colleague("bob")
    for number in range(count):
        box.workspace.post(Message(box.home_channel.id, bob.id, f"hi {number}"))


def marks(box: Sandbox) -> Counter[str]:
    """Return how often each delivery's message is in the channel."""
    found = (message.metadata for message in box.home_channel.messages.values() if message.metadata)
    return Counter(one["event_payload"]["delivery_id"] for one in found)


def play(harness: Harness, minutes: float) -> None:
    """Deliver for so many minutes of the shared clock."""
    until = harness.clock.now() + timedelta(minutes=minutes)
    while harness.clock.now() < until:
        if not harness.bot.loop.deliver(WORKSPACE):
            harness.clock.advance(seconds=5)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the address of a blank database of either kind."""
    if request.param == "postgresql":
        pytest.importorskip("pgserver", reason="needs a PostgreSQL server (pip install pgserver)")
    with database(request.param, tmp_path) as address:
        yield address


def unsent(harness: Harness) -> list[Delivery]:
    with harness.bot.store.read(WORKSPACE) as tx:
        return tx.outbox.unsent()


@pytest.mark.parametrize("fault", ["api_lost_answer", "api_500"])
def test_a_message_in_a_busy_channel_is_looked_for_page_by_page_while_the_others_go_out(
    tmp_path: Path, url: str, fault: str
) -> None:
    with reduced(tmp_path, database_url=url) as (harness, box):
        ask(harness, box, 6)
        box.faults.change({fault: 1.0, "methods": ["chat.postMessage"]})
        assert harness.bot.loop.deliver(WORKSPACE)
        box.faults.change({fault: 0.0})
        chatter(box, 50)  # four pages of fifteen
        began = harness.clock.now()
        while len(marks(box)) < 5 + (fault == "api_lost_answer"):
            play(harness, 0.1)
            assert harness.clock.now() - began < timedelta(minutes=1), "the other posts wait for a look-up"
        play(harness, 15)
        assert left_to_send(harness) == 0
        assert sorted(marks(box).values()) == [1] * 6


def test_attempts_fail_in_a_row_only_if_slack_answers_none_between(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search of many pages in which every other call fails pauses for seconds, not for minutes."""
    (ts,) = harness.posts(1)
    with harness.bot.store.begin(WORKSPACE) as tx:
        tx.outbox.add([delivery("looked for", due_at=harness.clock.now())])
        (claimed,) = tx.outbox.claim(harness.clock.now(), harness.clock.now(), limit=1)
        sought = Search(harness.clock.now(), harness.clock.now(), wide=True)
        assert tx.outbox.retry(claimed, harness.clock.now(), "no answer", search=sought, failures=1)
    pages = iter(range(1, 30))

    def find(*_: object) -> Page:
        if (page := next(pages)) % 2:
            raise ChatUnavailableError("conversations.history: Slack failed (502)")
        return Page(ts if page > 20 else None, f"page {page}")

    monkeypatch.setattr(harness.chat, "find", find)
    for _ in range(22):
        began = harness.clock.now()
        while not harness.bot.loop.deliver(WORKSPACE):
            harness.clock.advance(seconds=1)
            assert harness.clock.now() - began < timedelta(seconds=6)
    assert unsent(harness) == []


def test_a_process_that_dies_in_mid_search_leaves_its_place_to_the_next_one(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with reduced(tmp_path, database_url=url) as (harness, box):
        ask(harness, box, 1)
        box.faults.change({"api_lost_answer": 1.0, "methods": ["chat.postMessage"]})
        harness.deliver()
        box.faults.change({"api_lost_answer": 0.0})
        chatter(box, 50)
        play(harness, 2.5)
        (place,) = unsent(harness)
        assert place.search is not None
        assert place.search.cursor is not None
        cursors: list[str | None] = []
        find = SlackChat.find

        def recorded(chat: SlackChat, *where: object) -> Page:
            cursors.append(where[-1])  # type: ignore[arg-type]
            if len(cursors) == 1:
                raise KeyboardInterrupt  # the process dies
            return find(chat, *where)  # type: ignore[arg-type]

        monkeypatch.setattr(SlackChat, "find", recorded)
        with pytest.raises(KeyboardInterrupt):
            play(harness, 5)
        heir = build_harness(tmp_path, database_url=url)
        heir.dispatcher.chats, heir.clock = harness.dispatcher.chats, harness.clock
        heir.dispatcher.clock = harness.clock
        play(heir, 15)
        assert cursors[:2] == [place.search.cursor] * 2
        assert None not in cursors, "no page is asked for twice"
        assert left_to_send(heir) == 0
        assert sorted(marks(box).values()) == [1]
        heir.bot.close()


def test_what_is_not_found_in_time_is_parked_not_sent_and_an_admin_has_the_search_started_again(
    tmp_path: Path, url: str
) -> None:
    with reduced(tmp_path, database_url=url) as (harness, box):
        ask(harness, box, 1)
        box.faults.change({"api_lost_answer": 1.0, "methods": ["chat.postMessage"]})
        harness.deliver()
        box.faults.change(
            {"api_lost_answer": 0.0, "api_429": 1.0, "retry_after": 60, "methods": ["conversations.history"]}
        )
        began = harness.clock.now()
        while any(one.state is not DeliveryState.PARKED for one in unsent(harness)):
            play(harness, 1)
        assert GIVE_UP_AFTER <= harness.clock.now() - began <= GIVE_UP_AFTER + timedelta(minutes=3)
        message = next(one for one in unsent(harness) if one.search)
        assert str(message.error).startswith(MAYBE_SENT)
        assert "may have been sent" in why_it_waits(message, {})
        box.faults.change({"api_429": 0.0})
        assert retry(harness.bot.store, harness.clock, WORKSPACE, [], "cli") > 0
        play(harness, 5)
        assert left_to_send(harness) == 0
        assert unsent(harness) == []
        assert sorted(marks(box).values()) == [1], "it was there: it is found, not sent again"


def test_what_an_admin_drops_is_never_sent(tmp_path: Path) -> None:
    with reduced(tmp_path) as (harness, box):
        ask(harness, box, 2)
        first, *_ = unsent(harness)
        drop(harness.bot.store, harness.clock, WORKSPACE, [first.id], "cli")
        play(harness, 1)
        assert len(marks(box)) == 1
        assert first.id not in marks(box)
        with harness.bot.store.read(WORKSPACE) as tx:
            assert tx.workspaces.audit_trail(1)[0]["what"] == "drop deliveries"


def test_a_cursor_that_slack_no_longer_knows_begins_the_page_again(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = Search(harness.clock.now(), harness.clock.now())
    harness.bot.loop.take_in(WORKSPACE, harness.articles(1))
    harness.bot.loop.ask(WORKSPACE, 1)
    with harness.bot.store.begin(WORKSPACE) as tx:
        (claimed,) = tx.outbox.claim(harness.clock.now(), harness.clock.now(), 1)
        tx.outbox.retry(claimed, harness.clock.now(), "", search=replace(tried, cursor="old"))
    asked: list[str | None] = []

    def find(_: str, __: str, ___: object, ____: str | None, cursor: str | None) -> Page:
        asked.append(cursor)
        if cursor:
            raise ChatError("invalid_cursor", "no such cursor")
        return Page(None)

    monkeypatch.setattr(harness.chat, "find", find)
    harness.deliver()
    assert asked == ["old", None, None], "then the near part, and the wide one"
    assert len(harness.chat.posts) == 1


def test_our_own_bug_parks_a_message_in_the_end_though_it_is_looked_for_in_between(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.bot.loop.take_in(WORKSPACE, harness.articles(1))
    harness.bot.loop.ask(WORKSPACE, 1)

    def post(*_: object) -> str:
        raise KeyError("a bug")

    monkeypatch.setattr(harness.chat, "post", post)
    for _ in range(dispatch._MOST_FAULTS + 1):
        harness.deliver()
        harness.clock.advance(minutes=11)
    assert {one.state for one in unsent(harness)} == {DeliveryState.PARKED}


SEARCH = Search(datetime(2026, 3, 2, 12, tzinfo=UTC), datetime(2026, 3, 2, 12, 1, tzinfo=UTC))


def test_the_likely_seconds_come_first_and_the_rest_after_their_last_page() -> None:
    near, wide = span_of(SEARCH), span_of(replace(SEARCH, wide=True))
    assert wide[0] < near[0] < SEARCH.since < near[1] < wide[1]
    more = after_page(SEARCH, "next")
    assert more == replace(SEARCH, cursor="next")
    assert after_page(more, None) == replace(SEARCH, wide=True)
    assert after_page(replace(SEARCH, wide=True), None) is None


def test_waiting_counts_and_ends_the_search() -> None:
    patient = after_wait(SEARCH, GIVE_UP_AFTER.total_seconds())
    assert patient is not None
    assert after_wait(patient, 1) is None
