"""What Slack says of installations, as payloads: whatever it is, it is answered, and only true ends end anything."""

import asyncio
import hashlib
import hmac
import json

import httpx
import pytest

from tests.adapters.slack.conftest import SmallGame, desk_of
from tests.support.installations import OLD, TOKEN, Place, installed, org_wide
from tierbot.adapters.slack.admins import Admins
from tierbot.adapters.slack.app import build_app
from tierbot.adapters.slack.connection.web import web_app
from tierbot.adapters.slack.installation.oauth import installing_of
from tierbot.adapters.slack.installation.pages import install_routes
from tierbot.adapters.slack.manifest import bot_scopes
from tierbot.use_cases.ports import ChatUnavailableError

SECRET = "shh"


class Dependencies(Place):
    """The ASGI application of many workspaces over a database and a game in memory."""

    def __init__(self, url):
        super().__init__(url, OLD)
        self.game = SmallGame()
        self.installing = installing_of(
            self.all,
            self.store,
            self.clock,
            client_id="1.2",
            client_secret="secret",
            scopes=bot_scopes(),
            base_url="http://127.0.0.1:9/api/",
            public_url="https://bot.example",
        )
        deps = desk_of(self.game, self.clock, Admins((), self.clock, self.all.installers), lambda _: "C1")
        self.app = build_app(deps, None, base_url="http://127.0.0.1:9/api/", installing=self.installing)
        self.asgi = web_app(self.app, SECRET, self.clock, install_routes(self.app))

    def ask(self, method, path, body=b"", **headers):
        async def send():
            transport = httpx.ASGITransport(app=self.asgi)
            async with httpx.AsyncClient(transport=transport, base_url="http://bot") as client:
                return await client.request(method, path, content=body, headers=headers)

        return asyncio.run(send())

    def event(self, event, team="T1", enterprise=None, *, of_org=False, **more):
        authorization = {
            "enterprise_id": enterprise,
            "user_id": "UBOT",
            "is_bot": True,
            "is_enterprise_install": of_org,
        }
        body = {
            "type": "event_callback",
            "event_id": "Ev1",
            "team_id": team,
            "enterprise_id": enterprise,
            "authorizations": [authorization | ({} if of_org else {"team_id": team})],
            "event": event,
        } | more
        return self.sent(json.dumps(body).encode(), "application/json")

    def sent(self, body, kind):
        now = str(int(self.clock.now().timestamp()))
        mark = hmac.new(SECRET.encode(), b"v0:" + now.encode() + b":" + body, hashlib.sha256).hexdigest()
        headers = {"content-type": kind, "x-slack-request-timestamp": now, "x-slack-signature": f"v0={mark}"}
        return self.ask("POST", "/slack/events", body, **headers)


