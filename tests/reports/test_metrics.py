"""Metrics: what a process counted, how the database stands, nobody named, and only so many labels."""

import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.models.dashboard import Dashboard
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import WORKSPACE, Harness, build_harness
from tests.support.paths import DOCS
from tierbot.adapters.store import StoreError
from tierbot.reports.metrics import Metrics, ProcessFigures, StoreFigures


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry())


def samples(metrics: Metrics) -> dict[str, dict[tuple[str, ...], float]]:
    """Return what is exposed, as Prometheus reads it: name → values of its labels (by their names) → value."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(metrics.text().decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


def test_what_slack_sent_is_counted_and_timed_by_kind(metrics: Metrics) -> None:
    metrics.answered("reaction_added", 0.02, acknowledged=True, lag=0.3)
    metrics.answered("reaction_added", 0.04, acknowledged=False, lag=None)
    found = samples(metrics)
    assert found["tierbot_slack_events_total"] == {
        ("reaction_added", "acknowledged"): 1,
        ("reaction_added", "refused"): 1,
    }
    assert found["tierbot_slack_acknowledge_seconds_sum"] == {("reaction_added",): pytest.approx(0.06)}
    assert found["tierbot_ledger_lag_seconds_count"] == {(): 1}


def test_clocks_that_disagree_do_not_make_the_lag_negative(metrics: Metrics) -> None:
    metrics.answered("reaction_added", 0.0, acknowledged=True, lag=-5.0)
    assert samples(metrics)["tierbot_ledger_lag_seconds_sum"] == {(): 0}


def test_work_that_failed_is_counted_and_not_timed(metrics: Metrics) -> None:
    metrics.worked("retrain", 12.0, failed=False)
    metrics.worked("retrain", 99.0, failed=True)
    metrics.rate_limited("chat.postMessage")
    found = samples(metrics)
    assert found["tierbot_work_seconds_sum"] == {("retrain",): 12}
    assert found["tierbot_work_failures_total"] == {("retrain",): 1}
    assert found["tierbot_slack_rate_limited_total"] == {("chat.postMessage",): 1}


def test_warnings_and_errors_in_the_log_are_counted(metrics: Metrics) -> None:
    logger = logging.Logger("tests.metrics")  # noqa: LOG001 - one that nobody else has
    logger.addHandler(metrics.log_handler())
    logger.info("not counted")
    logger.warning("counted")
    logger.error("counted")
    logger.critical("counted")
    assert samples(metrics)["tierbot_log_records_total"] == {("warning",): 1, ("error",): 1, ("critical",): 1}


def test_a_process_says_how_it_stands_at_the_moment_it_is_asked(metrics: Metrics) -> None:
    stands = [True, 1]
    metrics.registry.register(ProcessFigures(connection=lambda: (bool(stands[0]), stands[1]), leads=lambda: {"T1"}))
    assert samples(metrics)["tierbot_socket_connected"] == {(): 1}
    stands[:] = [False, 2]
    found = samples(metrics)
    assert found["tierbot_socket_connected"] == {(): 0}
    assert found["tierbot_socket_connections_total"] == {(): 2}
    assert found["tierbot_schedule_leases"] == {(): 1}


def test_the_database_says_what_waits_who_serves_and_how_right_the_model_is(metrics: Metrics, harness: Harness) -> None:
    now = [0.0]
    metrics.registry.register(StoreFigures(harness.bot.store, harness.clock, lambda: now[0]))
    for ts in harness.posts(4):
        for user in ("U1", "U2"):
            harness.react(user, ts, harness.emoji(ts))
    harness.settle()
    harness.bot.loop.take_in(WORKSPACE, harness.articles(2, start=50))
    harness.bot.loop.ask(WORKSPACE, 2)
    harness.bot.scheduler.renew()
    harness.clock.advance(seconds=9)
    found = samples(metrics)
    assert found["tierbot_database_up"] == found["tierbot_workspaces"] == {(): 1}
    assert found["tierbot_models_in_service"] == {("m0001",): 1}
    assert found["tierbot_schedule_orphans"] == {(): 0}
    assert found["tierbot_outbox_rows"]["pending",] >= 2
    assert found["tierbot_outbox_late_seconds"][()] == pytest.approx(9, abs=0.5)
    assert found["tierbot_round_settled_posts"]["all", "current"] == 4
    low, value, high = (
        found[f"tierbot_round_accuracy_{part}ratio"]["all", "current"] for part in ("low_", "", "high_")
    )
    assert low <= value <= high
    harness.clock.advance(minutes=1)
    assert samples(metrics)["tierbot_schedule_orphans"] == {(): 0}, "kept for some seconds"
    now[0] = 11
    assert samples(metrics)["tierbot_schedule_orphans"] == {(): 1}


def test_accuracy_is_read_anew_only_when_something_has_settled(
    metrics: Metrics, harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tierbot.adapters.store.verdicts import SqlVerdicts

    reads: list[int] = []
    settled = SqlVerdicts.settled
    monkeypatch.setattr(SqlVerdicts, "settled", lambda *a, **k: (reads.append(1), settled(*a, **k))[1])
    turn = iter(range(0, 1000, 100))
    metrics.registry.register(StoreFigures(harness.bot.store, harness.clock, lambda: next(turn)))
    (ts,) = harness.posts(1)
    for user in ("U1", "U2"):
        harness.react(user, ts, harness.emoji(ts))
    harness.settle()
    first = samples(metrics)["tierbot_round_settled_posts"]
    assert samples(metrics)["tierbot_round_settled_posts"] == first != {}
    assert len(reads) == 1


def test_without_a_database_the_rest_is_still_told(
    metrics: Metrics, harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> list[str]:
        raise StoreError("the disk is gone")

    monkeypatch.setattr(harness.bot.store, "running_ids", gone)
    metrics.registry.register(StoreFigures(harness.bot.store, harness.clock))
    metrics.worked("settle", 1.0, failed=False)
    found = samples(metrics)
    assert found["tierbot_database_up"] == {(): 0}
    assert found["tierbot_work_seconds_count"] == {("settle",): 1}
    assert "tierbot_outbox_rows" not in found


def test_nobody_is_named(metrics: Metrics, tmp_path: Path) -> None:
    harness = build_harness(tmp_path)
    metrics.registry.register(StoreFigures(harness.bot.store, harness.clock))
    (ts,) = harness.posts(1)
    for user in ("U0123456789", "U0ADA"):
        harness.react(user, ts, harness.emoji(ts))
    harness.settle()
    text = metrics.text().decode()
    assert not [name for name in ("U0123456789", "U0ADA", "C1", WORKSPACE, "News") if f'"{name}"' in text]


def test_every_metric_of_the_example_alerts_the_dashboard_and_the_docs_exists(
    metrics: Metrics, harness: Harness
) -> None:
    metrics.registry.register(StoreFigures(harness.bot.store, harness.clock))
    metrics.registry.register(ProcessFigures(connection=lambda: (True, 1), leads=lambda: ()))
    known = {family.name for family in metrics.registry.collect()}
    known |= {sample.name for family in metrics.registry.collect() for sample in family.samples}
    known |= {name + end for name in known for end in ("_total", "_bucket", "_sum", "_count")}
    pages = {
        "alerts": " ".join(rule["expr"] for rule in alerts()),
        "dashboard": " ".join(target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]),
        "operations": (DOCS / "operations.md").read_text(encoding="utf-8"),
    }
    for page, said in pages.items():
        named = set(re.findall(r"\btierbot_[a-z_]+\b(?!\.)", said))
        assert named, page
        assert named - known == set(), page


def test_every_alert_has_a_severity() -> None:
    assert {rule["labels"]["severity"] for rule in alerts()} == {"critical", "warning", "info"}


def test_grafana_reads_the_dashboard() -> None:
    read = Dashboard.from_json(dashboard()).to_json()
    panels = read["panels"]
    assert [panel.to_json()["title"] for panel in panels] == [panel["title"] for panel in dashboard()["panels"]]
    taken = [
        (place["x"] + x, place["y"] + y)
        for place in (panel["gridPos"] for panel in dashboard()["panels"])
        for x in range(place["w"])
        for y in range(place["h"])
    ]
    assert len(taken) == len(set(taken)), "panels overlap"
    assert max(x for x, _ in taken) < 24
    assert len({panel["id"] for panel in dashboard()["panels"]}) == len(panels)


def alerts() -> list[dict[str, Any]]:
    """Return the rules of the example alerts."""
    rules = yaml.safe_load((DOCS / "alerts.yml").read_text(encoding="utf-8"))
    return [rule for group in rules["groups"] for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    """Return the example dashboard as Grafana imports it."""
    found: dict[str, Any] = json.loads((DOCS / "grafana.json").read_text(encoding="utf-8"))
    return found
