"""An app comes into a workspace, leaves it in mid-round, and comes back: over real sockets, by Slack's own ways."""

from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.scenarios.conftest import wait_until
from tests.support.databases import database
from tests.support.town import Team, Town, open_town
from tierbot.use_cases.ports import DeliveryState, Job


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with open_town(tmp_path) as opened:
        yield opened


def stopped(team: Team) -> bool:
    known = team.kept(lambda tx: tx.workspaces.get())
    return known is not None and known.stopped_at is not None


def waiting(team: Team) -> int:
    counts: dict[DeliveryState, int] = team.kept(lambda tx: tx.outbox.counts())
    return counts[DeliveryState.PENDING]


def state_of(page: httpx.Response) -> tuple[str, str]:
    """Return the state in the install page's link, and the cookie beside it."""
    link = unescape(page.text.partition('<a href="')[2].partition('"')[0])
    return httpx.URL(link).params["state"], page.headers["set-cookie"].partition(";")[0]


def test_the_way_back_needs_the_state_the_browser_and_a_code_each_once(town: Town) -> None:
    with httpx.Client(base_url=town.public_url, trust_env=False) as browser:

        def back(cookie: str, **query: str) -> httpx.Response:
            return browser.get("/slack/oauth_redirect", params=query, headers={"Cookie": cookie})

        state, cookie = state_of(browser.get("/slack/install"))
        forged = cookie.partition("=")[0] + "=forged"
        assert back("", state=state, code="1").status_code == 400, "another browser"
        assert back(forged, state="forged", code="1").status_code == 401, "a state that was never given out"
        assert back(cookie, state=state, error="access_denied").status_code == 200
        made_up = back(cookie, state=state, code="<script>made up</script>")
        assert made_up.status_code == 401
        assert "<script>" not in made_up.text
        assert back(cookie, state=state, code="1").status_code == 401, "the state is used up"
        assert "default-src 'none'" in made_up.headers["content-security-policy"]
        state, cookie = state_of(browser.get("/slack/install"))
        town.clock.ahead += timedelta(minutes=11)
        assert "invalid_state" in back(cookie, state=state, code="1").text, "it ran out"
    assert town.bot.store.workspace_ids() == []


def test_where_slack_fails_the_installer_gets_a_page_and_not_a_fault(town: Town) -> None:
    town.north.do("faults", api_500=1.0)
    page = town.north.install()
    assert page.status_code in {401, 502}
    assert town.bot.store.workspace_ids() == []
    town.north.do("faults", api_500=0.0)
    assert "Thank you" in town.north.install().text


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_an_app_whose_tokens_expire_is_refused_on_the_page_with_what_to_do(tmp_path: Path, kind: str) -> None:
    with database(kind, tmp_path) as url, open_town(tmp_path, token_rotation=True, database_url=url) as town:
        page = town.north.install()
        assert page.status_code == 500
        assert "token rotation" in page.text
        assert "Create a new app" in page.text
        assert "again" not in page.text.partition("<h1>")[2].replace("turn that off again", ""), (
            "trying again is of no use"
        )
        assert town.bot.store.workspace_ids() == []


def test_the_channel_is_chosen_by_who_installed_and_only_where_the_bot_is(town: Town) -> None:
    north = town.north
    assert "Thank you" in north.install("bob").text, "members may install, even if they aren't admins"
    wait_until(lambda: "/tier channel" in north.told("bob"), "the welcome")
    assert "/tier channel" not in north.told("ada")
    assert "No channel is set yet" in north.say("bob", "/tier push 1")
    elsewhere = north.do("channels", name="elsewhere", bot=False, members=["bob"])["channel"]["id"]
    assert f"/invite <@{town.bot.installations().of(north.id).bot_user_id}>" in north.say(
        "bob", "/tier channel", channel=elsewhere
    )
    private = north.do("channels", name="hidden", private=True, bot=False, members=["bob"])["channel"]["id"]
    assert "I'm not in" in north.say("bob", "/tier channel", channel=private)
    assert "I only know channels by their id" in north.say("bob", "/tier channel #elsewhere")
    direct = north.do("dm", user="bob")["channel"]["id"]
    assert "This is a direct message" in north.say("bob", "/tier channel", channel=direct)
    assert "for the admins" in north.say("cid", "/tier channel")
    assert north.kept(lambda tx: tx.workspaces.get().channel) == ""
    assert "From now on I play in" in north.say("bob", f"/tier channel <#{north.channel}|trending>", channel=elsewhere)
    assert "already" in north.say("ada", f"/tier channel {north.channel.lower()}")
    (line,) = [one for one in north.kept(lambda tx: tx.workspaces.audit_trail(9)) if one["what"] == "choose channel"]
    assert (line["who"], line["before"], line["after"]) == (north.users["bob"], None, north.channel)
    north.do("archive")
    assert "is archived" in north.say("bob", f"/tier channel {north.channel}", channel=elsewhere)


