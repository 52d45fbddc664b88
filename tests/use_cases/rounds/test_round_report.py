"""The end of a round: its report and its picture, each once."""

import json

from tests.conftest import WORKSPACE, Stage
from tierbot.domain.nouns import ModelState, TierbotError
from tierbot.use_cases.ports import ChatUnavailableError, DeliveryKind


def play(stage: Stage, posts: int = 6) -> None:
    for place, ts in enumerate(stage.posts(posts)):
        for user in ("U1", "U2"):
            stage.react(user, ts, stage.emoji(ts) if place % 3 else "scales")
    stage.react("U3", ts, "-1")


def close(stage: Stage) -> None:
    assert stage.bot.loop.close_round(WORKSPACE)
    stage.deliver()


def report(stage: Stage):
    return [news for news in stage.chat.announcements if news["kind"] == "round_closed"][-1]


def chart(stage: Stage):
    title, drawn = stage.chat.pictures[-1]
    return title, json.loads(drawn)


def test_the_picture_shows_every_round_so_far(stage: Stage) -> None:
    play(stage)
    close(stage)
    play(stage)
    close(stage)
    title, shown = chart(stage)
    assert title == "Round 2 in pictures"
    assert [one["number"] for one in shown["figures"]] == [1, 2]
    assert all(one["all"]["n"] == 6 for one in shown["figures"])
    assert shown["figures"][0]["patterns"]["agreed"] + shown["figures"][0]["patterns"]["named_another"] == 12
    assert "Votes in round 2" in shown["alt"]


def test_the_report_comes_before_its_picture_and_both_once(stage: Stage) -> None:
    play(stage)
    stage.bot.loop.close_round(WORKSPACE)
    with stage.bot.store.begin(WORKSPACE) as tx:
        now = stage.clock.now()
        kinds = [one.kind for one in tx.outbox.claim(now, now, 9)]
    assert kinds == [DeliveryKind.ANNOUNCE, DeliveryKind.PICTURE]
    stage.clock.advance(seconds=1)
    stage.deliver()
    stage.deliver()
    assert (len(stage.chat.announcements), len(stage.chat.pictures)) == (1, 1)


def test_a_picture_whose_answer_was_lost_is_not_shared_twice(stage: Stage) -> None:
    play(stage)
    stage.bot.loop.close_round(WORKSPACE)
    stage.bot.loop.deliver(WORKSPACE)
    stage.clock.advance(seconds=1)
    stage.chat.lost_answers = [ChatUnavailableError("502")]
    stage.deliver()
    stage.clock.advance(minutes=1)
    stage.deliver()
    assert len(stage.chat.pictures) == 1


def test_a_picture_that_cannot_be_drawn_is_put_aside_and_holds_up_nothing(stage: Stage) -> None:
    def broken(_):
        raise TierbotError("The picture was not drawn.")

    stage.bot.loop._dispatcher._draw = broken
    play(stage)
    close(stage)
    stage.posts(1)
    assert report(stage)["round"] == 1
    with stage.bot.store.read(WORKSPACE) as tx:
        (parked,) = tx.outbox.parked()
    assert (parked.kind, parked.error) == (DeliveryKind.PICTURE, "not_drawn: The picture was not drawn.")


def test_the_report_tells_of_the_rounds_newest_challenger_with_its_evidence(stage: Stage) -> None:
    play(stage)
    close(stage)
    assert report(stage)["training"] is None
    stage.clock.advance(seconds=1)
    training = stage.bot.loop.retrain(WORKSPACE)
    assert training is not None
    stage.clock.advance(seconds=1)
    close(stage)
    said = report(stage)["training"]
    assert said == {"number": training.version.number, "promoted": training.promoted, "reason": training.reason}
    stage.clock.advance(seconds=1)
    close(stage)
    assert report(stage)["training"] is None, "that was another round's"
    with stage.bot.store.read(WORKSPACE) as tx:
        assert {version.state for version in tx.models.all()} >= {ModelState.CHAMPION}


def test_who_opted_out_is_named_and_not_mentioned(stage: Stage) -> None:
    stage.bot.home.opt_out(WORKSPACE, "U1", "anna", opted_out=True)
    play(stage)
    close(stage)
    assert report(stage)["unmentioned"] == {"U1": "anna"}
