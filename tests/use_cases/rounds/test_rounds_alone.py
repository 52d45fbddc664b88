"""A round's figures and its closing by themselves, over a transaction that is a few plain tables."""

from collections import defaultdict
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.fakes import ManualClock
from tests.support.rows import MINUTE, NOON, model, post, round_, verdict
from tierbot.domain.nouns import Arm, Outcome, Round, Says, Selection, SettledPost, Vote, key
from tierbot.use_cases.ports import DeliveryKind
from tierbot.use_cases.rounds import rounds as module
from tierbot.use_cases.rounds.round_report import (
    chart_of,
    figures_before,
    report_of,
    round_status,
    status_of,
)
from tierbot.use_cases.rounds.rounds import Rounds

WEEK = timedelta(days=7)


def settled(
    number: int,
    outcome: Outcome = Outcome.NAMED,
    *,
    arm: Arm = Arm.TIER,
    random: bool = True,
    right: bool = True,
    voters: int = 2,
) -> SettledPost:
    tags = {"food" if right else "law": 1.0} if outcome is Outcome.NAMED else {}
    return SettledPost(
        post(f"p{number}", arm=arm, shown_tag="food"),
        verdict(f"p{number}", outcome=outcome, tags=tags, voters=voters, support={}, rejects=0),
        "m1",
        "food",
        0.5,
        Selection("random" if random else "uncertain", 0.5),
    )


FIRST = [
    settled(1),
    settled(2, right=False),
    settled(3, arm=Arm.BLANK),
    settled(4, arm=Arm.BLANK, random=False, right=False),
    settled(5, Outcome.ABSTAINED, voters=1),
    settled(6, Outcome.ABSTAINED, voters=0),
    settled(7, Outcome.WRONG),
]


class Tx:
    """A transaction over plain tables."""

    def __init__(self) -> None:
        self.by_round: defaultdict[int, list[SettledPost]] = defaultdict(list)
        self.given: dict[str, list[Vote]] = {}
        self.kept = [replace(post("p1"), ts="1.0"), post("p2", ts=None)]
        self.versions: list[Any] = []
        self.open: Round | None = round_(2)
        self.did: list[Any] = []
        self.freezes = True
        self.verdicts = SimpleNamespace(
            settled=lambda rounds: [one for number in rounds for one in self.by_round[number]],
            latest=lambda ids: self.did.append(("latest", ids)) or {},
        )
        self.ledger = SimpleNamespace(votes_in_round=lambda number: self.given if number == 2 else {})
        self.posts = SimpleNamespace(
            in_round=lambda number: self.kept if number == 2 else [],
            move_queued=lambda *what: self.did.append(("moved", *what)),
        )
        self.models = SimpleNamespace(all=lambda: self.versions, get=self.version)
        self.trainers = SimpleNamespace(opted_out=lambda: {"U9": "nina"})
        self.rounds = SimpleNamespace(
            current=lambda: self.open,
            open=lambda one: self.did.append(("opened", one)),
            prolong=lambda *what: self.did.append(("prolonged", *what)),
            freeze=lambda *what: self.did.append(("frozen", *what)) or self.freezes,
        )
        self.agenda = SimpleNamespace(plan=lambda *what: self.did.append(("planned", *what)))

    def version(self, name: str) -> Any:
        return next((one for one in self.versions if one.id == name), None)


def test_a_status_counts_posts_by_outcome_and_the_judged_by_voters() -> None:
    status = status_of(round_(), [post(f"p{number}") for number in range(9)], FIRST, trainers=5)
    assert (status.posts, status.judged, status.trainers) == (9, 6, 5)
    assert (status.named, status.wrong, status.abstained) == (4, 1, 2)
    assert (status.accuracy.value, status.accuracy.n) == (2 / 5, 5)
    assert (status.blank_accuracy.value, status.blank_accuracy.n) == (1.0, 1), "posts that were drawn by chance"


