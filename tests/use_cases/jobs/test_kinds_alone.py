"""Each kind of job by itself: its period, what it passes on, and its bounds."""

from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.conftest import WORKSPACE, Harness, build_harness, harness_settings
from tests.support.rows import delivery
from tierbot.domain.nouns import TierbotError
from tierbot.settings import Settings
from tierbot.use_cases.asking.push_schedule import next_push, open_from
from tierbot.use_cases.delivery.direct_messages import DirectMessages
from tierbot.use_cases.jobs import kinds, pruning
from tierbot.use_cases.jobs.kinds import retrain_if_enough, tell_of_missing_emoji
from tierbot.use_cases.jobs.smoke_test import JOB as SMOKE_TEST
from tierbot.use_cases.jobs.smoke_test import plan_smoke_test
from tierbot.use_cases.portions import in_portions
from tierbot.use_cases.ports import Again, Job
from tierbot.use_cases.voting.reconciling import Sweep

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


def test_each_kind_has_its_period_and_its_rules(tmp_path: Path) -> None:
    harness = build_harness(
        tmp_path,
        poll_every_minutes=7,
        retrain_every_days=3,
        reconcile_every_minutes=11,
        smoke_test_every_hours=5,
        smoke_test_channel="C9",
        quiet_hours="18:00-09:00",
    )
    now, table, settings = harness.clock.now(), harness.bot.kinds, harness.bot.settings
    with harness.bot.store.read(WORKSPACE) as tx:
        round_ = tx.rounds.current()
        assert round_ is not None
        due = {name: kind.next(tx, now) - now for name, kind in table.items() if kind.next}
    assert due == {
        "push": next_push(settings, now) - now,
        "poll": 7 * MINUTE,
        "close_round": round_.closes_at - now,
        "retrain": 3 * DAY,
        "reconcile": 11 * MINUTE,
        "expire": DAY,
        "prune": DAY,
        "nudge": open_from(settings, now + DAY) - now,
        "watch": DAY,
        "emoji_aliases": DAY,
        "smoke_test": timedelta(hours=5),
    }
    patient = {name: kind.patience for name, kind in table.items()}
    assert patient.pop("retrain") == timedelta(hours=6)
    assert set(patient.values()) == {timedelta(minutes=15)}
    assert {name for name, kind in table.items() if kind.restarts} == {"retrain"}
    harness.bot.close()


def test_a_nudge_is_due_a_day_later_in_open_hours(tmp_path: Path) -> None:
    settings = harness_settings(tmp_path, quiet_hours="18:00-09:00", weekdays="mon,tue,wed,thu,fri")
    harness = build_harness(tmp_path, quiet_hours="18:00-09:00", weekdays="mon,tue,wed,thu,fri")
    friday = harness.clock.now() + 4 * DAY
    next_ = harness.bot.kinds["nudge"].next
    assert next_ is not None
    with harness.bot.store.read(WORKSPACE) as tx:
        assert next_(tx, friday) == open_from(settings, friday + DAY) > friday + 2 * DAY
    harness.bot.close()


@pytest.mark.parametrize("closed", [True, False])
def test_where_the_round_is_over_or_none_is_open_it_is_looked_at_in_a_minute(harness: Harness, closed: bool) -> None:
    tx: Any = SimpleNamespace(
        rounds=SimpleNamespace(current=lambda: SimpleNamespace(closes_at=now) if closed else None)
    )
    now = harness.clock.now()
    assert kinds._rounds_end(tx, now) == now + MINUTE


