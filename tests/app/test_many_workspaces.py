"""Many workspaces in one process: sent to side by side, stopped ones passed by, set up when they join."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import WORKSPACE, Harness, build_harness
from tests.scenarios.conftest import wait_until
from tierbot.domain.nouns import Arm, TierbotError
from tierbot.use_cases.delivery.direct_messages import DirectMessages
from tierbot.use_cases.delivery.dispatch import EMOJI_MISSING, NOT_INSTALLED
from tierbot.use_cases.game.setup import JOB as JOIN
from tierbot.use_cases.game.setup import bring_up_to_date
from tierbot.use_cases.jobs.kinds import tell_of_missing_emoji
from tierbot.use_cases.jobs.worker import Worker
from tierbot.use_cases.ports import ChatError, Delivery, DeliveryKind, DeliveryState, Job, Workspace, only_workspace

OTHER = "T2"


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[Harness]:
    built = build_harness(tmp_path, channel="")
    built.bot.setup.prepare(Workspace(OTHER, "Other", built.clock.now(), bot_user="UBOT"), built.bot.tags)
    yield built
    built.bot.close()


def workspace_of(harness: Harness, team: str) -> Workspace:
    with harness.bot.store.read(team) as tx:
        known = tx.workspaces.get()
    assert known is not None
    return known


def stop(harness: Harness, team: str) -> None:
    with harness.bot.store.begin(team) as tx:
        known = tx.workspaces.get()
        assert known is not None
        tx.workspaces.put(replace(known, stopped_at=harness.clock.now()))


def announce(harness: Harness, team: str, number: int = 1) -> None:
    now = harness.clock.now()
    with harness.bot.store.begin(team) as tx:
        tx.outbox.add([Delivery(f"{team}-{number}", DeliveryKind.ANNOUNCE, "C1", {"kind": "x"}, now, now)])


def test_each_workspace_plays_in_the_channel_that_was_chosen_there(harness: Harness) -> None:
    game = harness.bot.game
    assert game.channel(WORKSPACE) == ""
    assert game.choose_channel(WORKSPACE, "C7", "U1")
    assert not game.choose_channel(WORKSPACE, "C7", "U1")
    assert (game.channel(WORKSPACE), game.channel(OTHER)) == ("C7", "")
    harness.bot.loop.take_in(WORKSPACE, harness.articles(1))
    harness.bot.loop.ask(WORKSPACE, 1)
    harness.deliver()
    (view,) = harness.chat.posts.values()
    assert view.post.channel == "C7"


def test_the_settings_channel_is_where_it_plays_until_one_is_chosen(tmp_path: Path) -> None:
    built = build_harness(tmp_path)
    assert built.bot.game.channel(WORKSPACE) == "C1"
    built.bot.game.choose_channel(WORKSPACE, "C2", "U1")
    assert built.bot.game.channel(WORKSPACE) == "C2"
    built.bot.setup.prepare(Workspace(WORKSPACE, "Test", built.clock.now()), built.bot.tags)
    assert built.bot.game.channel(WORKSPACE) == "C2", "a start changes nothing of it"
    built.bot.close()


def test_without_a_channel_nothing_is_posted_or_announced_and_nothing_is_lost(harness: Harness) -> None:
    loop = harness.bot.loop
    loop.take_in(WORKSPACE, harness.articles(2))
    with pytest.raises(TierbotError, match="/tier channel"):
        loop.ask(WORKSPACE, 1)
    began = harness.clock.now()
    harness.do("push")
    harness.clock.advance(days=8)
    assert loop.close_round(WORKSPACE) is None, "nothing was posted: the round stays open"
    with harness.bot.store.read(WORKSPACE) as tx:
        assert sum(tx.outbox.counts().values()) == 0
        assert tx.agenda.get("push").due_at > began
    harness.bot.game.choose_channel(WORKSPACE, "C7", "U1")
    assert loop.ask(WORKSPACE, 2) == 2


def plan_only(harness: Harness, team: str, *kinds: str) -> None:
    """Leave nothing on a workspace's agenda but these kinds, due now."""
    with harness.bot.store.begin(team) as tx:
        for other in tx.agenda.all():
            tx.agenda.remove(other.id)
        for kind in kinds:
            tx.agenda.plan(kind, harness.clock.now())


