"""Socket Mode stays alive through whatever a connection can suffer, and leaves in order."""

import queue
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from tests.support.paths import ROOT
from tierbot.adapters.slack.calls import web_client
from tierbot.adapters.slack.connection.socket_mode import SocketRunner
from tierbot.use_cases.ports import ChatError


@pytest.fixture(scope="module")
def box(start):
    return start("--timings", '{"ack": 0.5, "retries": [0.1, 0.5, 1.0, 2.0, 4.0]}')


@pytest.fixture
def post(box):
    return box.web.chat_postMessage(channel=box.channel, text="an article")["ts"]


def votes_reach(bot, post, name):
    """React as a colleague and say whether the game was told of it."""
    bot.box.do("react", user="bob", ts=post, name=name)
    until = time.monotonic() + 8
    while time.monotonic() < until:
        bot.game.told.acquire(timeout=0.5)
        if any(event.name == name for event in bot.game.deliveries):
            return True
    return False


def test_a_reaction_is_in_the_ledger_before_slack_is_told(box, connect, post):
    bot = connect(box)
    assert votes_reach(bot, post, "pizza")
    (event,) = bot.game.ledger.values()
    assert (event.user, event.ts, event.added) == (box.users["bob"], post, True)


def test_the_bots_own_reactions_are_no_votes(box, connect, post):
    bot = connect(box)
    box.web.reactions_add(channel=box.channel, timestamp=post, name="scales")
    assert votes_reach(bot, post, "pizza")
    assert {event.name for event in bot.game.deliveries} == {"pizza"}


def test_a_ledger_that_fails_once_gets_the_event_again(box, connect, post):
    bot = connect(box)
    bot.game.fault = RuntimeError("the database is locked")
    assert votes_reach(bot, post, "soccer")
    assert [event.name for event in bot.game.ledger.values() if event.ts == post] == ["soccer"]


@pytest.mark.parametrize("reason", ["warning", "refresh_requested", "link_disabled"])
def test_a_disconnect_that_is_announced_leads_to_a_new_connection(box, connect, post, reason):
    bot = connect(box)
    box.do("sockets", do="disconnect", reason=reason)
    assert bot.connections.acquire(timeout=8)
    assert votes_reach(bot, post, "robot_face")


def test_on_deploy_the_new_process_is_connected_before_the_old_one_leaves_and_nothing_is_missed(box, connect, post):
    old = connect(box)
    assert votes_reach(old, post, "pizza")
    new = connect(box)
    assert box.see("stats")["connections"] == 2
    names = ("scales", "soccer", "microscope", "beers")
    for place, name in enumerate(names):
        box.do("react", user="bob", ts=post, name=name)
        if place == 1:
            assert old.runner.stop()
    until = time.monotonic() + 25
    heard = set()
    while not heard >= set(names) and time.monotonic() < until:
        new.game.told.acquire(timeout=0.2)
        heard = {event.name for bot in (old, new) for event in bot.game.ledger.values()}
    assert heard >= set(names)
    assert {event.name for event in new.game.ledger.values()} >= set(names[2:]), "the old one had left"


def test_a_cut_connection_is_noticed_at_once(box, connect, post):
    bot = connect(box)
    began = time.monotonic()
    box.do("sockets", do="cut")
    assert bot.connections.acquire(timeout=8)
    assert time.monotonic() - began < 3
    assert votes_reach(bot, post, "clapper")


def test_a_connection_that_falls_silent_is_replaced(box, connect, post):
    bot = connect(box, silence=1.5, ping=0.5)
    box.do("sockets", do="silence")
    try:
        assert bot.connections.acquire(timeout=10)
        assert votes_reach(bot, post, "microscope")
    finally:
        box.do("sockets", do="wake")


def test_slack_being_away_for_a_while_is_outlived(box, connect, post):
    bot = connect(box)
    box.do("faults", api_500=1.0, methods=["apps.connections.open"])
    box.do("sockets", do="cut")
    assert not bot.connections.acquire(timeout=1.5)
    assert not bot.runner.connected
    box.http.delete("faults")
    assert bot.connections.acquire(timeout=8)
    assert votes_reach(bot, post, "beers")