def test_a_poll_reads_feeds_tells_of_costly_ones_and_embeds_five_thousand_articles(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    did: list[object] = []
    loop: Any = SimpleNamespace(
        poll=lambda *what: did.append(("poll", *what)), embed=lambda *what: did.append(("embed", *what))
    )
    monkeypatch.setattr(kinds, "tell_of_costly_feeds", lambda *what: did.append(("tell", what[-1])))
    kinds._poll(loop, harness.bot.store, harness.clock, None, "T1", None)  # type: ignore[arg-type]
    assert did == [("poll", "T1"), ("tell", "T1"), ("embed", "T1", 5000)]


def test_a_sweep_that_is_not_through_goes_on_where_it_was(harness: Harness) -> None:
    given: list[object] = []
    answers = iter([Sweep(0, 7.5, {"at": 3}), Sweep(0)])

    def sweep(*what: object) -> Sweep:
        given.append(what)
        return next(answers)

    job = replace(Job.recurring("reconcile", harness.clock.now()), payload={"at": 1})
    do = partial(kinds._reconcile, harness.clock, sweep, "T1")
    assert do(job) == Again(harness.clock.now() + timedelta(seconds=7.5), {"at": 3})
    assert do(job) is None
    assert given == [("T1", {"at": 1})] * 2


@pytest.mark.parametrize(
    ("retention", "settle", "days"), [(0, 30, None), (40, 30, 40), (20, 30, 30)], ids=["off", "longer", "shorter"]
)
def test_personal_data_expires_after_the_longer_of_two_times(
    tmp_path: Path, retention: int, settle: int, days: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[tuple[str, float]] = []
    rights: Any = SimpleNamespace(expire=lambda *what: asked.append(what) or {"votes": 3, "names": 0, "events": 4})
    settings = Settings.model_construct(retention_days=retention, settle_days=settle)
    caplog.set_level("INFO")
    kinds._expire(rights, settings, "T1", None)  # type: ignore[arg-type]
    assert asked == ([] if days is None else [("T1", days)])
    assert [one for one in caplog.messages if "Deleted" in one] == (
        [] if days is None else [f"Deleted after {days} days: 3 votes, 4 events."]
    )


def test_admins_are_told_of_all_missing_emoji_by_their_tags(harness: Harness) -> None:
    messages = DirectMessages(lambda _: harness.chat, lambda _: ("UADA",), harness.clock)
    job = Job.request("emoji_missing", "x", harness.clock.now(), names=["zebra", "pizza"])
    for _ in range(2):
        tell_of_missing_emoji(harness.bot.store, harness.clock, messages, WORKSPACE, job)
    tell_of_missing_emoji(harness.bot.store, harness.clock, messages, WORKSPACE, replace(job, payload={}))
    harness.deliver()
    told = [one for one in harness.chat.announcements if one["kind"] == "emoji_missing"]
    assert [one["missing"] for one in told] == [
        [{"emoji": "pizza", "tag": "Food"}, {"emoji": "zebra", "tag": "zebra"}],
        [],
    ]
    harness.clock.advance(days=1)
    tell_of_missing_emoji(harness.bot.store, harness.clock, messages, WORKSPACE, job)
    harness.deliver()
    assert sum(one["kind"] == "emoji_missing" for one in harness.chat.announcements) == 3, "another day"


def test_a_retraining_is_due_when_as_many_have_settled_as_the_setting_says(harness: Harness) -> None:
    now = harness.clock.now()
    later = Job("retrain", "retrain", now + DAY, ran_at=now - DAY)

    def planned(job: Job | None, count: int) -> object:
        plans: list[object] = []
        since: list[object] = []
        tx: Any = SimpleNamespace(
            agenda=SimpleNamespace(get={"retrain": job}.get, plan=lambda *what: plans.append(what)),
            verdicts=SimpleNamespace(count_since=lambda at: since.append(at) or count),
        )

        store: Any = SimpleNamespace(begin=lambda _: nullcontext(tx))
        retrain_if_enough(store, harness.clock, Settings.model_construct(retrain_after=20), "T1")
        return plans, since

    assert planned(later, 19) == ([], [now - DAY])
    assert planned(later, 20) == ([("retrain", now)], [now - DAY])
    assert planned(replace(later, ran_at=None), 20) == ([("retrain", now)], [kinds.DAWN])
    assert planned(None, 20) == ([("retrain", now)], [kinds.DAWN])
    assert planned(replace(later, attempts=1), 99) == ([], [])
    assert planned(replace(later, due_at=now), 99) == ([], []), "it is due"


# --- pushes and rounds ------------------------------------------------------------------------------


def pushed(harness: Harness, job: Job, **changes: Any) -> list[dict[str, Any]]:
    """Do a push; return what was asked."""
    asked: list[dict[str, Any]] = []

    def ask(workspace: str, count: int, *, spread: timedelta, progress: object) -> None:
        assert callable(progress)
        asked.append({"count": count, "spread": spread})

    settings = harness.bot.settings.model_copy(update={"push_count": 4, "push_spread_minutes": 30} | changes)
    kinds._push(harness.bot.store, settings, ask, WORKSPACE, job)  # type: ignore[arg-type]
    return asked


def test_a_scheduled_push_is_spread_and_not_made_while_paused_or_without_a_channel(tmp_path: Path) -> None:
    harness = build_harness(tmp_path, channel="")
    now = harness.clock.now()
    recurring, requested = Job.recurring("push", now), Job.request("push", "x", now, count=9)
    spread = [{"count": 4, "spread": 30 * MINUTE}]
    assert pushed(harness, recurring, channel="C1") == spread
    assert pushed(harness, replace(recurring, payload={"count": 2}), channel="C1")[0]["count"] == 2
    assert pushed(harness, recurring, channel="") == []
    at_once = [{"count": 9, "spread": timedelta(0)}]
    assert pushed(harness, requested, channel="") == at_once
    harness.bot.game.pause(WORKSPACE, "UADMIN")
    assert pushed(harness, recurring, channel="C1") == []
    assert pushed(harness, requested, channel="C1") == at_once
    harness.bot.close()


@pytest.mark.parametrize(
    ("job", "minutes", "closes"),
    [
        ({"payload": {"round": 1}, "id": "x"}, 0, True),
        ({"payload": {"round": 2}, "id": "x"}, 9 * 1440, False),
        ({"id": "x"}, 0, True),
        ({}, 0, False),
        ({}, 7 * 1440, True),
        ({}, 7 * 1440 - 1, False),
    ],
)
def test_only_the_round_that_is_due_or_was_asked_for_is_closed(
    harness: Harness, job: dict[str, Any], minutes: int, closes: bool
) -> None:
    closed: list[str] = []
    asked = replace(Job.recurring("close_round", harness.clock.now()), **job)
    harness.clock.advance(minutes=minutes)
    kinds._close_round(harness.bot.store, harness.clock, closed.append, WORKSPACE, asked)
    assert closed == [WORKSPACE] * closes
    kinds._close_round(harness.bot.store, harness.clock, closed.append, "T9", asked)
    assert len(closed) == closes, "there is no round"


# --- pruning and smoke tests ------------------------------------------------------------------------


def test_each_part_is_pruned_until_nothing_is_left_and_named_with_its_count(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now, asked = harness.clock.now(), []

    class Part:
        def __init__(self, name: str, *counts: int) -> None:
            self.name, self.counts = name, iter([*counts, 0, 0])

        def prune(self, *what: object) -> int:
            asked.append((self.name, *what))
            return next(self.counts)

    articles: Any = Part("articles", 1)
    embeddings = iter([6, 0, 0])
    articles.prune_embeddings = lambda digests, many: asked.append(("embeddings", digests, many)) or next(embeddings)
    models: Any = Part("models", 5)
    models.encoders = lambda: {"old"}
    tx: Any = SimpleNamespace(
        outbox=Part("outbox", 200, 3), verdicts=Part("verdicts", 2), ledger=Part("ledger", 3), articles=articles,
        held_back=Part("held_back", 4), models=models,
    )  # fmt: skip

    store: Any = SimpleNamespace(begin=lambda _: nullcontext(tx))
    settings = Settings.model_construct(keep_days=30, keep_models=5)
    caplog.set_level("INFO")
    encoder: Any = SimpleNamespace(digest="new")
    pruning.prune(store, harness.clock, encoder, settings, "T1", None)  # type: ignore[arg-type]
    before = now - 30 * DAY
    assert asked == [
        *[("outbox", before, 200)] * 3,
        *[("verdicts", before, 200)] * 2,
        *[("ledger", before, 200)] * 2,
        *[("articles", before, 200)] * 2,
        *[("held_back", 200)] * 2,
        *[("models", 5)] * 2,
        *[("embeddings", {"new", "old"}, 200)] * 2,
    ]
    parts = "2 superseded verdicts, 3 other messages' reactions, 1 articles never asked about, 4 notes of boundaries"
    assert caplog.messages == [f"Deleted: 203 deliveries, {parts}, 5 models' weights, 6 unused embeddings."]
    caplog.clear()
    pruning.prune(store, harness.clock, encoder, settings, "T1", None)  # type: ignore[arg-type]
    assert caplog.messages == []


def test_a_smoke_test_without_a_channel_is_refused_with_what_to_do(harness: Harness) -> None:
    settings = Settings.model_construct(smoke_test_every_hours=1, smoke_test_channel="")
    with pytest.raises(TierbotError, match="needs TIERBOT_SMOKE_TEST_CHANNEL"):
        plan_smoke_test(harness.bot.store, harness.clock, settings, WORKSPACE)
    off = Settings.model_construct(smoke_test_every_hours=0, smoke_test_channel="")
    plan_smoke_test(harness.bot.store, harness.clock, off, WORKSPACE)
    assert harness.jobs(SMOKE_TEST) == []


@pytest.mark.parametrize(("ago", "hence"), [(10, 50), (59.5, 1), (90, 1)])
def test_a_smoke_test_is_due_an_hour_after_the_last_and_in_a_minute_at_the_soonest(
    harness: Harness, ago: float, hence: float
) -> None:
    settings = Settings.model_construct(smoke_test_every_hours=1, smoke_test_channel="C9")
    now = harness.clock.now()
    with harness.bot.store.begin(WORKSPACE) as tx:
        tx.agenda.put(replace(Job.recurring(SMOKE_TEST, now), ran_at=now - ago * MINUTE))
    plan_smoke_test(harness.bot.store, harness.clock, settings, WORKSPACE)
    assert harness.job(SMOKE_TEST).due_at == now + hence * MINUTE


def test_a_part_is_pruned_in_transactions_of_its_own(harness: Harness) -> None:
    with harness.bot.store.begin(WORKSPACE) as tx:
        tx.outbox.add([delivery("one")])
    assert in_portions(harness.bot.store, WORKSPACE, lambda _: 0) == 0
    counts = iter([2, 1, 0, 5])
    assert in_portions(harness.bot.store, WORKSPACE, lambda _: next(counts)) == 3
