"""People's rights: told, anonymised, removed, expired, while verdicts stand and Slack does not bring them back."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.conftest import WORKSPACE, Stage, raise_stage
from tierbot.domain.nouns import TierbotError, Trainer
from tierbot.use_cases.jobs.schedule import expire
from tierbot.use_cases.people.personal_data import Rights
from tierbot.use_cases.ports import Due, ReactionCount


@pytest.fixture
def rights(stage: Stage) -> Rights:
    return Rights(stage.bot.store, stage.clock)


def played(stage: Stage) -> str:
    """Let U1 and U2 judge a post and win a round; return the post's ts."""
    (ts,) = stage.posts(1)
    for user in ("U1", "U2"):
        stage.react(user, ts, "pizza")
    with stage.bot.store.begin(WORKSPACE) as tx:
        tx.trainers.put(Trainer("U1", "Ada"))
        tx.workspaces.audit("U1", "pause", False, {"by": "U1"}, stage.clock.now())
    stage.bot.loop.close_round(WORKSPACE)
    return ts


def verdicts(stage: Stage) -> list[object]:
    with stage.bot.store.read(WORKSPACE) as tx:
        return [item.verdict for item in tx.verdicts.settled()]


def all_text(stage: Stage) -> str:
    """Return every row of every table as text."""
    with stage.bot.store._database.read() as connection:
        names = [row[0] for row in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return "\n".join(str(row) for name in names for row in connection.exec_driver_sql(f"SELECT * FROM {name}"))  # noqa: S608


def test_a_person_is_told_everything_that_is_kept_of_them_and_nothing_of_others(stage: Stage, rights: Rights) -> None:
    played(stage)
    told = rights.export(WORKSPACE, "U1")
    assert [event["name"] for event in told["reactions"]] == ["pizza"]
    assert (told["votes"][0]["says"], told["trainer"][0]["display_name"]) == ("names", "Ada")
    assert told["standings"][0]["judged"] == 1
    assert [action["what"] for action in told["actions"]] == ["pause"]
    assert told["mentioned_in"], "the round's announcement"
    assert "U2" not in json.dumps(told["reactions"] + told["votes"], default=str)


@pytest.mark.parametrize("anonymise", [True, False])
def test_forgetting_leaves_no_row_with_the_persons_id_and_verdicts_stand(
    stage: Stage, rights: Rights, anonymise: bool
) -> None:
    ts = played(stage)
    before = verdicts(stage)
    assert rights.forget(WORKSPACE, "U1", "cli:ops", anonymise=anonymise) > 4
    text = all_text(stage)
    assert "'U1'" not in text
    assert '"U1"' not in text
    assert "Ada" not in text
    assert "U2" in text
    assert verdicts(stage) == before
    with stage.bot.store.read(WORKSPACE) as tx:
        assert tx.workspaces.audit_trail(1)[0]["what"] == "forget person"
        names = [event.user for event in tx.ledger.events("C1", ts)]
    assert len(names) == (2 if anonymise else 1)


@pytest.mark.parametrize("anonymise", [True, False])
def test_reconciliation_does_not_bring_a_forgotten_person_back(stage: Stage, rights: Rights, anonymise: bool) -> None:
    ts = played(stage)
    stage.chat.shown[ts] = [ReactionCount("pizza", ("U1", "U2"), complete=True)]
    rights.forget(WORKSPACE, "U1", "cli:ops", anonymise=anonymise)
    assert stage.bot.loop.reconcile(WORKSPACE).found == 0
    assert "'U1'" not in all_text(stage)


def test_who_is_unknown_is_said_so(rights: Rights) -> None:
    with pytest.raises(TierbotError, match="member id"):
        rights.forget(WORKSPACE, "bob", "cli:ops", anonymise=True)
    with pytest.raises(TierbotError, match="member id"):
        rights.export(WORKSPACE, "bob")


def test_what_is_older_than_the_retention_is_deleted_on_schedule_and_verdicts_and_scores_stay(tmp_path: Path) -> None:
    stage = raise_stage(tmp_path, retention_days=40, settle_days=30)
    played(stage)
    before = verdicts(stage)
    job = Due("expire", stage.clock.now())
    stage.clock.advance(days=39)
    expire(stage.bot.loop, WORKSPACE, job)
    rights = Rights(stage.bot.store, stage.clock)
    assert rights.export(WORKSPACE, "U1")["reactions"]
    stage.clock.advance(days=2)
    expire(stage.bot.loop, WORKSPACE, job)
    told = rights.export(WORKSPACE, "U1")
    assert (told["reactions"], told["votes"], told["actions"]) == ([], [], [])
    assert told["standings"]
    assert verdicts(stage) == before
    with stage.bot.store.read(WORKSPACE) as tx:
        assert tx.agenda.get("expire").due_at == stage.clock.now() + timedelta(days=1)
    stage.bot.close()