def test_due_jobs_pass_a_stopped_workspace_by_until_it_runs_again_and_peoples_data_expire(harness: Harness) -> None:
    did: list[tuple[str, str]] = []

    def do(team: str, job: Job) -> None:
        did.append((team, job.kind))

    scheduler = harness.scheduler(push=do, expire=do)
    stop(harness, OTHER)
    for team in (WORKSPACE, OTHER):
        plan_only(harness, team, "push", "expire")
    scheduler.renew()
    scheduler.tick()
    wait_until(lambda: not scheduler._running, "the jobs to end")
    assert sorted(did) == [(WORKSPACE, "expire"), (WORKSPACE, "push"), (OTHER, "expire")]
    with harness.bot.store.begin(OTHER) as tx:
        known = tx.workspaces.get()
        assert known is not None
        tx.workspaces.put(replace(known, stopped_at=None))
    scheduler.tick()
    wait_until(lambda: not scheduler._running, "the job to end")
    assert did[3:] == [(OTHER, "push")]


def test_a_workspace_that_slack_answers_slowly_delays_no_other(harness: Harness) -> None:
    go_on, began, sent = threading.Event(), threading.Event(), []

    def deliver(team: str) -> bool:
        if team == WORKSPACE:
            began.set()
            go_on.wait(30)
        sent.append(team)
        return harness.bot.loop.deliver(team)

    worker = Worker(harness.bot.store, harness.clock, deliver, lambda _: 0)
    announce(harness, WORKSPACE)
    worker.start()
    assert began.wait(10)
    for number in range(3):
        announce(harness, OTHER, number)
    wait_until(lambda: sent.count(OTHER) >= 3, "the other workspace's messages")
    assert WORKSPACE not in sent
    assert not worker.stop(grace=0.2), "what is being sent is not cut off"
    go_on.set()
    assert worker.stop(grace=10)


def test_a_sending_that_hangs_is_named(harness: Harness) -> None:
    worker = harness.bot.worker
    worker._calling["deliver", "T7"] = -1e9
    worker._beats = {thread.name: 1e12 for thread in worker._threads}
    assert "sending to T7 has been stuck" in str(worker.trouble())


def test_a_workspace_without_the_app_keeps_what_waits(harness: Harness) -> None:
    announce(harness, WORKSPACE)
    harness.chat.faults = [ChatError(NOT_INSTALLED, "not there")]
    assert harness.bot.loop.deliver(WORKSPACE)
    with harness.bot.store.read(WORKSPACE) as tx:
        counts = tx.outbox.counts()
    assert (counts[DeliveryState.PENDING], counts[DeliveryState.PARKED]) == (1, 0)


@pytest.mark.parametrize(
    ("code", "told"),
    [("token_revoked", True), ("account_inactive", True), ("invalid_auth", False), ("is_archived", False)],
)
def test_a_token_that_slack_calls_dead_is_reported(harness: Harness, code: str, told: bool) -> None:
    lost: list[tuple[str, str]] = []
    harness.dispatcher.shut_out = lambda *what: lost.append(what)
    announce(harness, WORKSPACE)
    harness.chat.faults = [ChatError(code, "no")]
    harness.bot.loop.deliver(WORKSPACE)
    assert lost == ([(WORKSPACE, code)] if told else [])


def test_who_joins_is_set_up_and_welcomed_once_for_each_installation(harness: Harness) -> None:
    asked = {"bot_user": "UBOT", "installer": "U9", "installed_at": "2026"}
    with harness.bot.store.begin("T3") as tx:
        tx.workspaces.put(Workspace("T3", "Third", harness.clock.now()))
    for number, again in enumerate((asked, asked, asked | {"installed_at": "2027"})):
        with harness.bot.store.begin("T3") as tx:
            tx.agenda.ask(Job.request(JOIN, f"join {number}", harness.clock.now(), **again))
        harness.do(JOIN, "T3")
        assert harness.jobs(JOIN, "T3") == []
        with harness.bot.store.read("T3") as tx:
            assert tx.rounds.current() is not None
            assert tx.models.champion() is not None
    while harness.bot.loop.deliver("T3"):
        harness.clock.advance(seconds=2)
    assert [said["kind"] for said in harness.chat.announcements] == ["welcome", "welcome"]
    assert workspace_of(harness, "T3").bot_user == "UBOT"