def test_the_status_of_the_open_round_counts_each_trainer_once() -> None:
    tx: Any = Tx()
    tx.by_round[2] = FIRST
    tx.given = {
        "p1": [Vote(user, Says.NAMES, NOON, "food") for user in ("U1", "U2")],
        "p2": [Vote("U1", Says.REJECTS, NOON)],
    }
    status = round_status(tx, round_(2))
    assert (status.round, status.trainers, status.posts, status.judged) == (round_(2), 2, 2, 6)


def test_the_picture_has_twelve_rounds_the_oldest_first() -> None:
    tx: Any = Tx()
    for number in range(1, 30):
        tx.by_round[number] = FIRST
    assert [one.number for one in figures_before(tx, 3)] == [1, 2]
    assert figures_before(tx, 1) == []
    former = figures_before(tx, 20)
    assert [one.number for one in former] == list(range(9, 20))
    assert (former[0].all.value, former[0].all.n) == (2 / 5, 5)
    assert (former[0].blank.value, former[0].blank.n) == (1.0, 1)
    assert sum(asdict(former[0])["patterns"].values()) == len(FIRST)
    chart = chart_of(tx, 20, former)
    assert chart["title"] == "Round 20 in pictures"
    assert [one["number"] for one in chart["figures"]] == list(range(9, 21))
    assert "Votes in round 20" in chart["alt"]


def test_a_report_compares_the_closed_round_with_the_one_before() -> None:
    tx: Any = Tx()
    tx.by_round[2] = [settled(number) for number in range(4)]
    tx.by_round[1] = [replace(settled(number), top_tag=tag) for number, tag in enumerate(("food", "law") * 2)]
    news = report_of(tx, round_(2), [], [post()])
    assert (news["round"], news["posts"], news["judged"]) == (2, 1, 4)
    assert news["accuracy"]["value"] == 1
    assert news["previous_accuracy"]["value"] == 0.5
    assert news["tags_improved"] == ["food"]
    assert news["unmentioned"] == {"U9": "nina"}
    assert news["training"] is None


@pytest.mark.parametrize(("minutes", "told"), [(-1, False), (0, True), (7 * 1440 - 60, True), (7 * 1440 - 59, False)])
def test_the_training_of_a_round_is_the_newest_that_was_made_while_it_was_open(minutes: int, told: bool) -> None:
    tx: Any = Tx()
    decided = {"metrics": {"promotion": {"promote": True}}}
    made = model("m9", 9, parent="m4", created_at=NOON + minutes * MINUTE, card=decided)
    older = model("m4", 4, parent=None, created_at=NOON + MINUTE * 5 - WEEK, card=decided)
    tx.versions = [model("m10", 10, created_at=NOON, card={"metrics": {}}), model("m11", 11, card={}), made, older]
    closed = replace(round_(2), frozen_at=NOON + WEEK - 60 * MINUTE)
    said = report_of(tx, closed, [], [])["training"]
    assert said == ({"number": 9, "before": 4, "comparison": {"promote": True}} if told else None)


def test_a_training_without_a_parent_has_nothing_before_it_and_an_unfrozen_round_ends_when_it_closes() -> None:
    tx: Any = Tx()
    decided = {"metrics": {"promotion": {"promote": False}}}
    for parent in (None, "gone"):
        tx.versions = [model("m9", 9, parent=parent, created_at=NOON + WEEK, card=decided)]
        said = report_of(tx, round_(2), [], [])["training"]
        assert said == {"number": 9, "before": None, "comparison": {"promote": False}}


# --- closing --------------------------------------------------------------------------------------


