"""Exports Prometheus metrics: what this process counted and timed, and the state of the database.

Nobody is named and nothing that grows is a label: kinds, methods and work are named by the code, rounds are the
current and the previous one, and all workspaces of a database are counted together. Each process answers for itself
(scrape every one); the database's figures are the same for all, so take the maximum.
"""

import logging
import threading
import time
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tierbot.domain.nouns import Arm, Estimate, SettledPost, TierbotError
from tierbot.domain.training.judge import hit
from tierbot.use_cases.ports import Clock, DeliveryState, Store

_QUICK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0)  # seconds; Slack waits for three
_PATIENT = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)
_FRESH = 10.0  # seconds for which the database's figures are cached, so several scrapers cost no more than one
_MOST_MODELS = 20
_log = logging.getLogger(__name__)


class Metrics:
    """ports.Meter, in a registry that is passed in."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._answers = Counter(
            "tierbot_slack_events", "What Slack sent, by kind and outcome.", ["kind", "outcome"], registry=registry
        )
        self._seconds = Histogram(
            "tierbot_slack_acknowledge_seconds", "Until it was answered.", ["kind"], buckets=_QUICK, registry=registry
        )
        self._lag = Histogram(
            "tierbot_ledger_lag_seconds",
            "From a reaction in Slack to its row in the ledger.",
            buckets=(0.1, 0.25, 0.5, *_PATIENT[2:]),
            registry=registry,
        )
        self._limited = Counter(
            "tierbot_slack_rate_limited", "Answers of 429, by Web API method.", ["method"], registry=registry
        )
        self._worked = Histogram(
            "tierbot_work_seconds",
            "Settling, retraining and the other jobs: how long each took.",
            ["work"],
            buckets=_PATIENT,
            registry=registry,
        )
        self._failed = Counter(
            "tierbot_work_failures", "Work that failed and is done again.", ["work"], registry=registry
        )
        self._logged = Counter(
            "tierbot_log_records", "Warnings, errors and worse in the log.", ["level"], registry=registry
        )
        for level in ("warning", "error", "critical"):
            self._logged.labels(level)

    def answered(self, kind: str, seconds: float, *, acknowledged: bool, lag: float | None) -> None:
        """Count what Slack sent."""
        self._answers.labels(kind, "acknowledged" if acknowledged else "refused").inc()
        self._seconds.labels(kind).observe(seconds)
        if lag is not None:
            self._lag.observe(max(0.0, lag))

    def rate_limited(self, method: str) -> None:
        """Count an answer of 429."""
        self._limited.labels(method).inc()

    def worked(self, work: str, seconds: float, *, failed: bool) -> None:
        """Time a job that succeeded; count one that failed."""
        if failed:
            self._failed.labels(work).inc()
        else:
            self._worked.labels(work).observe(seconds)

    def log_handler(self) -> logging.Handler:
        """Return a handler that counts log records of warnings and above."""
        return _Counting(self._logged)

    def text(self) -> bytes:
        """Return everything in the registry, in Prometheus' text format."""
        return generate_latest(self.registry)


class _Counting(logging.Handler):
    def __init__(self, counter: Counter) -> None:
        super().__init__(logging.WARNING)
        self._counter = counter

    def emit(self, record: logging.LogRecord) -> None:
        level = (
            "critical"
            if record.levelno >= logging.CRITICAL
            else "error"
            if record.levelno >= logging.ERROR
            else "warning"
        )
        self._counter.labels(level).inc()


class ProcessFigures(Collector):
    """The state of the process: its connection to Slack, and whether it runs the schedule."""

    def __init__(
        self,
        *,
        connection: Callable[[], tuple[bool, int]] | None = None,
        leads: Callable[[], Iterable[str]] | None = None,
    ) -> None:
        """Take `connection`, which returns (is open, how many were opened), and `leads`: whose schedules run here."""
        self._connection, self._leads = connection, leads

    def collect(self) -> Iterator[Metric]:
        """Yield the current figures."""
        if self._connection is not None:
            stands, made = self._connection()
            yield GaugeMetricFamily(
                "tierbot_socket_connected", "1 while the Socket Mode connection is open.", float(stands)
            )
            yield CounterMetricFamily("tierbot_socket_connections", "Connections made; one is the first.", made)
        if self._leads is not None:
            held = len(list(self._leads()))
            yield GaugeMetricFamily("tierbot_schedule_leases", "Workspaces whose schedule this process keeps.", held)


