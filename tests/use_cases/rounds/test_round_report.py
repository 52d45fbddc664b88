"""The end of a round: its report and its picture, each once."""

import json
from dataclasses import asdict
from datetime import timedelta

import pytest

from tests.conftest import WORKSPACE, Harness
from tierbot.domain.nouns import ModelState, TierbotError
from tierbot.use_cases.ports import ChatError, ChatUnavailableError, DeliveryKind


def play(harness: Harness, posts: int = 6) -> None:
    for place, ts in enumerate(harness.posts(posts)):
        for user in ("U1", "U2"):
            harness.react(user, ts, harness.emoji(ts) if place % 3 else "scales")
    harness.react("U3", ts, "-1")


def close(harness: Harness) -> None:
    assert harness.bot.loop.close_round(WORKSPACE)
    harness.deliver()


def report(harness: Harness):
    return [news for news in harness.chat.announcements if news["kind"] == "round_closed"][-1]


def chart(harness: Harness):
    title, drawn = harness.chat.pictures[-1]
    return title, json.loads(drawn)


def test_the_picture_shows_every_round_so_far(harness: Harness) -> None:
    play(harness)
    close(harness)
    play(harness)
    close(harness)
    title, shown = chart(harness)
    assert title == "Round 2 in pictures"
    assert [one["number"] for one in shown["figures"]] == [1, 2]
    assert all(one["all"]["n"] == 6 for one in shown["figures"])
    assert shown["figures"][0]["patterns"]["agreed"] + shown["figures"][0]["patterns"]["named_another"] == 12
    assert "Votes in round 2" in shown["alt"]


def test_the_report_comes_before_its_picture_and_both_once(harness: Harness) -> None:
    play(harness)
    harness.bot.loop.close_round(WORKSPACE)
    with harness.bot.store.begin(WORKSPACE) as tx:
        now = harness.clock.now()
        assert [one.kind for one in tx.outbox.claim(now, now, 9)] == [DeliveryKind.ANNOUNCE]
    harness.clock.advance(seconds=1)
    harness.deliver()
    harness.deliver()
    assert (len(harness.chat.announcements), len(harness.chat.pictures)) == (1, 1)


def test_a_picture_whose_answer_was_lost_is_not_shared_twice(harness: Harness) -> None:
    play(harness)
    harness.bot.loop.close_round(WORKSPACE)
    harness.bot.loop.deliver(WORKSPACE)
    harness.clock.advance(seconds=1)
    harness.chat.lost_answers = [ChatUnavailableError("502")]
    harness.deliver()
    harness.clock.advance(minutes=1)
    harness.deliver()
    assert len(harness.chat.pictures) == 1


def test_a_picture_that_cannot_be_drawn_is_put_aside_and_holds_up_nothing(harness: Harness) -> None:
    def broken(_):
        raise TierbotError("The picture was not drawn.")

    harness.dispatcher.draw = broken
    play(harness)
    close(harness)
    harness.posts(1)
    assert report(harness)["round"] == 1
    with harness.bot.store.read(WORKSPACE) as tx:
        (parked,) = tx.outbox.parked()
    assert (parked.kind, parked.error) == (DeliveryKind.PICTURE, "not_drawn: The picture was not drawn.")


def test_the_report_tells_of_the_rounds_newest_challenger_with_its_evidence(harness: Harness) -> None:
    play(harness)
    close(harness)
    assert report(harness)["training"] is None
    harness.clock.advance(seconds=1)
    training = harness.bot.loop.retrain(WORKSPACE)
    assert training is not None
    harness.clock.advance(seconds=1)
    harness.posts(1)
    close(harness)
    said = report(harness)["training"]
    assert said == {"number": training.version.number, "before": 1, "comparison": asdict(training.decision)}
    harness.clock.advance(seconds=1)
    harness.posts(1)
    close(harness)
    assert report(harness)["training"] is None, "that was another round's"
    with harness.bot.store.read(WORKSPACE) as tx:
        assert {version.state for version in tx.models.all()} >= {ModelState.CHAMPION}


