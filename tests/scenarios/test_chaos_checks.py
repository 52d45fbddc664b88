"""The rules by which chaos fails, on records made by hand; and its wrong bots, which must fit the bot of today."""

from typing import Any

import pytest

from tests.support import mutants
from tests.support.chaos_checks import Broken, Found, Happened, Promise, check_once, explained, happened

PIZZA = ("1.0", "U1", "pizza")
STORY = "https://n.example/"


def event(at: float, became: str = "acknowledged", acked_at: float | None = None, *, added: bool = True) -> Happened:
    return Happened(*PIZZA, added, at, became, acked_at)


def row(at: float, *, added: bool = True) -> Found:
    return Found(*PIZZA, added, at)


def message(text: str, mark: str | None = None, user: str = "B1", **more: Any) -> dict[str, Any]:
    metadata = {"metadata": {"event_payload": {"delivery_id": mark}}} if mark else {}
    return {"user": user, "text": text, **metadata, **more}


@pytest.mark.parametrize("became", ["dropped", "given_up", "not_sent"])
def test_a_missed_event_explains_a_reconciled_row(became: str) -> None:
    assert explained([row(9)], [event(5, became)]) == {became: 1}


def test_an_event_explains_a_row_if_it_was_acknowledged_only_later() -> None:
    assert explained([row(9)], [event(5, acked_at=9.5)]) == {"on its way": 1}
    with pytest.raises(Broken, match="ONLY_MISSED"):
        explained([row(9)], [event(5, acked_at=8.5)])


@pytest.mark.parametrize(
    ("found", "record"),
    [
        ([row(9)], []),
        ([row(9)], [event(99, "dropped")]),  # long after
        ([row(9, added=False)], [event(5, "dropped")]),
        ([row(9), row(10)], [event(5, "dropped")]),  # it explains one row
        ([row(9)], [event(5, "dropped"), event(6, "acknowledged", 6.1, added=False)]),  # the latest counts
        ([row(9)], [Happened("1.0", "U2", "pizza", True, 5, "dropped", None)]),
    ],
)
def test_a_row_that_no_missed_event_explains_breaks_a_promise(found: list[Found], record: list[Happened]) -> None:
    with pytest.raises(Broken) as broken:
        explained(found, record)
    assert broken.value.promise is Promise.ONLY_MISSED


def test_two_missed_events_explain_two_rows() -> None:
    record = [event(5, "dropped"), event(10, "given_up", added=False)]
    assert explained([row(12, added=False), row(9)], record) == {"dropped": 1, "given_up": 1}


def test_an_event_that_happens_while_slack_is_asked_explains_the_row() -> None:
    assert explained([row(9)], [event(11, "dropped")]) == {"dropped": 1}


def test_what_became_of_an_event_is_joined_by_its_timestamp() -> None:
    details = {"ts": "1.0", "name": "pizza", "event_ts": "5.0", "channel": "C1"}
    acts = [{"act": "command"}, {"act": "unreact", "user": "U1", "details": details}]
    events = [{"event_ts": "5.0", "became": "acknowledged", "acked_at": 6.0}]
    assert happened(acts, events, {}) == [event(5, acked_at=6.0, added=False)]
    assert happened(acts, events, {"C1": 6.5}) == [event(5, acked_at=6.0, added=False)]
    assert happened(acts, events, {"C1": 5.5}) == [event(5, "acknowledged under a former id", added=False)]
    with pytest.raises(KeyError):
        happened(acts, [], {})


@pytest.mark.parametrize(
    "places",
    [
        {"C1": [message(f"{STORY}1", "a"), message(f"again {STORY}1")]},  # without the mark
        {"C1": [message(f"{STORY}1", "a"), message(f"{STORY}1", "b", thread_ts="1.0")]},  # in a thread
        {"C1": [message(f"{STORY}1", "a")], "C2": [message(f"{STORY}1", "b")]},
        {"C1": [message(f"{STORY}1", "a"), message(f"{STORY}2", "a")]},  # with the mark
        {"C1": [message("Round 2 is open", "a"), message("Round 2 is open")]},
        {"D1": [message("You were removed", "a"), message("You were removed")]},
        {"D1": [message("You were removed", mark) for mark in "abc"]},
    ],
)
def test_a_message_that_is_there_twice_breaks_a_promise(places: dict[str, list[dict[str, Any]]]) -> None:
    with pytest.raises(Broken) as broken:
        check_once(places, "B1", again=1)
    assert broken.value.promise is Promise.ONCE


def test_messages_that_differ_or_are_for_different_people_are_there_once() -> None:
    notice = "I can't post in the channel any more."
    check_once(
        {
            "C1": [
                message(f"{STORY}1", "a"),
                message(f"{STORY}11", "b"),
                message("ok", user="U1"),
                message("ok", user="U1"),
            ],
            "D1": [message(notice, "c"), message(notice, "d")],
            "D2": [message(notice, "e")],
        },
        "B1",
        again=1,
    )


@pytest.mark.parametrize("name", mutants.MUTANTS)
def test_every_mutant_fits_the_bot(name: str) -> None:
    mutants.check(name)


def test_a_mutant_that_no_longer_fits_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    target = "tierbot.domain.feedback.votes:reading"
    for change in (
        (target, "no such text", "x"),
        (target, "return", "x"),
        ("tierbot.domain.feedback.votes:gone", "a", "b"),
    ):
        monkeypatch.setitem(mutants.MUTANTS, "stale", mutants.Mutant((change,), Promise.VOTES))
        with pytest.raises(ValueError, match="adapt its mutant"):
            mutants.check("stale")
    with pytest.raises(ValueError, match="unknown mutant"):
        mutants.check("nonsense")