REACTION = {
    "type": "reaction_added",
    "user": "U1",
    "reaction": "pizza",
    "item": {"type": "message", "channel": "C1", "ts": "1700000000.000100"},
    "event_ts": "1700000001.000100",
}
BOTS_GONE = {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": ["UBOT"]}}


@pytest.fixture
def deps(tmp_path):
    opened = Dependencies(f"sqlite:///{tmp_path}/bot.db")
    yield opened
    opened.store.close()


def test_an_event_goes_to_the_workspace_that_it_is_of_and_to_none_that_has_not_installed(deps):
    deps.all.begin(installed(), TOKEN)
    assert deps.event(REACTION).status_code == 200
    assert deps.event(REACTION, "T2", event_id="Ev2").status_code == 200, "acknowledged, or it came again and again"
    assert list(deps.game.ledger) == [("T1", "Ev1")]


def test_an_event_of_an_organisations_installation_is_its_workspaces_though_its_authorization_names_none(deps):
    deps.all.begin(org_wide(), TOKEN)
    deps.event(REACTION, "T7", "E1", of_org=True)
    deps.event(REACTION, "T9", "E1", of_org=True, event_id="Ev2", context_team_id="T8", is_ext_shared_channel=True)
    assert list(deps.game.ledger) == [("T7", "Ev1"), ("T8", "Ev2")]


@pytest.mark.parametrize("event", [BOTS_GONE, {"type": "app_uninstalled"}], ids=lambda event: event["type"])
def test_the_end_is_written_before_it_is_acknowledged(deps, event):
    deps.all.begin(installed(), TOKEN)
    deps.fault = ChatUnavailableError("no answer")
    assert deps.event(event).status_code == 500, "Slack delivers it again"
    assert deps.store.running_ids() == ["T1"]
    deps.fault = None
    deps.dead.add(TOKEN)
    assert deps.event(event).status_code == 200
    assert deps.store.running_ids() == []
    assert deps.event(REACTION).status_code == 200
    assert not deps.game.ledger


@pytest.mark.parametrize(
    "event",
    [
        {"type": "tokens_revoked", "tokens": {"oauth": ["U1"], "bot": []}},
        {"type": "tokens_revoked", "tokens": {"oauth": ["U1"]}},
        {"type": "tokens_revoked", "tokens": ["UBOT"]},
        {"type": "tokens_revoked"},
        {"type": "team_access_revoked", "team_ids": "T1"},
        {"type": "team_access_revoked", "team_ids": None},
        {"type": "team_access_granted"},
    ],
    ids=str,
)
def test_what_is_about_people_or_about_nothing_ends_nothing(deps, event):
    deps.all.begin(installed(), TOKEN)
    deps.dead.add(TOKEN)
    assert deps.event(event).status_code == 200
    assert deps.store.running_ids() == ["T1"]


def test_another_workspaces_end_is_not_ours(deps):
    deps.all.begin(installed(), TOKEN)
    deps.dead.add(TOKEN)
    for team, enterprise in (("T2", None), ("T2", "T1"), ("T2", "E1")):
        assert deps.event({"type": "app_uninstalled"}, team, enterprise).status_code == 200
    assert deps.store.running_ids() == ["T1"]


def test_the_end_of_a_workspaces_own_installation_leaves_its_organisations_and_the_other_way_round(deps):
    deps.all.begin(org_wide(), "xoxb-org")
    deps.all.begin(installed("T1", enterprise="E1"), TOKEN)
    deps.dead |= {"xoxb-org", TOKEN}
    deps.event({"type": "app_uninstalled"}, None, "E1", of_org=True)
    assert deps.store.running_ids() == ["T1"]
    deps.event({"type": "app_uninstalled"}, "T1", "E1", event_id="Ev2")
    assert deps.store.running_ids() == []


def test_a_command_where_the_app_is_not_installed_is_answered_in_words(deps):
    body = b"command=/tier&team_id=T9&user_id=U1&text=push"
    answer = deps.sent(body, "application/x-www-form-urlencoded")
    assert (answer.status_code, "isn't installed in this workspace" in answer.text) == (200, True)


@pytest.mark.parametrize("user", ["", "not an id", "<!channel>", "u1", "U1\n", "B123", "U" * 300, 7, None], ids=repr)
def test_a_reaction_by_a_user_id_that_is_none_is_dropped(deps, user):
    deps.all.begin(installed(), TOKEN)
    assert deps.event(REACTION | {"user": user}).status_code < 500
    assert not deps.game.ledger


def test_the_install_page_asks_for_the_scopes_that_the_code_needs_and_comes_back_here(deps):
    page = deps.ask("GET", "/slack/install")
    link = httpx.URL(page.text.partition('<a href="')[2].partition('"')[0].replace("&amp;", "&"))
    assert str(link).startswith("http://127.0.0.1:9/oauth/v2/authorize?")
    assert link.params["scope"].split(",") == list(bot_scopes())
    assert link.params["redirect_uri"] == "https://bot.example/slack/oauth_redirect"
    assert link.params["state"] in page.headers["set-cookie"]
    assert {"Secure", "HttpOnly"} <= {part.strip() for part in page.headers["set-cookie"].split(";")}
    assert page.headers["cache-control"] == "no-store"


def test_posting_to_the_install_pages_is_refused(deps):
    assert [deps.ask("POST", path).status_code for path in ("/slack/install", "/slack/oauth_redirect")] == [405, 405]


def test_states_are_single_use_and_run_out(deps):
    states = deps.installing.settings.state_store
    first, second = states.issue(), states.issue()
    assert first != second
    assert len(first) >= 32
    assert [states.consume(first) for _ in range(2)] == [True, False]
    deps.clock.time = deps.clock.time.replace(hour=deps.clock.time.hour + 1)
    assert not states.consume(second)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"bot_refresh_token": "xoxe-1"}, "token rotation"),
        ({"bot_token": None}, "no bot token"),
        ({"team_id": None}, "neither a workspace nor an organization"),
    ],
)
def test_an_installation_that_cannot_be_kept_is_refused_with_the_reason_in_the_log(deps, given, complaint, caplog):
    from slack_bolt.error import BoltError
    from slack_sdk.oauth.installation_store import Installation

    whole = {"bot_token": TOKEN, "bot_user_id": "UBOT", "user_id": "U1", "team_id": "T1"}
    with pytest.raises(BoltError, match=complaint):
        deps.installing.settings.installation_store.save(Installation(**(whole | given)))
    assert complaint in caplog.text
    assert TOKEN not in caplog.text
    assert deps.store.workspace_ids() == []
