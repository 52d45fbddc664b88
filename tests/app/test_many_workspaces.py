"""Many workspaces in one process: sent to side by side, stopped ones passed by, set up when they join."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.conftest import WORKSPACE, Harness, build_harness
from tests.scenarios.conftest import wait_until
from tierbot.domain.nouns import Arm, TierbotError
from tierbot.use_cases.delivery.dispatch import EMOJI_MISSING, NOT_INSTALLED
from tierbot.use_cases.delivery.missing_emoji import MissingEmoji
from tierbot.use_cases.jobs.schedule import Scheduler, Worker
from tierbot.use_cases.loop import Loop
from tierbot.use_cases.people.joining import JOB as JOIN
from tierbot.use_cases.people.joining import Joining, bring_up_to_date
from tierbot.use_cases.ports import ChatError, Delivery, DeliveryKind, DeliveryState, Due, Workspace, only_workspace

OTHER = "T2"


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[Harness]:
    built = build_harness(tmp_path, channel="")
    built.bot.loop.prepare(Workspace(OTHER, "Other", built.clock.now(), {"bot_user": "UBOT"}), built.bot.tags)
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
    built.bot.loop.prepare(Workspace(WORKSPACE, "Test", built.clock.now()), built.bot.tags)
    assert built.bot.game.channel(WORKSPACE) == "C2", "a start changes nothing of it"
    built.bot.close()


def test_without_a_channel_nothing_is_posted_or_announced_and_nothing_is_lost(harness: Harness) -> None:
    loop = harness.bot.loop
    loop.take_in(WORKSPACE, harness.articles(2))
    with pytest.raises(TierbotError, match="/tier channel"):
        loop.ask(WORKSPACE, 1)
    due = Due("push", harness.clock.now())
    harness.bot.scheduler.run(WORKSPACE, due)
    harness.clock.advance(days=8)
    assert loop.close_round(WORKSPACE) is not None
    with harness.bot.store.read(WORKSPACE) as tx:
        assert sum(tx.outbox.counts().values()) == 0
        assert tx.agenda.get("push").due_at > due.due_at
    harness.bot.game.choose_channel(WORKSPACE, "C7", "U1")
    assert loop.ask(WORKSPACE, 2) == 2


def test_due_jobs_pass_a_stopped_workspace_by_until_it_runs_again(harness: Harness) -> None:
    did: list[str] = []
    scheduler = Scheduler(harness.bot.loop)
    scheduler.add("push", lambda _, team, __: did.append(team))
    scheduler._ticker.add_job = lambda job, args, **_: job(*args)  # type: ignore[method-assign]
    stop(harness, OTHER)
    for team in (WORKSPACE, OTHER):
        with harness.bot.store.begin(team) as tx:
            for other in tx.agenda.all():
                tx.agenda.remove(other.job)
            tx.agenda.set(Due("push", harness.clock.now()))
    scheduler.tick()
    assert set(did) == {WORKSPACE}
    with harness.bot.store.begin(OTHER) as tx:
        known = tx.workspaces.get()
        assert known is not None
        tx.workspaces.put(replace(known, stopped_at=None))
    scheduler.tick()
    assert set(did) == {WORKSPACE, OTHER}


def test_peoples_data_expire_also_where_the_app_is_gone(harness: Harness) -> None:
    did: list[tuple[str, str]] = []
    scheduler = Scheduler(harness.bot.loop)
    for job in ("expire", "push", "reconcile"):
        scheduler.add(job, lambda _, team, due: did.append((team, due.job)))
    scheduler._ticker.add_job = lambda job, args, **_: job(*args)  # type: ignore[method-assign]
    stop(harness, OTHER)
    harness.clock.advance(days=1)
    scheduler.tick()
    assert {job for team, job in did if team == OTHER} == {"expire"}


def test_one_training_at_a_time_whatever_the_number_of_workspaces(harness: Harness) -> None:
    scheduler = Scheduler(harness.bot.loop)
    scheduler._running = {(WORKSPACE, "retrain")}
    assert scheduler._must_wait(OTHER, "retrain")
    assert not scheduler._must_wait(OTHER, "push")
    assert scheduler._must_wait(WORKSPACE, "retrain")


class SlowLoop:
    """A loop whose sending to one workspace takes until it is let go."""

    def __init__(self, loop: Loop, slow: str) -> None:
        self.store, self.clock, self.settings = loop.store, loop.clock, loop.settings
        self.loop, self.slow, self.go_on, self.began = loop, slow, threading.Event(), threading.Event()
        self.sent: list[str] = []

    def deliver(self, team: str) -> bool:
        if team == self.slow:
            self.began.set()
            self.go_on.wait(30)
        self.sent.append(team)
        return self.loop.deliver(team)

    def settle(self, _: str) -> int:
        return 0


def test_a_workspace_that_slack_answers_slowly_delays_no_other(harness: Harness) -> None:
    slow = SlowLoop(harness.bot.loop, WORKSPACE)
    worker = Worker(slow)  # type: ignore[arg-type]
    announce(harness, WORKSPACE)
    worker.start()
    assert slow.began.wait(10)
    for number in range(3):
        announce(harness, OTHER, number)
    wait_until(lambda: slow.sent.count(OTHER) >= 3, "the other workspace's messages")
    assert WORKSPACE not in slow.sent
    assert not worker.stop(grace=0.2), "what is being sent is not cut off"
    slow.go_on.set()
    assert worker.stop(grace=10)


def test_a_sending_that_hangs_is_named(harness: Harness) -> None:
    worker = Worker(harness.bot.loop)
    worker._sending["T7"] = -1e9
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
    harness.bot.loop._dispatcher._shut_out = lambda *what: lost.append(what)
    announce(harness, WORKSPACE)
    harness.chat.faults = [ChatError(code, "no")]
    harness.bot.loop.deliver(WORKSPACE)
    assert lost == ([(WORKSPACE, code)] if told else [])


def test_who_joins_is_set_up_and_welcomed_once_for_each_installation(harness: Harness) -> None:
    loop = harness.bot.loop
    joining = Joining(harness.bot.nudges, harness.bot.chats, harness.bot.tags)
    asked = {"bot_user": "UBOT", "installer": "U9", "installed_at": "2026"}
    with harness.bot.store.begin("T3") as tx:
        tx.workspaces.put(Workspace("T3", "Third", harness.clock.now()))
    for again in (asked, asked, asked | {"installed_at": "2027"}):
        due = Due(JOIN, harness.clock.now(), None, again)
        with harness.bot.store.begin("T3") as tx:
            tx.agenda.set(due)
        joining(loop, "T3", due)
        with harness.bot.store.read("T3") as tx:
            assert tx.agenda.get(JOIN) is None
            assert tx.rounds.current() is not None
            assert tx.models.champion() is not None
    while loop.deliver("T3"):
        harness.clock.advance(seconds=2)
    assert [said["kind"] for said in harness.chat.announcements] == ["welcome", "welcome"]
    assert workspace_of(harness, "T3").settings["bot_user"] == "UBOT"


def test_a_workspace_that_installs_while_it_is_being_set_up_joins_again(harness: Harness) -> None:
    old, new = (Due(JOIN, harness.clock.now() + timedelta(seconds=late)) for late in (0, 1))
    with harness.bot.store.begin(WORKSPACE) as tx:
        tx.agenda.set(new)
    Joining(harness.bot.nudges, harness.bot.chats, harness.bot.tags)(harness.bot.loop, WORKSPACE, old)
    with harness.bot.store.read(WORKSPACE) as tx:
        assert tx.agenda.get(JOIN) == new


def test_a_start_sets_all_running_workspaces_up_again(harness: Harness) -> None:
    stop(harness, OTHER)
    bring_up_to_date(harness.bot.loop)
    for team, wanted in ((WORKSPACE, True), (OTHER, False)):
        with harness.bot.store.read(team) as tx:
            assert (tx.agenda.get(JOIN) is not None) is wanted


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
    with harness.bot.store.read(WORKSPACE) as tx:
        due = tx.agenda.get(EMOJI_MISSING)
        assert due is not None
        assert set(due.request["names"]) == gone
        assert len(due.request["names"]) == len(gone), "each once, however many posts lack it"
    MissingEmoji(harness.bot.chats, lambda _: ["UADA"])(loop, WORKSPACE, due)
    harness.chat.react = react  # type: ignore[method-assign]
    harness.clock.advance(seconds=120)
    harness.deliver()
    (told,) = [one for one in harness.chat.announcements if one["kind"] == "emoji_missing"]
    assert {one["emoji"] for one in told["missing"]} == gone
    with harness.bot.store.read(WORKSPACE) as tx:
        assert tx.agenda.get(EMOJI_MISSING) is None
    harness.bot.close()


def test_a_command_is_about_the_one_workspace_or_that_which_is_named() -> None:
    one, two = (Workspace(team, f"Team {team}", None) for team in ("T1", "T2"))  # type: ignore[arg-type]
    assert only_workspace([one], "") == only_workspace([one, two], "T1") == "T1"
    with pytest.raises(TierbotError, match="knows no workspace yet"):
        only_workspace([], "")
    with pytest.raises(TierbotError, match=r"several workspaces: T1 \(Team T1\), T2 .* TIERBOT_WORKSPACE"):
        only_workspace([one, two], "")
    with pytest.raises(TierbotError, match=r"no workspace T9; it has T1"):
        only_workspace([one], "T9")
