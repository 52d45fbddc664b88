"""A tally reads what is new on a post, and gives the votes that all of the post's events give."""

import itertools
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import WORKSPACE, Harness
from tests.support.rows import NOON, TEAM, event, put_post
from tierbot.adapters.store import SqlStore, open_store
from tierbot.adapters.store.ledger import SqlLedger
from tierbot.domain.feedback.votes import standing, superseded, votes_of
from tierbot.domain.nouns import ReactionEvent, Source, Vote
from tierbot.domain.tags import default_tag_space
from tierbot.use_cases.ports import Workspace
from tierbot.use_cases.voting.tallying import tally, tally_waiting

TAGS = default_tag_space()
NUMBERS = itertools.count(1)

happening = st.builds(
    lambda user, name, added, second, source: {
        "user": user,
        "name": name,
        "added": added,
        "happened_at": NOON + timedelta(seconds=second),
        "source": source,
    },
    st.sampled_from(["U1", "U2", "UBOT"]),
    st.sampled_from(["pizza", "pizza::skin-tone-2", "food", "-1", "eyes"]),
    st.booleans(),
    st.integers(0, 4),
    st.sampled_from(Source),
)
batches = st.lists(st.lists(happening, max_size=5), max_size=5)


@pytest.fixture(scope="module")
def ledgers() -> Iterator[SqlStore]:
    store = open_store("sqlite://")
    with store.begin(TEAM) as tx:
        tx.workspaces.put(Workspace(TEAM, "Test", NOON))
        tx.workspaces.put_tags(TAGS)
        tx.reactors.put({"U1": True, "U2": True, "UBOT": False}, NOON)
    yield store
    store.close()


@settings(max_examples=60, deadline=None)
@given(batches)
def test_votes_tallied_batch_by_batch_are_those_of_all_events(
    ledgers: SqlStore, batches: list[list[dict[str, object]]]
) -> None:
    ts = f"{next(NUMBERS)}.0"
    with ledgers.begin(TEAM) as tx:
        post = put_post(tx, f"p{ts}", ts=ts)
    for batch in batches:
        with ledgers.begin(TEAM) as tx:
            tx.ledger.append_all([event(f"e{next(NUMBERS)}", ts=ts, **one) for one in batch])
        with ledgers.begin(TEAM) as tx:
            tally(tx, NOON)
            told, current = tx.ledger.events_by_voters("C1", ts), tx.ledger.current("C1", ts)
            assert set(tx.ledger.votes([post.id])[post.id]) == set(votes_of(told, post, TAGS))
            assert standing(current) == standing(tx.ledger.events("C1", ts))
            assert superseded(current) == set(), "the rest is read no more"


@given(st.lists(happening))
def test_without_superseded_events_the_same_variants_are_set(all_of_them: list[dict[str, object]]) -> None:
    events = [event(f"e{number}", **one) for number, one in enumerate(all_of_them)]
    gone = superseded(events)
    assert standing(one for one in events if one.event_id not in gone) == standing(events)


def test_a_tally_reads_no_event_of_people_who_did_nothing_new(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ts,) = harness.posts(1)
    for number in range(40):
        harness.react(f"U{number}", ts, "pizza")
    for _ in range(20):
        harness.react("U1", ts, "soccer")
        harness.react("U1", ts, "soccer", added=False)
        harness.settle()
    read: list[ReactionEvent] = []

    def listening(method: Callable[..., list[ReactionEvent]]) -> Callable[..., list[ReactionEvent]]:
        def listen(*args: object, **options: object) -> list[ReactionEvent]:
            found = method(*args, **options)
            read.extend(found)
            return found

        return listen

    for name in ("events", "events_by_voters", "current", "current_of", "unread"):
        monkeypatch.setattr(SqlLedger, name, listening(getattr(SqlLedger, name)))
    harness.react("U1", ts, "food")
    assert harness.settle() == 1
    assert {one.user for one in read} == {"U1"}
    assert len(read) < 10, "neither the other people's events nor those of U1 that no longer count"


def test_settling_ends_while_people_keep_reacting(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    places = harness.posts(30)
    for ts in places:
        for user in ("U1", "U2"):
            harness.react(user, ts, "pizza")
    harness.bot.loop.look_up(WORKSPACE)
    tallied = SqlLedger.tallied

    def again(ledger: SqlLedger, channel: str, ts: str, cursor: int) -> None:
        tallied(ledger, channel, ts, cursor)
        now, number = harness.clock.now(), next(NUMBERS)
        ledger.append(ReactionEvent(f"again{number}", channel, ts, "U1", "soccer", number % 2 == 0, now, now))

    monkeypatch.setattr(SqlLedger, "tallied", again)
    assert harness.bot.loop.settle(WORKSPACE) == 30
    with harness.bot.store.read(WORKSPACE) as tx:
        assert tx.ledger.count_untallied() == 30, "they wait for the next turn"


def test_those_who_may_vote_later_have_their_earlier_votes_counted(harness: Harness) -> None:
    first, second = harness.posts(2)
    harness.chat.strangers = {"U9"}
    for ts in (first, second):
        harness.react("U9", ts, "pizza")
    harness.settle()

    def votes(ts: str) -> list[Vote]:
        with harness.bot.store.read(WORKSPACE) as tx:
            post = tx.posts.at("C1", ts)
            assert post is not None
            return tx.ledger.votes([post.id])[post.id]

    assert votes(first) == []
    harness.chat.strangers = set()  # the account is reactivated
    harness.clock.advance(days=2)
    harness.react("U9", second, "soccer")
    harness.settle()
    assert [vote.user for vote in votes(first)] == ["U9"]
    assert {vote.tag for vote in votes(second)} == {"food", "soccer"}


def test_votes_on_a_message_that_waits_for_a_look_up_are_derived_once_from_those_who_are_known(
    harness: Harness,
) -> None:
    places = harness.posts(3)
    harness.know("U1")
    for ts in places:
        harness.react("U1", ts, "pizza")
    for ts in (*places[:2], "1.0"):
        harness.react("U9", ts, "pizza")
    with harness.bot.store.begin(WORKSPACE) as tx:
        assert [tally_waiting(tx) for _ in range(2)] == [2, 0]
        posts = [tx.posts.at("C1", ts) for ts in places]
        votes = tx.ledger.votes([post.id for post in posts if post])
    assert [[vote.user for vote in votes[post.id]] for post in posts if post] == [["U1"], ["U1"], []]
