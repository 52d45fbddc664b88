"""Prometheus metrics: this process's counters and timings, and the database's state at each scrape.

No metric identifies a person, and labels have a bounded set of values: kinds, methods and work come from the code,
rounds are the current and the previous one, and all workspaces of a database are counted together. Scrape every
process; the database's figures are the same from each, so take their maximum.
"""

import logging
import threading
import time
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tierbot.domain.nouns import Arm, Estimate, SettledPost, TierbotError
from tierbot.domain.training.judge import hit
from tierbot.use_cases.ports import Clock, DeliveryState, Store

_QUICK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0)  # seconds; Slack waits for three
_PATIENT = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)
_CACHED_SECONDS = 10.0  # for the database's figures, so that several scrapers cost no more than one
_MOST_MODELS = 20
_log = logging.getLogger(__name__)


class Metrics:
    """ports.Meter, in the given registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        counter, histogram = partial(Counter, registry=registry), partial(Histogram, registry=registry)
        self._answers = counter(
            "tierbot_slack_events", "Requests from Slack, by kind and outcome.", ["kind", "outcome"]
        )
        self._seconds = histogram(
            "tierbot_slack_acknowledge_seconds",
            "Time until Slack's request was acknowledged.",
            ["kind"],
            buckets=_QUICK,
        )
        lags = (0.1, 0.25, 0.5, *_PATIENT[2:])
        self._lag = histogram(
            "tierbot_ledger_lag_seconds", "Time from a reaction in Slack to its row in the ledger.", buckets=lags
        )
        self._limited = counter("tierbot_slack_rate_limited", "429 answers, by Web API method.", ["method"])
        self._worked = histogram(
            "tierbot_work_seconds", "Duration of settling, retraining and other jobs.", ["work"], buckets=_PATIENT
        )
        self._failed = counter("tierbot_work_failures", "Jobs that failed and will be retried.", ["work"])
        self._logged = counter("tierbot_log_records", "Log records at warning level and above.", ["level"])
        for level in ("warning", "error", "critical"):
            self._logged.labels(level)

    def answered(self, kind: str, seconds: float, *, acknowledged: bool, lag: float | None) -> None:
        """Count a request from Slack, and record its time and lag in seconds."""
        self._answers.labels(kind, "acknowledged" if acknowledged else "refused").inc()
        self._seconds.labels(kind).observe(seconds)
        if lag is not None:
            self._lag.observe(max(0.0, lag))

    def rate_limited(self, method: str) -> None:
        """Count a 429 answer."""
        self._limited.labels(method).inc()

    def worked(self, work: str, seconds: float, *, failed: bool) -> None:
        """Record the duration of a job in seconds, or count it if it failed."""
        if failed:
            self._failed.labels(work).inc()
        else:
            self._worked.labels(work).observe(seconds)

    def log_handler(self) -> logging.Handler:
        """Return a handler that only counts records at warning level and above."""
        return _Counting(self._logged)

    def text(self) -> bytes:
        """Return the registry's metrics in Prometheus's text format."""
        return generate_latest(self.registry)


class _Counting(logging.Handler):
    def __init__(self, counter: Counter) -> None:
        super().__init__(logging.WARNING)
        self._counter = counter

    def emit(self, record: logging.LogRecord) -> None:
        levels = {logging.CRITICAL: "critical", logging.ERROR: "error", logging.WARNING: "warning"}
        self._counter.labels(next(name for level, name in levels.items() if record.levelno >= level)).inc()


class ProcessFigures(Collector):
    """This process's state: its connection to Slack, and the schedules it runs."""

    def __init__(
        self,
        *,
        connection: Callable[[], tuple[bool, int]] | None = None,
        leads: Callable[[], Iterable[str]] | None = None,
    ) -> None:
        """Take `connection`, which returns (connected, connections made), and `leads`, the workspaces scheduled here."""
        self._connection, self._leads = connection, leads

    def collect(self) -> Iterator[Metric]:
        """Yield the current figures."""
        if self._connection is not None:
            connected, made = self._connection()
            yield _gauge("tierbot_socket_connected", "1 while Socket Mode is connected.", connected)
            yield CounterMetricFamily("tierbot_socket_connections", "Connections made, including the first.", made)
        if self._leads is not None:
            held = len(list(self._leads()))
            yield _gauge("tierbot_schedule_leases", "Workspaces whose schedule this process runs.", held)


