"""A sandbox in its own process, set up by our own manifest; a game in memory; and a bot that joins the two."""

import json
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tierbot.adapters.slack.admins import Admins
from tierbot.adapters.slack.app import build_app, identify
from tierbot.adapters.slack.calls import web_client
from tierbot.adapters.slack.connection.socket_mode import SocketRunner
from tierbot.adapters.slack.dependencies import Dependencies
from tierbot.adapters.slack.manifest import manifest
from tierbot.domain.nouns import Estimate, ModelState, ModelVersion, Round, Standing, TierbotError
from tierbot.domain.rounds.boards import Leaderboard, MyScore, Push, Queue, RoundStatus, TrainingData
from tierbot.domain.tags import default_tag_space
from tierbot.use_cases.game.waiting import Waiting

NOW = datetime(2025, 11, 12, 15, 0, tzinfo=UTC)


class StoppedClock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self):
        return self.time

    def monotonic(self):
        return self.time.timestamp()


class SmallGame:
    """The game in memory: a ledger by event id, an agenda, a pause switch, two models."""

    def __init__(self) -> None:
        self.ledger = {}
        self.deliveries = []  # every record() call, new or not
        self.requests = []
        self.triggers = []
        self.paused = False
        self.fault = None  # raised by the next record()
        self.told = threading.Semaphore(0)
        self.champion = 2
        self.leader = "U0ANNA"

    def record(self, workspace, event):
        if self.fault is not None:
            fault, self.fault = self.fault, None
            raise fault
        new = (workspace, event.event_id) not in self.ledger
        self.ledger[workspace, event.event_id] = event
        self.deliveries.append(event)
        return new

    def take(self, workspace, user, thread, ts, text):
        return True

    def wake(self):
        self.told.release()

    def leaderboard(self, workspace, which):
        if which == "99":
            raise TierbotError("There is no round 99 yet; the current one is 3.")
        if which == "13":
            raise RuntimeError("a bug with secret details")
        standing = Standing(1, self.leader, 42, 42, 30, 32)
        number = {"this": 3, "last": 2, "all": None}.get(which, which)
        return Leaderboard(number, False, NOW + timedelta(hours=5), None, None, (standing,))

    def my_score(self, workspace, user):
        return MyScore(user, 3, Standing(2, user, 7, 7, 3, 4), Standing(1, "U0ANNA", 42, 42, 30, 32), 12, 3)

    def round_status(self, workspace):
        none = Estimate(0, None, None, None)
        return RoundStatus(Round(3, NOW, NOW + timedelta(days=7)), 10, 4, 2, 1, 1, 5, none, none)

    def models(self, workspace):
        states = {self.champion: ModelState.CHAMPION}
        return [ModelVersion(f"m000{n}", n, None, states.get(n, ModelState.RETIRED), "d", "s", NOW, {}) for n in (2, 1)]

    def request(self, workspace, job, by, trigger, **details):
        self.requests.append((job, by, details))
        self.triggers.append(trigger)
        return True

    def waiting(self, workspace):
        return Waiting()

    def push(self, workspace, count, by, trigger):
        self.request(workspace, "push", by, trigger, count=count)
        return Push(count, count, Queue(12, 0, 0, None, paused=False), 5.0, quiet=False)

    def retrain(self, workspace, by, trigger):
        self.request(workspace, "retrain", by, trigger)
        return TrainingData(verdicts=20, new=3, imported=False, judged=9)

    def pause(self, workspace, by):
        before, self.paused = self.paused, True
        return not before

    def resume(self, workspace, by):
        before, self.paused = self.paused, False
        return before

    def roll_back(self, workspace, by):
        self.champion = 1
        return self.models(workspace)[1]


def desk_of(game, clock, admins, channel):
    """Return dependencies where one game in memory plays every part."""
    return Dependencies(
        game=game,
        clock=clock,
        admins=admins,
        channel=channel,
        tags=lambda _: default_tag_space(),
        explanations=game,
        menu_votes=game,
        invitations=game,
        home=game,
        tag_requests=game,
        is_new=lambda *_: True,
        on_emoji_changed=lambda _: None,
        on_events_missed=lambda *_: None,
        legend=game,
        channel_news=game,
    )


class Box:
    """A running sandbox and clients for it."""

    def __init__(self, folder, *flags) -> None:
        declared = folder / "manifest.json"
        declared.write_text(json.dumps(manifest()))
        command = [sys.executable, "-m", "tierbot.sandbox", "--user", "ada:admin", "--user", "bob"]
        self.process = subprocess.Popen(
            [*command, "--manifest", str(declared), *flags], stdout=subprocess.PIPE, text=True
        )
        self.info = json.loads(self.process.stdout.readline())
        self.channel = self.info["channel"]
        self.web = web_client(self.info["bot_token"], self.info["api_url"])
        self.app_web = web_client(None, self.info["api_url"])
        self.http = httpx.Client(base_url=self.info["control_url"], timeout=20, trust_env=False)
        self.users = {user["name"]: user["id"] for user in self.see("state")["users"]}

    def do(self, act, **body):
        return self.http.post(act, json=body).json()

    def see(self, what, **query):
        return self.http.get(what, params=query).json()

    def stop(self):
        self.http.close()
        self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()


class Bot:
    """The Bolt app, connected to a sandbox."""

    def __init__(self, box, **options) -> None:
        self.box, self.game, self.clock = box, SmallGame(), StoppedClock()
        deps = desk_of(self.game, self.clock, Admins((), self.clock), lambda _: box.channel)
        self.identity = identify(box.web)
        self.app = build_app(deps, self.identity, base_url=box.info["api_url"])
        self.connections = threading.Semaphore(0)
        self.runner = SocketRunner(
            self.app, box.info["app_token"], box.app_web, on_connected=self.connections.release, **options
        )

    def say(self, user, command):
        """Run a slash command and return what its answers say."""
        found = self.box.do("command", user=user, command=command, wait=5)
        assert found["error"] is None, found
        return found["responses"]


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """Return a function that starts sandboxes, which are stopped at the module's end."""
    boxes = []

    def start_one(*flags):
        boxes.append(Box(tmp_path_factory.mktemp("box"), *flags))
        return boxes[-1]

    yield start_one
    for box in boxes:
        box.stop()


@pytest.fixture
def connect():
    """Return a function that connects a bot to a sandbox; all are stopped at the test's end."""
    bots = []

    def connect_one(box, **options):
        bot = Bot(box, **options)
        bots.append(bot)
        bot.runner.start()
        assert bot.connections.acquire(timeout=5)
        return bot

    yield connect_one
    for bot in bots:
        bot.runner.stop()
