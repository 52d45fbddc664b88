"""The commands, typed by colleagues into a workspace over real sockets."""

import logging

import pytest


@pytest.fixture(scope="module")
def box(start):
    return start()


@pytest.fixture
def bot(box, connect):
    return connect(box)


def shown(response):
    blocks = response.get("blocks") or []
    texts = [block["text"]["text"] if "text" in block else block["elements"][0]["text"] for block in blocks]
    return "\n".join(texts) or response["text"]


def test_the_leaderboard_is_shown_to_everyone(bot):
    (answer,) = bot.say("bob", "/leaderboard")
    assert answer["text"] == "Leaderboard · Round 3: <@U0ANNA> leads"
    assert "🥇 <@U0ANNA> *42*" in shown(answer)
    assert "is_ephemeral" not in answer


def test_the_leaderboard_names_people_without_pinging_them(bot, box):
    bot.game.leader = box.users["ada"]
    (answer,) = bot.say("bob", "/leaderboard")
    assert "🥇 *ada* *42*" in shown(answer)
    assert "<@" not in repr(answer)


def test_my_score_is_for_my_eyes_only(bot):
    (answer,) = bot.say("bob", "/myscore")
    assert "you are *2nd of 12*" in shown(answer)
    assert answer["is_ephemeral"] is True


def test_a_pleasant_refusal_for_who_is_no_admin(bot):
    (answer,) = bot.say("bob", "/tier push 5")
    assert "for the admins" in shown(answer)
    assert bot.game.requests == []


def test_slacks_own_admins_may_push(bot, box):
    (answer,) = bot.say("ada", "/tier push 5")
    assert shown(answer) == f"I'm posting 5 of 12 waiting stories in <#{box.channel}>."
    assert bot.game.requests == [("push", box.users["ada"], {"count": 5})]
    bot.say("ada", "/tier retrain")
    assert all(bot.game.triggers), "Slack's own, by which a copy is known"
    assert len(set(bot.game.triggers)) == 2


def test_a_fault_that_can_be_mended_is_told_in_its_own_words(bot):
    (answer,) = bot.say("bob", "/leaderboard 99")
    assert shown(answer) == "There is no round 99 yet; the current one is 3."


def test_an_unknown_fault_gets_a_number_that_the_log_carries(bot, caplog):
    with caplog.at_level(logging.ERROR):
        (answer,) = bot.say("bob", "/leaderboard 13")
    assert "secret" not in shown(answer)
    (record,) = [record for record in caplog.records if record.name.endswith("faults")]
    assert record.args[0] in shown(answer)
    assert "a bug with secret details" in caplog.text


def test_an_unknown_word_gets_the_list_of_what_is_possible(bot):
    (answer,) = bot.say("ada", "/tier dance")
    assert "`/tier dance` isn't a command" in shown(answer)
    assert "`/tier rollback`" in shown(answer)
