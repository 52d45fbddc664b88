"""People's rights: told, anonymised, removed, expired, while verdicts stand and Slack does not bring them back."""

import json
from contextlib import AbstractContextManager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from tests.conftest import WORKSPACE, Harness, build_harness
from tests.support.rows import event
from tierbot.domain.nouns import Outcome, TierbotError, Trainer, Verdict
from tierbot.use_cases.people import personal_data
from tierbot.use_cases.people.personal_data import PersonalData
from tierbot.use_cases.ports import ReactionCount, Transaction
from tierbot.use_cases.rounds.round_report import figures_before


@pytest.fixture
def rights(harness: Harness) -> PersonalData:
    return PersonalData(harness.bot.store, harness.clock)


def played(harness: Harness) -> str:
    """Let U1 and U2 judge a post and win a round; return the post's ts."""
    (ts,) = harness.posts(1)
    for user in ("U1", "U2"):
        harness.react(user, ts, "pizza")
    with harness.bot.store.begin(WORKSPACE) as tx:
        tx.trainers.put(Trainer("U1", "Ada"))
        tx.workspaces.audit("U1", "pause", False, {"by": "U1"}, harness.clock.now())
    harness.bot.loop.close_round(WORKSPACE)
    return ts


def verdicts(harness: Harness) -> list[Verdict]:
    with harness.bot.store.read(WORKSPACE) as tx:
        return [item.verdict for item in tx.verdicts.settled()]


