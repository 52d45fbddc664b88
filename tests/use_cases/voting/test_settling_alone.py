"""How votes are tallied and verdicts written: in which portions, and what counts as a change."""

from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from tests.conftest import WORKSPACE, Harness
from tests.support.fakes import ManualClock
from tests.support.rows import NOON, post, round_, verdict
from tests.support.votes import names
from tierbot.domain.feedback import PlainRule
from tierbot.domain.feedback.anchor_aware.aggregator import AnchorAware
from tierbot.domain.nouns import ReactionEvent, Trainer, Verdict
from tierbot.domain.tags import default_tag_space
from tierbot.use_cases.voting import settlement as module
from tierbot.use_cases.voting import tallying
from tierbot.use_cases.voting.settlement import Settlement

TAGS = default_tag_space()


class Desk:
    """A settlement over plain tables; `wrote` has the verdicts of each transaction, `yielded` how many came before each yield."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = ManualClock(NOON)
        self.posts = [post(f"p{number}", ts=f"{number}.0") for number in range(60)]
        self.recent = list(self.posts[:3])
        self.votes = {one.id: names("food", "U1", "U2") for one in self.posts}
        self.cursors = {f"p{number}": number + 1 for number in range(1, 60)}
        self.former: dict[str, Verdict] = {}
        self.unsettled: list[Any] = []
        self.untallied = 0
        self.wrote: list[list[Verdict]] = []
        self.yielded: list[int] = []
        self.read = 0
        self.tx: Any = SimpleNamespace(
            ledger=SimpleNamespace(
                count_untallied=lambda: self.untallied,
                votes=lambda ids: {one: self.votes[one] for one in ids},
                cursors=lambda ids: {one: self.cursors[one] for one in ids if one in self.cursors},
            ),
            posts=SimpleNamespace(unsettled=lambda: self.unsettled, in_round=lambda _: self.posts[:3]),
            rounds=SimpleNamespace(current=round_),
            verdicts=SimpleNamespace(
                latest=lambda ids: {one: self.former[one] for one in ids if one in self.former},
                add=self.add,
            ),
            workspaces=SimpleNamespace(tags=lambda: TAGS),
        )

        @contextmanager
        def opened(_: str) -> Any:
            self.read += 1
            yield self.tx

        @contextmanager
        def begun(_: str) -> Any:
            self.wrote.append([])
            yield self.tx

        self.store: Any = SimpleNamespace(read=opened, begin=begun)
        monkeypatch.setattr(module, "recent_posts", lambda _: self.recent)
        monkeypatch.setattr(module, "doubted", lambda _: frozenset({"U2"}))
        monkeypatch.setattr(module, "tally", lambda *_: 0)

    def add(self, one: Verdict) -> None:
        self.wrote[-1].append(one)

    def settlement(self, aggregator: str = "plain", minimum: int = 2) -> Settlement:
        def yield_turn() -> None:
            self.yielded.append(len(self.wrote))

        return Settlement(self.store, self.clock, aggregator=aggregator, minimum=minimum, yield_turn=yield_turn)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


@pytest.mark.parametrize(
    ("waiting", "portions", "read"),
    [(0, [], 0), (1, [1], 1), (8, [4, 4], 8), (10, [4, 4, 4], 12), (10, [4, 3], 7), (10, [0], 0)],
)
def test_messages_are_tallied_in_portions_until_those_that_waited_at_first_are_read(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, waiting: int, portions: list[int], read: int
) -> None:
    left = list(portions)
    monkeypatch.setattr(module, "tally", lambda *_: left.pop(0))
    desk.untallied = waiting
    assert desk.settlement().tally("T1") == read
    assert (left, len(desk.wrote)) == ([], len(portions))
    assert desk.yielded == [*range(len(portions))], "before each transaction"


def test_verdicts_are_written_eight_at_a_time(desk: Desk) -> None:
    desk.unsettled = desk.posts
    assert desk.settlement().settle("T1") == 60
    assert [len(some) for some in desk.wrote] == [8] * 7 + [4]
    rule = PlainRule(minimum=2)
    first = rule.settle(desk.posts[0], desk.votes["p0"], ledger_cursor=0, now=NOON, halved=frozenset({"U2"}))
    assert desk.wrote[0][0] == first
    assert [one.ledger_cursor for one in desk.wrote[0][:3]] == [0, 2, 3]
    assert desk.yielded == [*range(8)], "before each transaction"


def test_without_a_changed_post_nothing_is_written(desk: Desk) -> None:
    assert desk.settlement().settle("T1") == 0
    assert desk.wrote == []


def test_the_plain_rule_settles_no_round_again_and_a_single_voter_is_always_judged_by_it(desk: Desk) -> None:
    desk.former = {"p1": verdict("p1")}
    for settlement in (desk.settlement(), desk.settlement("anchor-aware", 1)):
        assert settlement.settle_round("T1") == 0
    assert (desk.read, desk.wrote) == (0, [])
    desk.unsettled = desk.posts[:1]
    desk.settlement("anchor-aware", 1).settle("T1")
    assert desk.wrote[0][0].aggregator.startswith("plain-1(min=1")


def test_the_learned_rule_says_what_each_verdict_rests_on(desk: Desk) -> None:
    desk.votes["p2"] = []
    desk.unsettled = [desk.posts[0], desk.posts[1], desk.posts[2], desk.posts[40]]
    settlement = desk.settlement("anchor-aware")
    assert settlement.settle("T1") == 4
    written = {one.post_id: one for one in desk.wrote[0]}
    version = AnchorAware(minimum=2, tags=len(TAGS.ids)).version
    assert {name: one.aggregator for name, one in written.items()} == {
        "p0": f"{version}@ledger<=2,posts=2",
        "p1": f"{version}@ledger<=2,posts=2",
        "p2": f"{version}@ledger<=2,posts=2",
        "p40": f"{version}@ledger<=41,posts=3",
    }
    assert [written[name].ledger_cursor for name in ("p0", "p1", "p40")] == [0, 2, 41]
    desk.unsettled = [desk.posts[40]]
    settlement.settle("T1")
    assert desk.wrote[1] == [written["p40"]], "whatever else settles"


def test_a_round_is_settled_again_where_a_verdict_says_something_else(desk: Desk) -> None:
    settlement = desk.settlement("anchor-aware")
    desk.unsettled = desk.posts[:2]
    settlement.settle("T1")
    desk.former = {one.post_id: one for one in desk.wrote[0]}
    assert settlement.settle_round("T1") == 0, "the third has none yet"
    moved = desk.former["p1"]
    for changed in (
        replace(moved, weight=moved.weight + 0.02),
        replace(moved, reward=0.02),
        replace(moved, reward=None),
        replace(moved, tags={tag: share - 0.02 for tag, share in moved.tags.items()}),
        replace(moved, reason="split"),
    ):
        desk.former["p1"], desk.wrote = changed, []
        assert settlement.settle_round("T1") == 1
        assert [one.post_id for one in desk.wrote[0]] == ["p1"]
    assert moved.reward is not None
    hardly = 0.001
    desk.former["p1"] = replace(
        moved,
        weight=round(moved.weight, 2) + hardly,
        reward=round(moved.reward, 2) + hardly,
        tags={tag: round(share, 2) + hardly for tag, share in moved.tags.items()},
        ledger_cursor=99,
    )
    assert settlement.settle_round("T1") == 0
    desk.tx.rounds.current = lambda: None
    assert settlement.settle_round("T1") == 0


# --- thanks for late votes ------------------------------------------------------------------------


def thanks(notes: dict[str, Any], number: int = 3) -> tuple[list[Any], list[dict[str, Any]]]:
    """Thank a trainer with these notes; return what was queued, and the notes that were stored."""
    queued: list[Any] = []
    stored: list[dict[str, Any]] = []

    tx: Any = SimpleNamespace(
        trainers=SimpleNamespace(
            get=lambda user: Trainer(user, notes=notes), put=lambda one: stored.append(dict(one.notes))
        ),
        posts=SimpleNamespace(is_final=lambda _: False),
        outbox=SimpleNamespace(add=queued.extend),
    )
    tallying._thank(tx, post(round_number=number), {"U1": "C7"}, NOON)
    return queued, stored


def test_a_trainer_is_thanked_once_a_round_and_fifty_rounds_are_remembered() -> None:
    ((one,), (stored,)) = thanks({"seen": 1})
    assert (one.kind, one.channel, one.due_at) == ("thank", "C7", NOON)
    assert dict(one.payload) == {"kind": "late_vote", "user": "U1", "round": 3, "teaches": True}
    assert stored == {"seen": 1, "thanked": [3]}
    assert thanks({"thanked": [2, 3]}) == ([], [])
    (_, (stored,)) = thanks({"thanked": list(range(100, 150))})
    assert stored["thanked"] == [*range(101, 150), 3]


def test_four_messages_are_tallied_at_once(harness: Harness) -> None:
    now = harness.clock.now()
    for number in range(6):
        event = ReactionEvent(f"E{number}", "C9", f"{number}.0", "U1", "pizza", True, now, now)
        assert harness.bot.loop.record(WORKSPACE, event)
    harness.know("U1")
    found = []
    for _ in range(3):
        with harness.bot.store.begin(WORKSPACE) as tx:
            found.append(tallying.tally(tx, now + timedelta(seconds=1)))
    assert found == [4, 2, 0]