def test_a_workspace_that_removes_the_app_in_mid_round_stops_and_the_other_plays_on(town: Town) -> None:
    for team in town.teams:
        team.install()
        wait_until(lambda team=team: "/tier channel" in team.told("ada"), "the welcome")
    posts = town.south.play(3)
    town.north.play(2)
    town.south.react("bob", posts[0], "pizza")
    town.south.do("uninstall")
    wait_until(lambda: stopped(town.south), "South to stop")
    assert town.bot.installations().of(town.south.id) is None
    assert town.south.do("command", user="ada", command="/tier push 1").get("error") == "unknown_command"
    with town.bot.store.begin(town.south.id) as tx:  # what was due and what was waiting stays
        tx.agenda.ask(Job.request("push", "one", town.bot.clock.now(), "UADA", count=1))
    town.south.stories(1)
    kept = town.south.kept(lambda tx: (tx.posts.in_round(1), tx.ledger.events(town.south.channel, posts[0])))
    town.north.stories(2)
    assert "I'm posting 2" in town.north.say("ada", "/tier push 2")
    wait_until(lambda: len(town.north.posts()) == 4, "North to play on")
    town.clock.ahead += timedelta(days=8)
    wait_until(lambda: town.north.kept(lambda tx: tx.rounds.current().number) == 2, "North's round to close")
    assert town.south.kept(lambda tx: tx.rounds.current().number) == 1, "due jobs skip it"
    assert town.south.kept(lambda tx: (tx.posts.in_round(1), tx.ledger.events(town.south.channel, posts[0]))) == kept
    assert len(town.south.posts()) == 3
    # And back again: another token, the same game.
    town.south.do("react", user="cid", ts=posts[0], name="football")
    assert "Thank you" in town.south.install().text
    wait_until(lambda: "I'm back" in town.south.told("ada"), "the welcome back")
    wait_until(lambda: len(town.south.posts()) == 4, "the push that was due")
    seen = town.south.users["cid"], "football"
    wait_until(lambda: seen in town.south.ledger(posts[0]), "what was missed, by comparing")


def test_a_token_that_is_revoked_without_a_word_stops_the_workspace_and_keeps_its_messages(town: Town) -> None:
    """Slack's events are best effort: the outbox notices it, too."""
    north = town.north
    north.install()
    wait_until(lambda: "/tier channel" in north.told("ada"), "the welcome")
    north.play(1)
    north.do("faults", drop_event=1.0)
    north.do("revoke")
    north.stories(2)
    assert town.bot.loop.ask(north.id, 2) == 2
    wait_until(lambda: stopped(north), "North to stop")
    assert waiting(north) >= 2
    north.do("faults", drop_event=0.0)
    north.install()
    wait_until(lambda: len(north.posts()) == 3, "the messages that waited")
    assert north.kept(lambda tx: tx.outbox.parked()) == []


def test_an_emoji_that_the_workspace_deleted_is_told_once_and_its_posts_go_on(town: Town) -> None:
    north = town.north
    north.install()
    wait_until(lambda: "/tier channel" in north.told("ada"), "the welcome")
    with town.bot.store.begin(north.id) as tx:
        tags = tx.workspaces.tags()
        tx.workspaces.put_tags(type(tags)(_with_own_emoji(tags)))
    assert "From now on" in north.say("ada", "/tier channel")
    for _ in range(2):
        with town.bot.store.read(north.id) as tx:
            sent = len(tx.posts.in_round(1))
        north.stories(6)
        assert town.bot.loop.ask(north.id, 6) == 6
        wait_until(lambda sent=sent: len(north.posts()) == sent + 6, "the posts, without their emoji")
        wait_until(lambda: waiting(north) == 0, "the outbox to be empty")
    wait_until(lambda: "no longer knows" in north.told("ada"), "the notice")
    emoji = sorted(set(north.told("ada").split(":gone_")[1:]))
    assert len(emoji) == len({part.partition(":")[0] for part in emoji}), "each once"
    assert "no longer knows" not in north.told("bob")
    assert {row.error.partition(":")[0] for row in north.kept(lambda tx: tx.outbox.parked())} == {"invalid_name"}


def _with_own_emoji(tags: Any) -> list[Any]:
    from dataclasses import replace

    return [replace(tag, short_name=f"gone_{tag.id.replace('-', '_')}") for tag in tags]
