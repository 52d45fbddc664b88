"""“Why this tag?” asked in Slack, over real sockets."""

import json

import pytest

from tests.support.operator import House, open_house


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with open_house(tmp_path_factory.mktemp("house")) as opened:
        yield opened


def ask(house: House, user: str, ts: str):
    answer = house.do("shortcut", user=user, callback_id="why_this_tag", ts=ts, wait=5)
    (view,) = answer["views"]
    return view


def test_before_voting_the_answer_is_a_kind_no_also_for_admins(house):
    (post,) = house.post()
    for user in ("bob", "ada"):
        view = ask(house, user, post.ts)
        assert "Please vote first" in str(view["blocks"])
        assert "Model m0001" not in str(view["blocks"])


def test_who_voted_sees_a_modal_at_once_and_the_explanation_soon(house):
    (post,) = house.post()
    house.react("bob", post, "pizza")
    view = ask(house, "bob", post.ts)
    shown = house.modal("bob", view["id"], lambda text: "reading" not in text)
    text = json.dumps(shown["blocks"], ensure_ascii=False)
    assert "Model m0001" in text
    assert f"Arm {post.arm}" in text
    assert "← shown" in text
    assert "https://n.example/" in text


def test_another_message_gets_a_friendly_answer(house):
    ts = house.do("message", user="bob", text="lunch?")["ts"]
    assert "isn't one of my posts" in str(ask(house, "bob", ts)["blocks"])


def test_the_acknowledgement_waits_for_no_encoder(house, monkeypatch):
    import threading

    (post,) = house.post()
    house.react("cid", post, "pizza")
    go_on = threading.Event()
    slow = house.bot.explanations._encoder

    class Slow:
        digest = slow.digest

        def encode(self, texts):
            assert go_on.wait(30)
            return slow.encode(texts)

    monkeypatch.setattr(house.bot.explanations, "_encoder", Slow())
    view = ask(house, "cid", post.ts)
    assert "reading the story again" in str(view["blocks"])
    assert "How likely I thought each topic was" in str(view["blocks"]), "the payload tells this at once"
    assert house.do("command", user="cid", command="/myscore", wait=5)["responses"], "commands are answered meanwhile"
    go_on.set()
    house.modal("cid", view["id"], lambda text: "reading" not in text)


def test_a_fault_while_reading_is_told_in_the_modal(house, monkeypatch, caplog):
    (post,) = house.post()
    house.react("dee", post, "pizza")

    def broken(*_):
        raise RuntimeError("secret details")

    monkeypatch.setattr(house.bot.explanations, "_kept", broken)
    view = ask(house, "dee", post.ts)
    shown = house.modal("dee", view["id"], lambda text: "reading" not in text)
    assert "Something went wrong on my side" in str(shown["blocks"])
    assert "secret" not in str(shown["blocks"])