def all_text(harness: Harness) -> str:
    """Return every row of every table as text."""
    with harness.bot.store._database.read() as connection:
        names = [row[0] for row in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return "\n".join(str(row) for name in names for row in connection.exec_driver_sql(f"SELECT * FROM {name}"))  # noqa: S608


def test_a_person_is_told_everything_that_is_kept_of_them_and_nothing_of_others(
    harness: Harness, rights: PersonalData
) -> None:
    played(harness)
    told = rights.export(WORKSPACE, "U1")
    assert [event["name"] for event in told["reactions"]] == ["pizza"]
    assert (told["votes"][0]["says"], told["trainer"][0]["display_name"]) == ("names", "Ada")
    assert told["standings"][0]["judged"] == 1
    assert [action["what"] for action in told["actions"]] == ["pause"]
    assert told["mentioned_in"], "the round's announcement"
    assert "U2" not in json.dumps(told["reactions"] + told["votes"], default=str)


@pytest.mark.parametrize("anonymize", [True, False])
def test_forgetting_leaves_no_row_with_the_persons_id_and_verdicts_stand(
    harness: Harness, rights: PersonalData, anonymize: bool
) -> None:
    ts = played(harness)
    before = verdicts(harness)
    assert rights.forget(WORKSPACE, "U1", "cli:ops", anonymize=anonymize) > 4
    text = all_text(harness)
    assert "'U1'" not in text
    assert '"U1"' not in text
    assert "Ada" not in text
    assert "U2" in text
    assert verdicts(harness) == before
    with harness.bot.store.read(WORKSPACE) as tx:
        assert tx.workspaces.audit_trail(1)[0]["what"] == "forget person"
        names = [event.user for event in tx.ledger.events("C1", ts)]
    assert len(names) == (2 if anonymize else 1)


@pytest.mark.parametrize("anonymize", [True, False])
def test_reconciliation_does_not_bring_a_forgotten_person_back(
    harness: Harness, rights: PersonalData, anonymize: bool
) -> None:
    ts = played(harness)
    harness.chat.shown[ts] = [ReactionCount("pizza", ("U1", "U2"), complete=True)]
    rights.forget(WORKSPACE, "U1", "cli:ops", anonymize=anonymize)
    assert harness.bot.loop.reconcile(WORKSPACE).found == 0
    assert "'U1'" not in all_text(harness)


def test_who_is_unknown_is_said_so(rights: PersonalData) -> None:
    with pytest.raises(TierbotError, match="member id"):
        rights.forget(WORKSPACE, "bob", "cli:ops", anonymize=True)
    with pytest.raises(TierbotError, match="member id"):
        rights.export(WORKSPACE, "bob")


def test_what_is_older_than_the_retention_is_deleted_on_schedule_and_verdicts_and_scores_stay(tmp_path: Path) -> None:
    harness = build_harness(tmp_path, retention_days=40, settle_days=30)
    played(harness)
    before = verdicts(harness)
    harness.clock.advance(days=39)
    harness.do("expire")
    rights = PersonalData(harness.bot.store, harness.clock)
    assert rights.export(WORKSPACE, "U1")["reactions"]
    harness.clock.advance(days=2)
    harness.do("expire")
    told = rights.export(WORKSPACE, "U1")
    assert (told["reactions"], told["votes"], told["actions"]) == ([], [], [])
    assert told["standings"]
    assert verdicts(harness) == before
    with harness.bot.store.read(WORKSPACE) as tx:
        assert tx.agenda.get("expire").due_at == harness.clock.now() + timedelta(days=1)
    harness.bot.close()


# --- what was settled stays settled ---------------------------------------------------------------


def settled_by_five(harness: Harness) -> str:
    """Let five people name 🍕 on a post, close its round, and return the post's ts."""
    (ts,) = harness.posts(1)
    for number in range(5):
        harness.react(f"U{number}", ts, "pizza")
    assert harness.bot.loop.close_round(WORKSPACE)
    return ts


def expire_now(harness: Harness) -> None:
    harness.do("expire")


def test_a_late_reaction_on_an_expired_post_leaves_its_verdict_alone(tmp_path: Path) -> None:
    harness = build_harness(tmp_path, retention_days=40, settle_days=30)
    ts = settled_by_five(harness)
    (before,) = verdicts(harness)
    assert (before.outcome, before.voters) == (Outcome.NAMED, 5)
    harness.clock.advance(days=41)
    expire_now(harness)
    harness.react("U7", ts, "football")
    assert harness.settle() == 0
    assert verdicts(harness) == [before]
    with harness.bot.store.read(WORKSPACE) as tx:
        assert tx.ledger.untallied(9) == [], "it is read all the same, once"
    harness.bot.close()


def test_an_expired_post_with_votes_that_were_not_settled_keeps_the_verdict_it_has(tmp_path: Path) -> None:
    harness = build_harness(tmp_path, retention_days=40, settle_days=30)
    ts = settled_by_five(harness)
    before = verdicts(harness)
    harness.react("U7", ts, "football")
    harness.bot.loop.look_up(WORKSPACE)
    harness.bot.loop.tally(WORKSPACE)
    harness.clock.advance(days=41)
    expire_now(harness)
    harness.settle()
    assert verdicts(harness) == before
    harness.bot.close()


def test_votes_in_the_open_round_are_kept_until_it_is_frozen(tmp_path: Path) -> None:
    harness = build_harness(tmp_path, retention_days=40, settle_days=30, round_days=60)
    (ts,) = harness.posts(1)
    for user in ("U1", "U2"):
        harness.react(user, ts, "pizza")
    harness.clock.advance(days=55)
    expire_now(harness)
    harness.react("U3", ts, "pizza")
    assert harness.bot.loop.close_round(WORKSPACE)
    with harness.bot.store.read(WORKSPACE) as tx:
        assert [line.user for line in tx.rounds.standings(1)] == ["U1", "U2", "U3"]
    harness.bot.close()


def test_after_a_person_is_removed_a_late_reaction_leaves_verdicts_of_former_rounds_alone(
    harness: Harness, rights: PersonalData
) -> None:
    ts = settled_by_five(harness)
    before = verdicts(harness)
    for number in range(4):
        rights.forget(WORKSPACE, f"U{number}", "cli:ops", anonymize=False)
    harness.react("U7", ts, "football")
    harness.settle()
    assert verdicts(harness) == before


def test_after_a_person_is_removed_the_open_round_is_settled_by_the_others(
    harness: Harness, rights: PersonalData
) -> None:
    (ts,) = harness.posts(1)
    for user in ("U1", "U2"):
        harness.react(user, ts, "pizza")
    harness.settle()
    rights.forget(WORKSPACE, "U1", "cli:ops", anonymize=False)
    for user in ("U3", "U4"):
        harness.react(user, ts, "football")
    harness.settle()
    (verdict,) = verdicts(harness)
    assert (verdict.voters, set(verdict.tags)) == (3, {"football"})


def test_how_people_voted_in_a_round_is_told_after_its_votes_have_expired(tmp_path: Path) -> None:
    harness = build_harness(tmp_path, retention_days=40, settle_days=30)
    settled_by_five(harness)
    with harness.bot.store.read(WORKSPACE) as tx:
        (before,) = figures_before(tx, 2)
    assert sum(before.patterns.values()) == 5
    harness.clock.advance(days=41)
    expire_now(harness)
    with harness.bot.store.read(WORKSPACE) as tx:
        assert figures_before(tx, 2) == [before]
    harness.bot.close()


# --- retention in portions ------------------------------------------------------------------------


class KilledError(Exception):
    """Stands for SIGKILL between two transactions."""


def a_round_ago(folder: Path) -> tuple[Harness, PersonalData, list[str]]:
    """Let five people judge four posts and react to another message, 41 days ago; return the posts' ts."""
    harness = build_harness(folder, retention_days=40, settle_days=30)
    posts = harness.posts(4)
    for ts in posts:
        for number in range(5):
            harness.react(f"U{number}", ts, "pizza")
    for number in range(7):
        harness.react(f"U{number}", "99.000001", "wave")
    assert harness.bot.loop.close_round(WORKSPACE)
    harness.clock.advance(days=41)
    return harness, PersonalData(harness.bot.store, harness.clock), posts


def test_retention_lets_reactions_in_between_its_short_transactions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness, rights, posts = a_round_ago(tmp_path)
    monkeypatch.setattr(personal_data, "AT_ONCE", 3)
    begin, opened = harness.bot.store.begin, 0

    def counted(workspace: str) -> AbstractContextManager[Transaction]:
        nonlocal opened
        opened += 1
        with begin(workspace) as tx:  # waits for ever if a transaction is open
            tx.ledger.append(event(f"between{opened}", ts=posts[0], happened_at=harness.clock.now()))
        return begin(workspace)

    monkeypatch.setattr(harness.bot.store, "begin", counted)
    gone = rights.expire(WORKSPACE, 40)
    assert (gone["votes"], gone["reactions"]) == (20, 27)
    assert opened >= 4 + 3, "each post by itself, and 7 other reactions at most 3 at a time"
    with harness.bot.store.read(WORKSPACE) as tx:
        assert len(tx.ledger.events("C1", posts[0])) == opened
    harness.bot.close()


def test_after_a_kill_between_any_two_portions_verdicts_stand_and_the_next_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness, rights, posts = a_round_ago(tmp_path)
    before, begin = verdicts(harness), harness.bot.store.begin
    monkeypatch.setattr(personal_data, "AT_ONCE", 3)
    seen: list[int] = []
    for kills in range(100):
        left = iter([begin])  # one transaction; the next one is never begun
        with monkeypatch.context() as killed, suppress(KilledError):
            killed.setattr(harness.bot.store, "begin", lambda workspace, left=left: next(left, _kill)(workspace))
            rights.expire(WORKSPACE, 40)
        with harness.bot.store.read(WORKSPACE) as tx:
            found = {one.post.ts: one.post.id for one in tx.verdicts.settled()}
            votes = {ts: len(of) for ts, of in zip(found, tx.ledger.votes(found.values()).values(), strict=True)}
            old = {ts: [one for one in tx.ledger.events("C1", ts) if one.name == "pizza"] for ts in posts}
            whole = [(votes[ts], len(old[ts]), tx.posts.is_final(found[ts])) for ts in posts]
        assert set(whole) <= {(5, 5, False), (0, 0, True)}
        seen.append(whole.count((0, 0, True)))
        for ts in posts[: seen[-1]]:
            harness.react(f"UL{kills}", ts, "football")
        harness.settle()
        assert verdicts(harness) == before
        if seen[-1] == len(posts) and not rights.expire(WORKSPACE, 40).total():
            break
    assert sorted(set(seen)) == [1, 2, 3, 4]
    harness.bot.close()


def _kill(_: str) -> AbstractContextManager[Transaction]:
    raise KilledError