def test_an_installer_who_cannot_be_written_to_does_not_keep_a_workspace_from_joining(harness: Harness) -> None:
    with harness.bot.store.begin(OTHER) as tx:
        tx.agenda.ask(Job.request(JOIN, "join", harness.clock.now(), installer="U9"))
    harness.chat.faults = [ChatError("user_disabled", "gone")]
    harness.do(JOIN, OTHER)
    assert harness.jobs(JOIN, OTHER) == []


def test_a_start_sets_all_running_workspaces_up_again(harness: Harness) -> None:
    stop(harness, OTHER)
    for _ in range(2):  # two processes
        bring_up_to_date(harness.bot.store, harness.clock)
        harness.clock.advance(seconds=1)
    assert [len(harness.jobs(JOIN, team)) for team in (WORKSPACE, OTHER)] == [1, 0]


def test_a_workspace_that_cannot_be_read_keeps_no_other_from_being_set_up_again(harness: Harness) -> None:
    with closing(sqlite3.connect(harness.bot.settings.database_url.removeprefix("sqlite:///"))) as database, database:
        database.execute("UPDATE job SET payload = '{\"broken' WHERE workspace_id = ?", (WORKSPACE,))
    database.close()
    bring_up_to_date(harness.bot.store, harness.clock)
    assert len(harness.jobs(JOIN, OTHER)) == 1


def test_an_emoji_that_is_gone_is_told_once_and_the_post_stands(tmp_path: Path) -> None:
    harness = build_harness(tmp_path)
    loop = harness.bot.loop
    harness.bot.loop.take_in(WORKSPACE, harness.articles(30))
    loop.ask(WORKSPACE, 30)
    react = harness.chat.react

    def refuse(channel: str, ts: str, emoji: str) -> None:
        react(channel, ts, emoji)
        raise ChatError("invalid_name", "There is no such emoji.")

    harness.chat.react = refuse  # type: ignore[method-assign]
    harness.deliver()
    assert len(harness.chat.posts) == 30
    gone = {harness.emoji(ts) for ts, view in harness.chat.posts.items() if view.post.arm is Arm.TIER}
    (job,) = harness.jobs(EMOJI_MISSING)
    assert sorted(job.payload["names"]) == sorted(gone), "each once, however many posts lack it"
    messages = DirectMessages(harness.bot.chats, lambda _: ["UADA"], harness.clock)
    scheduler = harness.scheduler(
        emoji_missing=partial(tell_of_missing_emoji, harness.bot.store, harness.clock, messages)
    )
    scheduler.renew()
    scheduler.run(WORKSPACE, job.id)
    harness.chat.react = react  # type: ignore[method-assign]
    harness.clock.advance(seconds=120)
    harness.deliver()
    (told,) = [one for one in harness.chat.announcements if one["kind"] == "emoji_missing"]
    assert {one["emoji"] for one in told["missing"]} == gone
    assert harness.jobs(EMOJI_MISSING) == []
    harness.bot.close()


def test_a_command_is_about_the_one_workspace_or_that_which_is_named() -> None:
    one, two = (Workspace(team, f"Team {team}", None) for team in ("T1", "T2"))  # type: ignore[arg-type]
    assert only_workspace([one], "") == only_workspace([one, two], "T1") == "T1"
    with pytest.raises(TierbotError, match="has no workspace yet"):
        only_workspace([], "")
    with pytest.raises(TierbotError, match=r"several workspaces: T1 \(Team T1\), T2 .* TIERBOT_WORKSPACE"):
        only_workspace([one, two], "")
    with pytest.raises(TierbotError, match=r"no workspace T9; it has T1"):
        only_workspace([one], "T9")
