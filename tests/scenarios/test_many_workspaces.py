"""Two teams that are alike down to every id play at once, and nothing crosses between them."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.scenarios.conftest import wait_until
from tests.support.databases import database
from tests.support.town import Team, Town, open_town
from tierbot.domain.nouns import TierbotError
from tierbot.reports.dataset import Only, pseudonyms_of, row_of, settled_posts
from tierbot.use_cases.people.personal_data import PersonalData

COUNT = 6


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def town(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Two twins that installed the app and posted their stories."""
    folder = tmp_path_factory.mktemp("town")
    with database(request.param, folder) as url, open_town(folder, "--same-ids", database_url=url) as opened:
        for team in opened.teams:
            assert "Thank you" in team.install().text
        for team in opened.teams:
            wait_until(lambda team=team: "/tier channel" in team.told("ada"), f"the welcome in {team.name}")
            team.play(COUNT)
        yield opened


def other(town: Town, team: Team) -> Team:
    return town.south if team is town.north else town.north


def test_the_teams_are_alike_where_slack_allows_it(town: Town) -> None:
    north, south = town.teams
    assert (north.channel, north.users) == (south.channel, south.users)
    assert set(north.posts()) & set(south.posts()), "messages with the same ts in the same channel"
    assert north.id != south.id


def test_each_team_sees_its_own_stories_only(town: Town) -> None:
    for team in town.teams:
        text = str(team.messages())
        assert f"{team.name} story" in text
        assert f"{other(town, team).name} story" not in text


def test_each_message_went_out_once_with_its_own_teams_token(town: Town) -> None:
    """The sandbox refuses a token in another team's channel; and nobody's message is marked twice."""
    for team in town.teams:
        marked = [
            message["metadata"]["event_payload"]["delivery_id"]
            for message in team.messages()
            if message.get("metadata")
        ]
        assert len(marked) == len(set(marked)) >= COUNT
        assert team.kept(lambda tx: tx.outbox.parked()) == []
    tokens = {town.bot.installations().of(team.id).token for team in town.teams}
    assert len(tokens) == 2


def test_reactions_votes_scores_and_boards_stay_in_their_team(town: Town) -> None:
    north, south = town.teams
    ts = min(set(north.posts()) & set(south.posts()))
    north.react("bob", ts, "pizza")
    south.react("cid", ts, "football")
    assert north.ledger(ts) == [(north.users["bob"], "pizza")]
    assert south.ledger(ts) == [(south.users["cid"], "football")]
    for team, player, idler in ((north, "bob", "cid"), (south, "cid", "bob")):
        wait_until(
            lambda team=team, player=player: "1 article" in team.say(player, "/myscore"),
            f"{player}'s point in {team.name}",
        )
        assert "1 article" not in team.say(idler, "/myscore")
        board = team.say("ada", "/leaderboard")
        named = {user for user in ("bob", "cid") if user in board or team.users[user] in board}
        assert named == {player}, board
    tags = [
        team.kept(lambda tx: [(v.user, v.tag) for votes in tx.ledger.votes_in_round(1).values() for v in votes])
        for team in town.teams
    ]
    assert tags == [[(north.users["bob"], "food")], [(south.users["cid"], "football")]]


def test_app_homes_are_of_their_team(town: Town) -> None:
    north, south = town.teams
    before = str(south.see("inbox", user="dee")["home"])
    home = north.do("home", user="dee", wait=20)
    assert home["changed"], home
    assert str(south.see("inbox", user="dee")["home"]) == before == "None"


def test_models_are_of_their_team(town: Town) -> None:
    north, south = town.teams
    version, weights = town.bot.registry.first(town.bot.tags)
    with town.bot.store.begin(north.id) as tx:
        tx.models.add(replace(version, id="m0099", number=99), weights)
    town.bot.registry.promote(north.id, "m0099", "U1")
    assert "m0099" in north.say("ada", "/tier models")
    assert "m0099" not in south.say("ada", "/tier models")
    assert town.bot.registry.champion(south.id)[0].id != "m0099"
    with pytest.raises(TierbotError, match="no model 'm0099'"):
        town.bot.registry.promote(south.id, "m0099", "U1")


def test_who_is_forgotten_in_one_team_is_known_in_the_other(town: Town) -> None:
    north, south = town.teams
    ts = sorted(set(north.posts()) & set(south.posts()))[1]
    for team in town.teams:
        team.react("dee", ts, "football")
        town.bot.loop.look_up(team.id)
        town.bot.loop.settle(team.id)
    rights, dee = PersonalData(town.bot.store, town.bot.clock), north.users["dee"]
    before = rights.export(south.id, dee)
    rights.forget(north.id, dee, "UADA", anonymize=False)
    with pytest.raises(TierbotError, match="Nothing is stored"):
        rights.export(north.id, dee)
    assert rights.export(south.id, dee) == before
    assert (dee, "football") in south.ledger(ts)


def test_an_export_holds_one_teams_rows_and_names_one_person_differently_in_each(town: Town) -> None:
    ts = sorted(set(town.north.posts()) & set(town.south.posts()))[2]
    names = []
    for team in town.teams:
        team.react("ada", ts, "football")
        store = town.bot.store
        pseudonyms = pseudonyms_of(store, team.id)
        town.bot.loop.look_up(team.id)
        town.bot.loop.settle(team.id)
        with store.read(team.id) as tx:
            rows = [row_of(item) for item in settled_posts(tx, Only(), pseudonyms)]
        assert rows
        assert {row["title"].partition(" ")[0] for row in rows} == {team.name}
        names.append(pseudonyms(team.users["ada"]))
        assert names[-1] in str(rows)
    assert names[0] != names[1]


def test_pausing_and_admins_of_one_team_are_none_in_the_other(town: Town) -> None:
    north, south = town.teams
    assert "Paused" in north.say("ada", "/tier pause")
    assert "Scheduled posts aren't paused" in south.say("ada", "/tier resume")
    assert "for the admins" in south.say("bob", "/tier push 1")
    assert "Resumed" in north.say("ada", "/tier resume")
    for team in town.teams:
        trail = team.kept(lambda tx: [(line["what"], line["after"]) for line in tx.workspaces.audit_trail(50)])
        assert ("choose channel", team.channel) in trail
        assert (("pause", True) in trail) is (team is north)