class StoreFigures(Collector):
    """The database's state, over all its workspaces."""

    def __init__(self, store: Store, clock: Clock, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._store, self._clock, self._monotonic = store, clock, monotonic
        self._turn = threading.Lock()
        self._kept: tuple[float, list[Metric]] | None = None
        self._hits: dict[str, tuple[tuple[int, int], dict[tuple[str, str], Tally[str]]]] = {}

    def describe(self) -> list[Metric]:
        """Return nothing, so that registering doesn't read the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield figures up to ten seconds old; only `tierbot_database_up` if the database can't be reached."""
        with self._turn:
            now = self._monotonic()
            if self._kept is None or now - self._kept[0] > _CACHED_SECONDS:
                self._kept = (now, self._read())
            yield from self._kept[1]

    def _read(self) -> list[Metric]:
        name, text = "tierbot_database_up", "1 if the database answered."
        try:
            return [_gauge(name, text, 1), *self._figures()]
        except TierbotError as fault:
            _log.warning("Cannot read the database's figures: %s", fault)
            return [_gauge(name, text, 0)]

    def _figures(self) -> list[Metric]:
        rows, models, feeds = Tally[str](), Tally[str](), Tally({"sound": 0, "broken": 0})
        late, orphans = 0.0, 0
        hits: dict[tuple[str, str], Tally[str]] = {}
        now = self._clock.now()
        running = self._store.running_ids()
        for workspace in running:
            with self._store.read(workspace) as tx:
                rows.update(tx.outbox.counts())
                oldest, champion, lease = tx.outbox.oldest(), tx.models.champion(), tx.leases.get("scheduler")
                feeds.update("broken" if one.problem else "sound" for one in tx.feeds.all())
                current, cursor = tx.rounds.current(), tx.verdicts.cursor()
                number = current.number if current else 0
                known = self._hits.get(workspace)
                if known is None or known[0] != (number, cursor):  # otherwise nothing has settled since
                    posts = tx.verdicts.settled(rounds=[number - 1, number]) if number else []
                    known = self._hits[workspace] = ((number, cursor), _hits(posts, number))
            late = max(late, (now - oldest.due_at).total_seconds() if oldest else 0.0)
            models[champion.id if champion else "none"] += 1
            orphans += lease is None or lease[1] <= now
            for place, counted in known[1].items():
                hits.setdefault(place, Tally()).update(counted)
        return [
            _gauge("tierbot_workspaces", "Active workspaces.", len(running)),
            _by("tierbot_outbox_rows", "Outbox rows by state.", "state", [(str(s), rows[s]) for s in DeliveryState]),
            _gauge("tierbot_outbox_late_seconds", "How long the oldest due outbox row has waited.", late),
            _by("tierbot_models_in_service", "Workspaces by champion.", "model", models.most_common(_MOST_MODELS)),
            _gauge("tierbot_schedule_orphans", "Workspaces whose schedule no process runs.", orphans),
            _by("tierbot_feeds", "Feeds by outcome of the last poll.", "state", feeds.items()),
            *_accuracy(hits),
        ]


def _hits(posts: Iterable[SettledPost], current: int) -> dict[tuple[str, str], Tally[str]]:
    """Count posts by (round, arm): settled, conclusive about the model's likeliest tag, and confirming it."""
    found: dict[tuple[str, str], Tally[str]] = {}
    for item in posts:
        round_ = "current" if item.post.round_number == current else "previous"
        right = hit(item.top_tag, item.post.shown_tag, item.verdict)
        counted = {"settled": 1, "conclusive": int(right is not None), "right": int(bool(right))}
        for arm in ("all", "blank") if item.post.arm is Arm.BLANK else ("all",):
            found.setdefault((round_, arm), Tally()).update(counted)
    return found


def _accuracy(hits: dict[tuple[str, str], Tally[str]]) -> list[Metric]:
    labels = ["round", "arm"]
    settled = GaugeMetricFamily("tierbot_round_settled_posts", "Settled posts.", labels=labels)
    value = GaugeMetricFamily(
        "tierbot_round_accuracy_ratio", "Share of posts whose likeliest tag was true.", labels=labels
    )
    low = GaugeMetricFamily("tierbot_round_accuracy_low_ratio", "Lower end of its 95% interval.", labels=labels)
    high = GaugeMetricFamily("tierbot_round_accuracy_high_ratio", "Upper end of its 95% interval.", labels=labels)
    for place, counted in sorted(hits.items()):
        settled.add_metric(place, counted["settled"])
        estimate = Estimate.of_share(counted["right"], counted["conclusive"])
        for family, figure in ((value, estimate.value), (low, estimate.low), (high, estimate.high)):
            if figure is not None:
                family.add_metric(place, figure)
    return [settled, value, low, high]


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, float(value))


def _by(name: str, text: str, label: str, values: Iterable[tuple[str, int]]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for key, value in values:
        family.add_metric([key], value)
    return family
