"""Several teams in one box: an app gets in by OAuth, each token reaches its own team, and what ends ends."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tierbot.sandbox.kit.settings import Settings
from tierbot.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable

CLIENT, SECRET, BACK = "111.222", "sandbox-client-secret", "https://bot.example/slack/oauth_redirect"
PAGE = "/oauth/v2/authorize"


@pytest.fixture
def town(desks: Callable[..., Any]) -> Any:
    """Return two teams, the app in neither, with an admin and a guest in each."""
    return make_town(desks)


def make_town(desks: Callable[..., Any], **changes: Any) -> Any:
    settings = {"installed": False, "client_id": CLIENT, "redirect_urls": (BACK,)} | changes
    desk = desks(Settings(team="North", **settings))
    desk.south = Sandbox(Settings(team="South", **settings), beside=desk.box)
    desk.south.add_colleague("bob")
    for box in (desk.box, desk.south):
        box.add_colleague("ada", admin=True)
        box.add_colleague("gus", guest=True)
    return desk


def allow(town: Any, box: Any, user: str = "ada", *, org: bool = False, **query: str) -> httpx.Response:
    """Submit the authorize page as somebody."""
    asked = {"client_id": CLIENT, "scope": "chat:write,users:read", "state": "s", "redirect_uri": BACK} | query
    place = box.teams.org.id if org else box.workspace.id
    where = f"{place} {box.find_user(user).id}"
    url = str(httpx.URL(PAGE, params=asked))
    return town.raw(url, data={"where": where, "decision": "allow"})


def code_of(answer: httpx.Response) -> str:
    return parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]


def exchange(town: Any, code: str, **changes: str) -> dict[str, Any]:
    given = {"client_id": CLIENT, "client_secret": SECRET, "code": code, "redirect_uri": BACK} | changes
    found: dict[str, Any] = town.call("oauth.v2.access", None, **given)
    return found


def install(town: Any, box: Any, **how: Any) -> dict[str, Any]:
    return exchange(town, code_of(allow(town, box, **how)))


def test_a_code_comes_back_with_the_state_and_is_exchanged_once(town: Any) -> None:
    answer = allow(town, town.box)
    assert answer.status_code == 302
    assert answer.headers["location"].startswith(BACK + "?code=")
    assert answer.headers["location"].endswith("&state=s")
    given = exchange(town, code_of(answer))
    assert given["team"] == {"id": town.box.workspace.id, "name": "North"}
    assert (given["enterprise"], given["is_enterprise_install"]) == (None, False)
    assert given["authed_user"] == {"id": town.box.find_user("ada").id}
    assert town.call("auth.test", given["access_token"])["team"] == "North"
    assert exchange(town, code_of(answer))["error"] == "invalid_code"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"client_id": "other"}, "invalid_client_id"),
        ({"client_secret": "wrong"}, "bad_client_secret"),
        ({"redirect_uri": "https://evil.example/"}, "bad_redirect_uri"),
        ({"code": "made up"}, "invalid_code"),
        ({"grant_type": "password"}, "invalid_grant_type"),
    ],
)
def test_an_exchange_that_is_not_right_is_refused(town: Any, change: dict[str, str], error: str) -> None:
    given = {"code": code_of(allow(town, town.box))} | change
    assert exchange(town, **given)["error"] == error


def test_a_code_lives_ten_minutes(town: Any) -> None:
    code = code_of(allow(town, town.box))
    town.box.clock.advance(601)
    assert exchange(town, code)["error"] == "invalid_code"


@pytest.mark.parametrize(
    "query",
    [{"client_id": "other"}, {"redirect_uri": "https://evil.example/"}, {"scope": "admin"}, {"scope": ""}],
    ids=str,
)
def test_a_page_that_is_asked_for_wrongly_sends_nobody_anywhere(town: Any, query: dict[str, str]) -> None:
    answer = allow(town, town.box, **query)
    assert (answer.status_code, "location" in answer.headers) == (400, False)


def test_guests_cannot_install_and_who_cancels_goes_back_empty_handed(town: Any) -> None:
    assert allow(town, town.box, "gus").status_code == 400
    url = str(httpx.URL(PAGE, params={"client_id": CLIENT, "scope": "chat:write", "state": "s"}))
    answer = town.raw(url, data={"decision": "deny"})
    assert answer.headers["location"] == BACK + "?error=access_denied&state=s"


def test_the_page_offers_both_teams_and_no_guest(start: Callable[..., Any]) -> None:
    flags = ("--another-team", "South & Sons", "--client-id", CLIENT, "--redirect-url", BACK, "--user", "gus:guest")
    box = start(*flags)
    url = box.info["url"].rstrip("/") + PAGE
    page = httpx.get(url, params={"client_id": CLIENT, "scope": "chat:write"}, trust_env=False)
    assert page.status_code == 200
    offered = re.findall(r"<option value=\"(\S+) \S+\">([^<]+)<", page.text)
    assert [text for _, text in offered] == [
        "Pizza Science, as ada",
        "Pizza Science, as bob",
        "South &amp; Sons, as ada",
        "South &amp; Sons, as bob",
    ]
    assert [one["team_id"] for one in box.info["teams"]] == list(dict.fromkeys(team for team, _ in offered))


def test_a_token_reaches_its_own_team_and_no_other(town: Any) -> None:
    north, south = install(town, town.box)["access_token"], install(town, town.south)["access_token"]
    assert north != south
    for token, own, other in ((north, town.box, town.south), (south, town.south, town.box)):
        sent = {"channel": own.home_channel.id, "text": "hi"}
        assert town.call("chat.postMessage", token, **sent)["ok"]
        refused = town.call("chat.postMessage", token, channel=other.home_channel.id, text="hi")
        assert refused["error"] == "channel_not_found"
        assert town.call("users.info", token, user=other.find_user("ada").id)["error"] == "user_not_found"
        names = {user["id"] for user in town.call("users.list", token)["members"]}
        assert names == set(own.workspace.users)
    assert [len(box.home_channel.messages) for box in (town.box, town.south)] == [1, 1]
    assert town.error("auth.test") == "invalid_auth", "the box's own token was never given out here"


def test_an_app_that_is_removed_has_a_dead_token_and_one_that_is_revoked_another(town: Any) -> None:
    north, south = install(town, town.box)["access_token"], install(town, town.south)["access_token"]
    town.box.uninstall()
    assert town.call("auth.revoke", south)["revoked"]
    assert town.call("auth.test", north)["error"] == "account_inactive"
    assert town.call("auth.test", south)["error"] == "token_revoked"
    again = install(town, town.box)["access_token"]
    assert town.call("auth.test", again)["ok"]
    assert town.call("auth.test", north)["error"] == "account_inactive", "an old token stays dead"


def test_twins_have_the_same_channels_people_and_timestamps_and_secrets_of_their_own(
    desks: Callable[..., Any],
) -> None:
    town = make_town(desks, same_ids=True)
    north, south = town.box, town.south
    assert north.workspace.id != south.workspace.id
    assert north.home_channel.id == south.home_channel.id
    assert list(north.workspace.users) == list(south.workspace.users)
    tokens = [install(town, box)["access_token"] for box in (north, south)]
    sent = [town.call("chat.postMessage", token, channel=north.home_channel.id, text="hi") for token in tokens]
    assert sent[0]["ts"] == sent[1]["ts"]
    replies = [box.replies.issue("U1", "C1").token for box in (north, south)]
    assert replies[0] != replies[1]


def test_an_organisations_token_reaches_the_teams_that_let_it_in(desks: Callable[..., Any]) -> None:
    town = make_town(desks, org="Starship")
    given = install(town, town.box, org=True)
    assert (given["team"], given["is_enterprise_install"]) == (None, True)
    token, org = given["access_token"], town.box.teams.org
    assert town.call("auth.test", token)["team_id"] == org.id == given["enterprise"]["id"]
    hello = {"channel": town.south.home_channel.id, "text": "hi"}
    assert town.call("chat.postMessage", token, **hello)["error"] == "channel_not_found"
    town.south.grant()
    assert town.call("chat.postMessage", token, **hello)["ok"]
    assert town.call("users.list", token)["error"] == "missing_argument"
    assert town.call("users.list", token, team_id=town.box.workspace.id)["error"] == "team_access_not_granted"
    assert len(town.call("users.list", token, team_id=town.south.workspace.id)["members"]) == 4


def test_an_organisations_events_name_no_team_in_their_authorization(desks: Callable[..., Any]) -> None:
    town = make_town(desks, org="Starship")
    install(town, town.box, org=True)
    told: list[dict[str, Any]] = []
    town.south.events._courier = SimpleNamespace(event=told.append, not_sent=lambda *_: None)
    town.south.events.send({"type": "reaction_added"})
    assert told == [], "it is not in that team"
    town.south.grant()
    town.south.events._events |= {"team_access_granted"}
    town.south.grant()
    town.south.events.send({"type": "reaction_added"})
    granted, event = told
    assert (granted["team_id"], granted["enterprise_id"]) == (None, town.box.teams.org.id)
    (authorization,) = event["authorizations"]
    assert "team_id" not in authorization
    assert authorization["is_enterprise_install"] is True
    assert event["team_id"] == town.south.workspace.id


def test_only_admins_install_for_an_organisation(desks: Callable[..., Any]) -> None:
    town = make_town(desks, org="Starship")
    assert allow(town, town.box, "bob", org=True).status_code == 400


def test_the_control_api_drives_each_team_by_its_address(start: Callable[..., Any]) -> None:
    box = start("--another-team", "South")
    south = box.info["teams"][1]
    client = httpx.Client(base_url=south["control_url"], trust_env=False)
    assert client.post("users", json={"name": "sue"}).json()["ok"]
    assert "sue" in {user["name"] for user in client.get("state").json()["users"]}
    assert "sue" not in {user["name"] for user in box.see("state")["users"]}
    wrong = httpx.get(box.info["control_url"] + "team/T0NONE/state", trust_env=False)
    assert (wrong.status_code, wrong.json()["error"]) == (404, "team_not_found")
    client.close()