class House:
    """Rounds over one transaction; `tallied` are the messages that each tally finds, `waiting` those of each look."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tx, self.clock, self.steps = Tx(), ManualClock(NOON + WEEK), []
        self.tallied: list[int] = []
        self.waiting: list[int] = []
        self.announced: list[tuple[Any, ...]] = []

        @contextmanager
        def opened(_: str) -> Any:
            yield self.tx

        @contextmanager
        def begun(_: str) -> Any:
            self.steps.append("begin")
            yield self.tx

        def step(name: str) -> Any:
            return lambda workspace: self.steps.append(name)

        store: Any = SimpleNamespace(read=opened, begin=begun)
        voters: Any = SimpleNamespace(look_up=step("look up"))
        settlement: Any = SimpleNamespace(settle=step("settle"), settle_round=step("settle round"))
        self.rounds = Rounds(store, self.clock, voters, settlement, WEEK, "C1")
        monkeypatch.setattr(module, "tally", lambda *_: self.tallied.pop(0) if self.tallied else 0)
        monkeypatch.setattr(module, "tally_waiting", lambda *_: self.waiting.pop(0) if self.waiting else 0)
        monkeypatch.setattr(module, "channel_of", lambda _, default: default)
        monkeypatch.setattr(
            module,
            "announce",
            lambda tx, name, news, channel, now, **how: self.announced.append((name, news, channel, now, how)),
        )

    def did(self, what: str) -> list[tuple[Any, ...]]:
        return [one for one in self.tx.did if one[0] == what]


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> House:
    return House(monkeypatch)


ONCE = ["look up", "settle", "settle round", "look up", "begin"]


def test_a_round_without_late_votes_is_frozen_at_once_and_the_next_one_opened(house: House) -> None:
    now = house.clock.now()
    closed = house.rounds.close("T1")
    assert closed == replace(round_(2), frozen_at=now)
    assert house.steps == ONCE
    assert house.did("frozen") == [("frozen", closed, [])]
    assert house.did("moved") == [("moved", 2, 3)]
    assert house.did("latest") == [("latest", ["p1", "p2"])]
    assert house.did("opened") == [("opened", Round(3, now, now + WEEK))]
    assert house.did("planned") == [("planned", "close_round", now + WEEK)]
    words, picture = house.announced
    assert (words[0], words[1]["kind"], words[2:]) == (
        key("round_closed", 2),
        "round_closed",
        ("C1", now, {"priority": 1}),
    )
    how = {"kind": DeliveryKind.PICTURE, "priority": 1, "after_id": key("round_closed", 2)}
    assert (picture[0], picture[1]["title"], picture[2:]) == (
        key("round_chart", 2),
        "Round 2 in pictures",
        ("C1", now, how),
    )


@pytest.mark.parametrize("waiting", [False, True])
def test_late_votes_are_settled_first_and_after_three_attempts_they_score_unsettled(
    house: House, waiting: bool
) -> None:
    if waiting:
        house.waiting = [1, 2, 3]
    else:
        house.tallied = [10, 3, 0, 1, 0, 2, 0]
    assert house.rounds.close("T1")
    assert house.steps == ONCE * 3
    assert len(house.did("frozen")) == 1
    assert (house.tallied, house.waiting) == ([], [])


@pytest.mark.parametrize("waiting", [0, 10])
def test_votes_that_were_late_once_are_settled_once_more(house: House, waiting: int) -> None:
    house.tallied, house.waiting = [10, 0, 0], [waiting]
    assert house.rounds.close("T1")
    assert house.steps == ONCE * 2


def test_a_round_that_another_process_closed_meanwhile_is_left_alone(house: House) -> None:
    now_open = iter([round_(2), round_(3)])
    house.tx.rounds.current = lambda: next(now_open)
    assert house.rounds.close("T1") is None
    assert house.tx.did == []
    house.tx.rounds.current = lambda: None
    assert house.rounds.close("T1") is None
    assert house.tx.did == []


def test_a_freeze_that_came_second_opens_and_announces_nothing(house: House) -> None:
    house.tx.freezes = False
    assert house.rounds.close("T1") is None
    assert (house.did("opened"), house.announced) == ([], [])


def test_a_round_without_a_post_in_slack_goes_on_for_its_length(house: House) -> None:
    house.tx.kept = [post("p1", ts=None)]
    assert house.rounds.close("T1") is None
    until = house.clock.now() + WEEK
    assert house.tx.did == [("prolonged", 2, until), ("planned", "close_round", until)]