def test_who_opted_out_is_named_and_not_mentioned(harness: Harness) -> None:
    harness.bot.home.opt_out(WORKSPACE, "U1", "anna", opted_out=True)
    play(harness)
    close(harness)
    assert report(harness)["unmentioned"] == {"U1": "anna"}


def sent(harness: Harness) -> list[str]:
    """Return what is sent from now on, in order, as one word each."""
    said: list[str] = []
    for method in ("post", "announce", "picture"):
        send = getattr(harness.chat, method)

        def sending(*arguments, send=send, method=method):
            said.append(method)
            return send(*arguments)

        setattr(harness.chat, method, sending)
    return said


def test_words_come_first_then_the_picture_and_both_before_what_was_queued(harness: Harness) -> None:
    """The pace holds messages back after each one, and pictures have a pace of their own."""
    play(harness)
    harness.dispatcher.pause = timedelta(seconds=1)
    harness.bot.loop.take_in(WORKSPACE, harness.articles(3, start=6))
    harness.bot.loop.ask(WORKSPACE, 3)
    said = sent(harness)
    harness.bot.loop.deliver(WORKSPACE)  # the first of the three: no message may follow for a second
    harness.bot.loop.close_round(WORKSPACE)
    for _ in range(40):
        harness.clock.advance(seconds=0.5)
        harness.bot.loop.deliver(WORKSPACE)
    assert said == ["post", "announce", "picture", "post", "post"]


def test_another_process_sends_nothing_beside_the_words(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    play(harness)
    harness.bot.loop.take_in(WORKSPACE, harness.articles(1, start=6))
    harness.bot.loop.ask(WORKSPACE, 1)
    harness.bot.loop.close_round(WORKSPACE)
    said, announce = sent(harness), harness.chat.announce

    def slowly(*arguments):
        monkeypatch.undo()
        assert not harness.bot.loop.deliver(WORKSPACE)
        return announce(*arguments)

    monkeypatch.setattr(harness.chat, "announce", slowly)
    harness.clock.advance(seconds=1)
    harness.deliver()
    assert said == ["announce", "picture", "post"]


def test_a_picture_follows_words_that_slack_refused(harness: Harness) -> None:
    play(harness)
    harness.bot.loop.close_round(WORKSPACE)
    harness.chat.faults = [ChatError("msg_too_long", "no")]
    harness.clock.advance(seconds=1)
    harness.deliver()
    assert (len(harness.chat.announcements), len(harness.chat.pictures)) == (0, 1)


def test_a_round_without_a_post_is_not_announced_and_stays_open(harness: Harness) -> None:
    play(harness)
    close(harness)
    harness.bot.loop.take_in(WORKSPACE, harness.articles(1, start=6))
    harness.bot.loop.ask(WORKSPACE, 1)  # queued, and seen by nobody
    for _ in range(2):
        assert harness.bot.loop.close_round(WORKSPACE) is None
        with harness.bot.store.read(WORKSPACE) as tx:
            current, due = tx.rounds.current(), tx.agenda.get("close_round")
            assert len(tx.posts.in_round(2)) == 1
        assert current is not None
        assert due is not None
        assert (current.number, current.closes_at, due.due_at) == (
            2,
            due.due_at,
            harness.clock.now() + timedelta(days=7),
        )
        harness.clock.advance(days=1)
    harness.deliver()
    assert [news["round"] for news in harness.chat.announcements] == [1]
    close(harness)
    assert report(harness)["round"] == 2


def test_closing_an_empty_round_is_refused_with_what_to_do(harness: Harness) -> None:
    with pytest.raises(TierbotError, match=r"Nothing has been posted in round 1 yet\. Type `/tier push`"):
        harness.bot.game.request(WORKSPACE, "close_round", "UADMIN")
