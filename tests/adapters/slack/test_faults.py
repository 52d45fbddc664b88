"""A fault right behind an ack: Slack is answered all the same, and the person is told."""

import logging

import pytest

SECRET = "a bug with secret details"
POST = "1700000000.000001"


@pytest.fixture(scope="module")
def box(start):
    return start()


@pytest.fixture
def bot(box, connect):
    connected = connect(box)

    def broken(*_args, **_more):
        raise RuntimeError(SECRET)

    for part in ("post_for", "menu", "of", "opt_out", "send"):
        setattr(connected.game, part, broken)
    return connected


@pytest.fixture
def post(bot, box):
    return box.web.chat_postMessage(channel=box.channel, text="A story")["ts"]


@pytest.mark.parametrize("entry", ["why_this_tag", "name_the_right_tag"])
def test_a_shortcut_that_breaks_is_acknowledged_and_told_to_who_used_it(bot, box, post, entry, caplog):
    for _ in range(5):  # whether the ack is lost is a matter of milliseconds
        with caplog.at_level(logging.ERROR):
            found = box.do("shortcut", user="bob", callback_id=entry, ts=post, wait=5, expect=1)
        assert (found["acked"], found["error"]) == (True, None)
        (answer,) = found["responses"]
        assert "Something went wrong on my side" in answer["text"]
        assert answer["is_ephemeral"] is True
        assert SECRET not in str(answer)
        assert SECRET in caplog.text


@pytest.mark.parametrize("button", ["tierbot_opt_out", "tierbot_opt_in", "tierbot_send_me_five"])
def test_a_button_whose_deed_breaks_is_acknowledged_and_logged(bot, box, button, caplog):
    block = {"type": "button", "text": {"type": "plain_text", "text": "Do"}, "action_id": button}
    box.web.views_publish(
        user_id=box.users["bob"], view={"type": "home", "blocks": [{"type": "actions", "elements": [block]}]}
    )
    for _ in range(5):
        with caplog.at_level(logging.ERROR):
            found = box.do("action", user="bob", action_id=button, home=True)
        assert (found["acked"], found["error"]) == (True, None)
    bot.runner.stop()
    assert SECRET in caplog.text


def test_answering_slack_leaves_the_level_of_our_own_logger_alone(bot, box, post, caplog):
    with caplog.at_level(logging.ERROR):  # Bolt sets the logger with the app's name to the root's level
        box.do("shortcut", user="bob", callback_id="why_this_tag", ts=post, wait=5, expect=1)
    assert logging.getLogger("tierbot").level == logging.NOTSET
