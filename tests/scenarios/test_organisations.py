"""An organisation installs the app once for all of its workspaces; each lets it in, plays its own game, and may end it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.conftest import wait_until
from tests.support.town import Team, Town, install, open_town


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with open_town(tmp_path, "--org", "Starship") as opened:
        north = opened.north
        org = north.see("state")["team"]["enterprise_id"]
        page = install(north.sandbox_url, opened.public_url, org, north.users["ada"])
        assert page.status_code == 200
        assert "/manage/organization/apps/" in page.text or "Thank you" in page.text
        yield opened


def running(town: Town) -> set[str]:
    return set(town.bot.store.running_ids())


def ready(team: Team) -> None:
    wait_until(lambda: team.kept(lambda tx: tx.rounds.current()), f"{team.name} to be set up")


def test_each_workspace_that_lets_it_in_plays_its_own_game_with_the_one_token(town: Town) -> None:
    assert running(town) == set(), "nobody has let it in yet"
    for team in town.teams:
        team.do("grant")
        wait_until(lambda team=team: team.id in running(town), f"{team.name} to be known")
        ready(team)
    tokens = {town.bot.installations().of(team.id).token for team in town.teams}
    assert len(tokens) == 1
    for team in town.teams:
        (ts, *_) = team.play(2)
        team.react("bob", ts, "pizza")
        assert f"{team.name} story" in str(team.messages())
    north, south = town.teams
    assert "South" not in str(north.messages())
    assert {event[0] for ts in south.posts() for event in south.ledger(ts)} == {south.users["bob"]}, "not the bot's own"
    wait_until(lambda: "1 article" in south.say("bob", "/myscore"), "bob's point")


def test_a_workspace_whose_welcome_got_lost_is_known_from_its_first_request(town: Town) -> None:
    south = town.south
    south.do("faults", drop_event=1.0)
    south.do("grant")
    south.do("faults", drop_event=0.0)
    assert running(town) == set()
    assert "/leaderboard" in south.say("bob", "/leaderboard help")
    assert running(town) == {south.id}
    ready(south)


def test_what_ends_for_one_workspace_ends_for_it_alone_and_what_ends_for_all_for_all(town: Town) -> None:
    for team in town.teams:
        team.do("grant")
        wait_until(lambda team=team: team.id in running(town), f"{team.name} to be known")
        ready(team)
    town.south.do("grant", granted=False)
    wait_until(lambda: running(town) == {town.north.id}, "South to stop")
    town.south.do("grant")
    wait_until(lambda: town.south.id in running(town), "South to go on")
    town.north.do("uninstall", org=True)
    wait_until(lambda: running(town) == set(), "all to stop")