def test_being_turned_away_again_and_again_is_met_with_growing_pauses(box, connect, post, monkeypatch):
    bot = connect(box)
    opened = queue.Queue()
    opening = box.app_web.apps_connections_open
    monkeypatch.setattr(
        box.app_web, "apps_connections_open", lambda **said: (opened.put(time.monotonic()), opening(**said))[1]
    )
    box.do("faults", too_many_websockets=True)
    box.do("sockets", do="disconnect", reason="too_many_websockets")
    first, second, third = (opened.get(timeout=10) for _ in range(3))
    assert second - first >= 1
    assert third - second >= 2
    box.http.delete("faults")
    while bot.connections.acquire(blocking=False):
        pass
    assert votes_reach(bot, post, "hospital")


def test_a_wrong_app_token_is_refused_at_the_start(box, connect):
    bot = connect(box)
    runner = SocketRunner(bot.app, "xapp-wrong", web_client(None, box.info["api_url"]))
    with pytest.raises(ChatError, match="invalid_auth"):
        runner.start()


def test_stopping_finishes_what_was_begun(box, connect):
    bot = connect(box)
    entered, go_on = threading.Event(), threading.Event()
    score = bot.game.my_score

    def slow(workspace, user):
        entered.set()
        assert go_on.wait(5)
        return score(workspace, user)

    bot.game.my_score = slow
    said = []
    asking = threading.Thread(target=lambda: said.extend(bot.say("bob", "/myscore")))
    asking.start()
    assert entered.wait(5)
    stopped = []
    stopping = threading.Thread(target=lambda: stopped.append(bot.runner.stop()))
    stopping.start()
    go_on.set()
    stopping.join(9)
    asking.join(9)
    assert stopped == [True]
    assert "2nd of 12" in said[0]["blocks"][0]["text"]["text"]


def test_messages_that_arrive_faster_than_they_are_handled_stay_in_the_connection(box, connect, post, monkeypatch):
    monkeypatch.setattr("tierbot.adapters.slack.connection.socket_mode._UNHANDLED", 5)
    monkeypatch.setattr("tierbot.adapters.slack.connection.socket_mode.WORKERS", 2)
    bot = connect(box)
    go_on, record, handling = threading.Event(), bot.game.record, []

    def slow(workspace, event):
        handling.append(event)
        assert go_on.wait(20)
        return record(workspace, event)

    bot.game.record = slow
    names = ["pizza", "soccer", "car", "books", "rocket"]
    acts = [{"do": do, "user": "bob", "ts": post, "name": name} for name in names for do in ("react", "unreact")]
    results = box.do("acts", acts=acts * 6)["results"]
    assert all(result["ok"] for result in results)
    client = bot.runner._client
    until = time.monotonic() + 20
    while client.message_queue.qsize() < 5 and time.monotonic() < until:
        bot.game.told.acquire(timeout=0.05)
    assert client.message_queue.qsize() == 5
    assert len(handling) == 2
    assert client.message_workers._work_queue.qsize() <= 5
    go_on.set()
    while len(bot.game.ledger) < 60 and time.monotonic() < until:
        bot.game.told.acquire(timeout=0.05)
    assert len(bot.game.ledger) == 60, "none is lost"


def test_stopping_gives_up_on_a_listener_that_hangs(box, connect):
    bot = connect(box)
    entered, never = threading.Event(), threading.Event()

    def hang(*_):
        entered.set()
        never.wait(30)

    bot.game.my_score = hang
    threading.Thread(target=box.do, args=("command",), kwargs={"user": "bob", "command": "/myscore"}).start()
    assert entered.wait(5)
    began = time.monotonic()
    assert bot.runner.stop(grace=1.5) is False
    assert time.monotonic() - began < 3
    never.set()


def test_sigterm_ends_the_process_with_zero_within_ten_seconds(box):
    program = """
        import sys
        from tests.adapters.slack.conftest import Bot
        from types import SimpleNamespace
        from tierbot.adapters.slack.calls import web_client
        from tierbot.adapters.slack.connection.socket_mode import stop_signals

        api, bot_token, app_token = sys.argv[1:]
        info = {"api_url": api, "app_token": app_token}
        bot = Bot(SimpleNamespace(info=info, channel="C1", web=web_client(bot_token, api), app_web=web_client(None, api)))
        with stop_signals() as stop:
            bot.runner.start()
            assert bot.connections.acquire(timeout=8)
            print("connected", flush=True)
            stop.wait()
        sys.exit(0 if bot.runner.stop() else 3)
    """
    info = box.info
    bot = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), info["api_url"], info["bot_token"], info["app_token"]],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    with bot:
        assert bot.stdout.readline() == "connected\n"
        began = time.monotonic()
        bot.send_signal(signal.SIGTERM)
        assert bot.wait(15) == 0
        assert time.monotonic() - began < 10
