"""A whole bot in this process, connected to a Slack workspace in a box over real sockets; colleagues by HTTP."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from tests.scenarios.conftest import wait_until
from tests.support.balancer import Balancer
from tests.support.databases import database
from tierbot.adapters.encoders.hashing import HashingEncoder
from tierbot.adapters.http.server import WebServer
from tierbot.adapters.slack.connection.web import EVENTS_PATH, web_app
from tierbot.adapters.slack.manifest import manifest
from tierbot.app.bootstrap import app_of, build, connect, prepare_only_workspace
from tierbot.app.bot import SystemClock, Tierbot
from tierbot.app.demo.start import Stories, first_model
from tierbot.app.demo.workspace import SandboxProcess
from tierbot.domain.nouns import Article, Post
from tierbot.domain.tags import default_tag_space
from tierbot.settings import load_settings
from tierbot.use_cases.ports import Encoder

USERS = ("ada:admin", "bob", "cid", "dee")


class ShiftedClock(SystemClock):
    """The machine's clock, ahead by as much as it is told."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.ahead


class House:
    """The workspace, the bot, and hands for its colleagues."""

    def __init__(self, bot: Tierbot, sandbox: SandboxProcess, clock: ShiftedClock) -> None:
        self.bot = bot
        self.sandbox = sandbox
        self.clock = clock
        self.workspace = bot.only_workspace()
        self.channel = sandbox.address.channel
        self.http = httpx.Client(base_url=sandbox.address.control_url, timeout=30, trust_env=False)
        self.users = {user["name"]: user["id"] for user in self.see("state")["users"]}

    def do(self, act: str, **body: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.http.post(act, json=body).json()
        assert answer.get("ok", True), answer
        assert answer.get("error") is None, answer
        return answer

    def see(self, what: str, **query: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.http.get(what, params=query).json()
        return found

    def messages(self, channel: str | None = None) -> list[dict[str, Any]]:
        """Return a channel's messages as Slack shows them, oldest first."""
        query = {"channel": channel} if channel else {}
        found = self.see("messages", limit=500, **query)["messages"]
        return sorted(found, key=lambda message: str(message["ts"]))

    def message(self, ts: str, channel: str | None = None) -> dict[str, Any]:
        return next(message for message in self.messages(channel) if message["ts"] == ts)

    def post(self, count: int = 1, text: str = "") -> list[Post]:
        """Let the bot post `count` new articles and return the posts, as the database has them."""
        with self.bot.store.read(self.workspace) as tx:
            start = tx.articles.count()
            before = {post.id for post in tx.posts.open(self.bot.clock.now().replace(year=2000))}
        now = self.bot.clock.now()
        subjects = ("pizza and pasta", "a quarterback's touchdown", "a new telescope", "bitcoin wallets")
        articles = [
            Article(f"a{i}", f"Story {i * 7919} about {subjects[i % 4]}", text, f"https://n.example/{i}", "News", now)
            for i in range(start, start + count)
        ]
        self.bot.loop.take_in(self.workspace, articles)
        assert self.bot.loop.ask(self.workspace, count) == count

        def arrived() -> list[Post]:
            with self.bot.store.read(self.workspace) as tx:
                new = [post for post in tx.posts.open(now.replace(year=2000)) if post.id not in before]
            return new if len(new) == count else []

        found: list[Post] = wait_until(arrived, "the posts to arrive")
        return found

    def react(self, user: str, post: Post, name: str, channel: str | None = None) -> None:
        self.do("react", user=user, ts=post.ts, name=name, channel=channel or post.channel)
        self.heard(user, post, name)

    def heard(self, user: str, post: Post, name: str) -> None:
        def is_in() -> bool:
            with self.bot.store.read(self.workspace) as tx:
                events = tx.ledger.events(post.channel, post.ts or "")
            return any(event.user == self.users[user] and event.name == name for event in events)

        wait_until(is_in, f"{name} of {user} in the ledger")

    def modal(self, user: str, view_id: str, said: Callable[[str], bool]) -> dict[str, Any]:
        """Return a user's modal once its text satisfies `said`."""

        def shown() -> dict[str, Any] | None:
            views = self.see("inbox", user=user)["views"]
            return next((view for view in views if view["id"] == view_id and said(str(view["blocks"]))), None)

        found: dict[str, Any] = wait_until(shown, "the modal to say it")
        return found


def web_server_of(bot: Tierbot, clock: ShiftedClock) -> WebServer:
    """Return what receives Slack's signed requests for the bot of one workspace."""
    identity = prepare_only_workspace(bot, time.sleep)
    return WebServer(web_app(app_of(bot, identity), "sandbox-signing-secret", clock), "127.0.0.1", 0)


@contextmanager
def open_house(
    folder: Path, *, encoder: Encoder | None = None, by_http: bool = False, **changes: object
) -> Iterator[House]:
    """Start a sandbox and a bot in it, connected by Socket Mode or by signed HTTP."""
    clock, encoder, tags = ShiftedClock(), encoder or HashingEncoder(), default_tag_space()
    with ExitStack() as stack:
        balancer = stack.enter_context(Balancer()) if by_http else None
        url = f"http://127.0.0.1:{balancer.port}{EVENTS_PATH}" if balancer else None
        declared, flags = (manifest(request_url=url), ("--request-url", url)) if url else (manifest(), ())
        sandbox = stack.enter_context(SandboxProcess(users=USERS, declared=declared, flags=flags))
        address = sandbox.address
        defaults: dict[str, object] = {
            "slack_bot_token": address.bot_token,
            "slack_app_token": address.app_token,
            "slack_api_url": address.api_url,
            "channel": address.channel,
            "database_url": f"sqlite:///{folder}/house.db",
            "seed": 1,
            "slack_posts_per_second": 1000,
            "push_every_hours": 168,
            "quiet_hours": "",
            "retrain_after": 10**9,
        }
        model_files = first_model(Stories(tags, (), ()), encoder, clock.now(), seed=1)
        bot = build(
            load_settings(None, **(defaults | changes)),
            clock=clock,
            encoder=encoder,
            model_files=model_files,
            tags=tags,
        )
        stack.callback(bot.close)
        listener = connect(bot) if balancer is None else web_server_of(bot, clock)
        for part in (listener, bot):
            started = part.start()
            stack.callback(part.stop)
            if balancer is not None and part is listener:
                balancer.ports = [int(started or 0)]
        house = House(bot, sandbox, clock)
        stack.callback(house.http.close)
        until = time.monotonic() + 10
        while balancer is None and house.see("stats")["connections"] == 0 and time.monotonic() < until:
            time.sleep(0.02)
        yield house


WAYS = [("socket", "sqlite"), ("socket", "postgresql"), ("http", "sqlite"), ("http", "postgresql")]
"""Each transport with each database, for `open_house_by`."""


@contextmanager
def open_house_by(way: tuple[str, str], folder: Path) -> Iterator[House]:
    """Open a house by a transport and with a database, where one vote settles a post; skip without that database."""
    transport, kind = way
    with (
        database(kind, folder) as url,
        open_house(folder, by_http=transport == "http", database_url=url, minimum_voters=1) as built,
    ):
        yield built
