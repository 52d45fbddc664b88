"""Several Slack teams in a box, and one bot in this process that they install by OAuth, over real sockets and signed HTTP.

The teams are twins unless told otherwise: the same channel ids, the same user ids, the same timestamps.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from html import unescape
from pathlib import Path
from typing import Any

import httpx
from cryptography.fernet import Fernet

from tests.scenarios.conftest import wait_until
from tests.support.balancer import Balancer
from tests.support.operator import USERS, ShiftedClock
from tierbot.adapters.encoders.hashing import HashingEncoder
from tierbot.adapters.http.server import WebServer
from tierbot.adapters.slack.connection.web import web_app
from tierbot.adapters.slack.installation.pages import install_routes
from tierbot.adapters.slack.manifest import manifest
from tierbot.app.bootstrap import app_of, build
from tierbot.app.bot import Tierbot
from tierbot.app.demo.start import Stories, first_model
from tierbot.app.demo.workspace import SandboxProcess
from tierbot.app.serving import identity_of
from tierbot.domain.nouns import Article
from tierbot.domain.tags import default_tag_space
from tierbot.settings import load_settings
from tierbot.use_cases.ports import Transaction

CLIENT, CLIENT_SECRET, SIGNING = "111.222", "sandbox-client-secret", "sandbox-signing-secret"
KEY = Fernet.generate_key().decode()


class Team:
    """One team: its colleagues' hands, and what the bot keeps of it."""

    def __init__(self, told: dict[str, str], bot: Tierbot, sandbox_url: str, public_url: str) -> None:
        self.id, self.name, self.channel = told["team_id"], told["name"], told["channel"]
        self.bot = bot
        self.sandbox_url, self.public_url = sandbox_url, public_url
        self.http = httpx.Client(base_url=told["control_url"], timeout=30, trust_env=False)
        self.users = {user["name"]: user["id"] for user in self.see("state")["users"]}

    def do(self, act: str, **body: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.http.post(act, json=body).json()
        return answer

    def see(self, what: str, **query: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.http.get(what, params=query).json()
        return found

    def say(self, user: str, command: str, **more: Any) -> str:
        """Type a command; return what it answers, as JSON text."""
        answer = self.do("command", user=user, command=command, wait=20, **more)
        assert answer.get("error") is None, answer
        return str(answer["responses"])

    def install(self, user: str = "ada", place: str | None = None) -> httpx.Response:
        """Go the way of an installer's browser; return the last page."""
        return install(self.sandbox_url, self.public_url, place or self.id, self.users[user])

    def messages(self) -> list[dict[str, Any]]:
        return sorted(self.see("messages", limit=500)["messages"], key=lambda message: str(message["ts"]))

    def posts(self) -> list[str]:
        """Return the ts of the posts about stories."""
        return [message["ts"] for message in self.messages() if "https://n.example/" in str(message)]

    def told(self, user: str) -> str:
        """Return what stands in someone's direct messages, as JSON text."""
        return str(self.see("inbox", user=user)["direct"])

    def stories(self, count: int) -> None:
        """Take stories in; every team has its own."""
        with self.read() as tx:
            start = tx.articles.count()
        now = self.bot.clock.now()
        articles = [
            Article(f"a{i}", f"{self.name} story {i * 7919}", "", f"https://n.example/{i}", "News", now)
            for i in range(start, start + count)
        ]
        self.bot.loop.take_in(self.id, articles)

    def play(self, count: int) -> list[str]:
        """Choose the channel and post so many stories."""
        assert "From now on I play in" in self.say("ada", "/tier channel")
        self.stories(count)
        assert f"I'm posting {count}" in self.say("ada", f"/tier push {count}")
        found: list[str] = wait_until(lambda: len(self.posts()) == count and self.posts(), f"posts in {self.name}")
        return found

    def react(self, user: str, ts: str, name: str) -> None:
        assert self.do("react", user=user, ts=ts, name=name)["ok"]
        wait_until(lambda: (self.users[user], name) in self.ledger(ts), f"{name} of {user} in {self.name}'s ledger")

    def ledger(self, ts: str) -> list[tuple[str, str]]:
        with self.read() as tx:
            return [(event.user, event.name) for event in tx.ledger.events(self.channel, ts)]

    def read(self) -> Any:
        return self.bot.store.read(self.id)

    def kept(self, look: Callable[[Transaction], Any]) -> Any:
        with self.read() as tx:
            return look(tx)


def install(sandbox_url: str, public_url: str, place: str, user: str) -> httpx.Response:
    """Click "Add to Slack", allow it, and come back with the cookie."""
    with httpx.Client(trust_env=False, timeout=30) as browser:
        page = browser.get(f"{public_url}/slack/install")
        assert page.status_code == 200, page.text
        cookie = page.headers["set-cookie"].partition(";")[0]
        link = unescape(re.search(r'<a href="([^"]+)"', page.text)[1])
        assert link.startswith(f"{sandbox_url}/oauth/v2/authorize?")
        assert browser.get(link).status_code == 200
        back = browser.post(link, data={"where": f"{place} {user}", "decision": "allow"})
        assert back.status_code == 302, back.text
        return browser.get(back.headers["location"], headers={"Cookie": cookie})


class Town:
    """The teams and the bot."""

    def __init__(self, bot: Tierbot, sandbox: SandboxProcess, clock: ShiftedClock, public_url: str) -> None:
        self.bot, self.sandbox, self.clock, self.public_url = bot, sandbox, clock, public_url
        url = sandbox.address.url.rstrip("/")
        self.teams = [Team(told, bot, url, public_url) for told in sandbox.teams]
        self.north, self.south = self.teams[:2]


def manifest_at(public_url: str, *, token_rotation: bool = False) -> dict[str, Any]:
    declared = manifest(public_url=public_url)
    declared["settings"]["token_rotation_enabled"] = token_rotation
    return declared


@contextmanager
def open_town(folder: Path, *flags: str, token_rotation: bool = False, **changes: object) -> Iterator[Town]:
    """Start two teams that have not installed the app yet, and the bot."""
    clock, encoder, tags = ShiftedClock(), HashingEncoder(), default_tag_space()
    with ExitStack() as stack:
        balancer = stack.enter_context(Balancer())
        public_url = f"http://127.0.0.1:{balancer.port}"
        options = ("--request-url", f"{public_url}/slack/events", "--client-id", CLIENT, "--not-installed")
        declared = manifest_at(public_url, token_rotation=token_rotation)
        options += ("--team", "North", "--another-team", "South", *flags)
        sandbox = stack.enter_context(SandboxProcess(users=USERS, declared=declared, flags=options))
        defaults: dict[str, object] = {
            "slack_client_id": CLIENT,
            "slack_client_secret": CLIENT_SECRET,
            "slack_signing_secret": SIGNING,
            "slack_api_url": sandbox.address.api_url,
            "secret_key": KEY,
            "public_url": public_url,
            "database_url": f"sqlite:///{folder}/town.db",
            "seed": 1,
            "slack_posts_per_second": 1000,
            "push_every_hours": 168,
            "quiet_hours": "",
            "retrain_after": 10**9,
            "minimum_voters": 1,
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
        app = app_of(bot, identity_of(bot))
        server = WebServer(web_app(app, SIGNING, clock, install_routes(app)), "127.0.0.1", 0)
        balancer.ports = [server.start()]
        stack.callback(server.stop)
        bot.start()
        stack.callback(bot.stop)
        town = Town(bot, sandbox, clock, public_url)
        for team in town.teams:
            stack.callback(team.http.close)
        yield town