class StoreFigures(Collector):
    """The state of the database, over all workspaces."""

    def __init__(self, store: Store, clock: Clock, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._store, self._clock, self._monotonic = store, clock, monotonic
        self._turn = threading.Lock()
        self._kept: tuple[float, list[Metric]] | None = None
        self._hits: dict[str, tuple[tuple[int, int], dict[tuple[str, str], Tally[str]]]] = {}

    def describe(self) -> list[Metric]:
        """Return nothing: registering must not read the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the figures, which may be some seconds old; if the database can't be reached, only that."""
        with self._turn:
            now = self._monotonic()
            if self._kept is None or now - self._kept[0] > _FRESH:
                self._kept = (now, self._read())
            yield from self._kept[1]

    def _read(self) -> list[Metric]:
        up = GaugeMetricFamily("tierbot_database_up", "1 if the database answered.")
        try:
            figures = self._figures()
        except TierbotError as fault:
            _log.warning("Can't read the database's figures: %s", fault)
            up.add_metric([], 0.0)
            return [up]
        up.add_metric([], 1.0)
        return [up, *figures]

    def _figures(self) -> list[Metric]:
        rows, models, feeds = Tally[str](), Tally[str](), Tally[str]()
        late, unled = 0.0, 0
        hits: dict[tuple[str, str], Tally[str]] = {}
        now = self._clock.now()
        running = self._store.running_ids()
        for workspace in running:
            with self._store.read(workspace) as tx:
                rows.update({str(state): count for state, count in tx.outbox.counts().items()})
                oldest, champion, lease = tx.outbox.oldest(), tx.models.champion(), tx.leases.get("scheduler")
                feeds.update("broken" if one.problem else "sound" for one in tx.feeds.all())
                current, cursor = tx.rounds.current(), tx.dataset.cursor()
                number = current.number if current else 0
                known = self._hits.get(workspace)
                if known is None or known[0] != (number, cursor):  # nothing has settled since: it is the same still
                    posts = tx.verdicts.settled(rounds=[number - 1, number]) if number else []
                    known = self._hits[workspace] = ((number, cursor), _hits(posts, number))
            late = max(late, (now - oldest.due_at).total_seconds() if oldest else 0.0)
            models[champion.id if champion else "none"] += 1
            unled += lease is None or lease[1] <= now
            for place, counted in known[1].items():
                hits.setdefault(place, Tally()).update(counted)
        return [
            _gauge("tierbot_workspaces", "Workspaces that are not stopped.", len(running)),
            _by(
                "tierbot_outbox_rows",
                "What is to be sent and was, by state.",
                "state",
                {state: rows[state] for state in map(str, DeliveryState)},
            ),
            _gauge("tierbot_outbox_late_seconds", "For how long the oldest row that is due has waited.", late),
            _by(
                "tierbot_models_in_service",
                "Workspaces by their champion.",
                "model",
                dict(models.most_common(_MOST_MODELS)),
            ),
            _gauge("tierbot_schedule_orphans", "Workspaces whose schedule no process keeps.", unled),
            _by(
                "tierbot_feeds",
                "Feeds, by how their last poll went.",
                "state",
                {state: feeds[state] for state in ("sound", "broken")},
            ),
            *_accuracy(hits),
        ]


def _hits(posts: Iterable[SettledPost], current: int) -> dict[tuple[str, str], Tally[str]]:
    """Count by (round, arm) the posts that settled, those that test the model's likeliest tag, and its hits."""
    found: dict[tuple[str, str], Tally[str]] = {}
    for item in posts:
        round_ = "current" if item.post.round_number == current else "previous"
        told = hit(item.top_tag, item.post.shown_tag, item.verdict)
        counted = {"settled": 1, "told": int(told is not None), "right": int(bool(told))}
        for arm in ("all", "blank") if item.post.arm is Arm.BLANK else ("all",):
            found.setdefault((round_, arm), Tally()).update(counted)
    return found


def _accuracy(hits: dict[tuple[str, str], Tally[str]]) -> list[Metric]:
    labels = ["round", "arm"]
    settled = GaugeMetricFamily("tierbot_round_settled_posts", "Posts that settled.", labels=labels)
    value = GaugeMetricFamily("tierbot_round_accuracy_ratio", "Share whose likeliest tag proved true.", labels=labels)
    low = GaugeMetricFamily("tierbot_round_accuracy_low_ratio", "Lower end of its 95 % interval.", labels=labels)
    high = GaugeMetricFamily("tierbot_round_accuracy_high_ratio", "Upper end of its 95 % interval.", labels=labels)
    for place, counted in sorted(hits.items()):
        settled.add_metric(place, counted["settled"])
        estimate = Estimate.of_share(counted["right"], counted["told"])
        for family, figure in ((value, estimate.value), (low, estimate.low), (high, estimate.high)):
            if figure is not None:
                family.add_metric(place, figure)
    return [settled, value, low, high]


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, float(value))


def _by(name: str, text: str, label: str, values: dict[str, int]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
