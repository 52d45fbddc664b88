"""The report's sections, each with text, a drawing and numbers, or None if there is nothing to report."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tierbot.domain.nouns import Arm, Estimate
from tierbot.domain.rounds.figures import AGREED, PATTERNS
from tierbot.domain.training.offpolicy import PolicyValue
from tierbot.reports.page import rounds
from tierbot.reports.page.figures import PolicyFigures, Report
from tierbot.reports.page.rounds import percent
from tierbot.reports.page.rows import Interval, change_plot, confusion_plot, held_plot, interval_plot, lineage_plot

_FEWEST = 5  # rewards needed to show a tag's mean
_MOST_TAGS = 24
_MOST_MISTAKES = 12
_MOST_HELD = 15
_MOST_EVENTS = 25
_MOST_DRIFTS = 12
_TENTATIVE, _RELIABLE = 0.667, 0.8  # Krippendorff, Content Analysis, 2004
_METHODS = {"ips": "IPS", "snips": "SNIPS", "dr": "doubly robust"}


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, a short text, a drawing (escaped SVG), and its numbers as plain text."""

    title: str
    words: str
    drawing: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[object, ...], ...] = ()


def in_words(estimate: Estimate) -> str:
    """Format an estimate as "71% (65–77, n = 192)"."""
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return "–"
    return f"{percent(estimate.value)} ({100 * estimate.low:.0f}–{100 * estimate.high:.0f}, n = {estimate.n})"


def _interval(label: str, found: Estimate | PolicyValue, note: str, *, hollow: bool = False) -> Interval:
    return Interval(label, found.value or 0.0, found.low or 0.0, found.high or 0.0, note, hollow)


def _accuracy(report: Report) -> Section | None:
    latest = next((one for one in reversed(report.rounds) if one.all.value is not None), None)
    if latest is None:
        return None
    words = f"The model's likeliest topic was true on {in_words(latest.all)} of round {latest.number}'s posts"
    words += f", and on {in_words(latest.blank)} of those without a hint." if latest.blank.n else "."
    rows = tuple((one.number, in_words(one.all), in_words(one.blank)) for one in report.rounds)
    columns = ("round", "all posts", "blank posts")
    return Section("How often it was right", words, rounds.accuracy_plot(report.rounds), columns, rows)


def _patterns(report: Report) -> Section | None:
    if not report.votes:
        return None
    latest = next(one for one in reversed(report.rounds) if sum(one.patterns.values()))
    share = latest.patterns.get(AGREED, 0) / sum(latest.patterns.values())
    rows = tuple((one.number, *(one.patterns.get(name, 0) for name in PATTERNS)) for one in report.rounds)
    columns = ("round", *(name.replace("_", " ") for name in PATTERNS))
    words = f"In round {latest.number}, {percent(share)} of the votes agreed with the predicted topic."
    return Section("How people voted on its guess", words, rounds.patterns_plot(report.rounds), columns, rows)


def _rewards(report: Report) -> Section | None:
    enough = [one for one in report.tags if one.reward.n >= _FEWEST]
    if not enough:
        return None
    busiest = sorted(enough, key=lambda one: -one.reward.n)[:_MOST_TAGS]
    shown = [one for one in enough if one in busiest]
    drawing = interval_plot(
        [_interval(one.label, one.reward, f"{one.reward.n}") for one in shown],
        "Mean reward by shown tag, lowest first, with intervals.",
    )
    words = (
        f"The mean share of voters for whom the shown topic was true: lowest for {shown[0].label}, highest for "
        f"{shown[-1].label}. On the right, how many posts showed it."
    )
    rows = tuple((one.label, in_words(one.reward)) for one in report.tags)
    return Section("Reward by topic", words, drawing, ("topic", "mean reward"), rows)


def _mistakes(report: Report) -> Section | None:
    if not report.confusions:
        return None
    total = sum(one.count for one in report.confusions)
    near = sum(one.count for one in report.confusions if one.siblings)
    names = report.labels
    drawing = confusion_plot(report.confusions[:_MOST_MISTAKES], names)
    rows = tuple(
        (names.get(one.true, one.true), names.get(one.guessed, one.guessed), one.count, one.among)
        for one in report.confusions
    )
    words = f"{near} of {total} mistakes are between siblings, topics that are easily confused."
    return Section("Which topics it confuses", words, drawing, ("true", "guessed", "posts", "of"), rows)


def _calibration(report: Report) -> Section | None:
    found, unbiased = report.calibration, report.unbiased_calibration
    if found.error is None or found.brier is None:
        return None
    words = (
        f"On average, the probability of the likeliest topic is off by {100 * found.error:.0f} points (expected "
        f"calibration error; Brier score {found.brier:.2f}, n = {found.n}). Above the dotted line the model is "
        "underconfident, below it overconfident."
    )
    rows = tuple(
        (kind, f"{one.low:.1f}–{one.high:.1f}", f"{one.predicted:.2f}", in_words(one.true))
        for kind, part in (("all", found), ("blank", unbiased))
        for one in part.bins
    )
    columns = ("posts", "probability", "mean", "was true")
    return Section(
        "How well its probabilities are calibrated", words, rounds.calibration_plot(found, unbiased), columns, rows
    )


def _agreement(report: Report) -> Section | None:
    latest = next((one for one in reversed(report.agreement) if one.arm is None and one.alpha is not None), None)
    if latest is None or latest.alpha is None:
        return None
    alpha = latest.alpha
    good = "reliable" if alpha >= _RELIABLE else "tentative" if alpha >= _TENTATIVE else "low"
    words = (
        f"Krippendorff's α over the topics that people named (MASI distance) was {alpha:.2f} in round {latest.round}: "
        f"{good}. On posts with a pre-filled emoji, its pull explains part of the agreement."
    )
    rows = tuple(
        (one.round, _arm(one.arm), "–" if one.alpha is None else f"{one.alpha:.3f}", one.posts)
        for one in report.agreement
    )
    columns = ("round", "posts", "α", "compared")
    return Section("How much people agree", words, rounds.agreement_plot(report.agreement), columns, rows)


def _activity(report: Report) -> Section | None:
    days = report.activity.days
    if not days:
        return None
    day, most = max(days, key=lambda pair: pair[1])
    words = (
        f"{report.votes:,} votes on {len(days)} {'day' if len(days) == 1 else 'days'}, most on {day:%d %B %Y} ({most:,}). "
        f"Hours are in {report.activity.zone}."
    )
    rows = tuple((day.isoformat(), count) for day, count in days)
    drawing = f"{rounds.week_plot(report.activity)}\n{rounds.days_plot(report.activity)}"
    return Section("When people vote", words, drawing, ("day", "votes"), rows)


def _trainers(report: Report) -> Section | None:
    if not report.trainers:
        return None
    drawing = interval_plot(
        [Interval(one.name, one.reliability, one.low, one.high, str(one.judged)) for one in report.trainers],
        "Each trainer's agreement with the verdicts, with intervals.",
    )
    rows = tuple(
        (one.name, one.judged, one.settled, f"{one.reliability:.2f} ({one.low:.2f}–{one.high:.2f})")
        for one in report.trainers
    )
    words = (
        "How often each trainer agrees with the verdicts, shrunk toward the team's mean while votes are few. On the "
        "right, the number of articles judged."
    )
    return Section("Who taught it", words, drawing, ("trainer", "judged", "settled", "agreement"), rows)


def _policies(report: Report) -> Section | None:
    known = [one for one in report.policies if one.value.value is not None]
    if not known:
        return None
    drawing = interval_plot(
        [
            _interval(_policy(one), one.value, f"{one.value.effective_n:.0f}", hollow=one.arm is Arm.BLANK)
            for one in known
        ],
        "Estimated reward of always showing the likeliest tag, compared with the reward earned.",
    )
    words = (
        "The mean reward of the posts as shown, and an estimate for always showing the likeliest topic, based on the "
        "logged propensities. Squares: blank posts. On the right, the effective number of posts."
    )
    rows = tuple(
        (
            _policy(one), _arm(one.arm), one.value.n, f"{one.value.effective_n:.0f}",
            f"{one.value.value:.3f} ({one.value.low:.3f} to {one.value.high:.3f})",
        )
        for one in known
    )  # fmt: skip
    columns = ("policy", "posts", "n", "effective n", "reward")
    return Section("What another policy would have earned", words, drawing, columns, rows)


def _arm(arm: Arm | None) -> str:
    return "all" if arm is None else arm.value


def _policy(one: PolicyFigures) -> str:
    return "as shown" if one.policy == "logged" else f"greedy, {_METHODS[one.value.method]}"


def _held_back(report: Report) -> Section | None:
    if not report.held_back:
        return None
    total = sum(one.count for one in report.held_back)
    rows = tuple((one.boundary, one.rule, one.count) for one in report.held_back)
    words = f"{total:,} articles were held back, whatever the model predicted."
    drawing = held_plot(report.held_back[:_MOST_HELD])
    return Section("What boundaries held back", words, drawing, ("boundary", "rule", "articles"), rows)


def _drift(report: Report) -> Section | None:
    found = report.drift
    if not found.enough:
        return None
    compared = f"the newest {found.recent} randomly selected verdicts with the {found.before} before them"
    if not found.signals:
        return Section("Drift", f"No topic changed beyond chance, comparing {compared}.", "")
    names = report.labels
    shown = found.signals[:_MOST_DRIFTS]
    drawing = change_plot(
        [
            (f"{names.get(one.tag, one.tag)}: {one.changed}", one.before / one.before_of, one.now / one.now_of)
            for one in shown
        ],
        "Topics whose share, precision or recall changed, before and now.",
    )
    rows = tuple(
        (names.get(one.tag, one.tag), one.changed, f"{one.before} of {one.before_of}", f"{one.now} of {one.now_of}",
         f"{one.p_value:.2g}")
        for one in found.signals
    )  # fmt: skip
    words = f"Topics that changed beyond chance in frequency, precision or recall, comparing {compared}."
    return Section("Drift", words, drawing, ("topic", "what", "before", "now", "p (Holm)"), rows)


def _models(report: Report) -> Section | None:
    if not report.models:
        return None
    refused = sum(one.promoted is False for one in report.models)
    back = sum(move.back for move in report.moves)
    words = (
        f"{len(report.models)} {'version' if len(report.models) == 1 else 'versions'}, newest first: {refused} not promoted, "
        f"{back} rolled back. Hollow dots: not promoted, because nothing showed that the version was better."
    )
    rows = tuple((one.id, one.parent or "–", one.reason, in_words(one.accuracy)) for one in report.models)
    drawing = lineage_plot(report.models[:_MOST_EVENTS], report.moves[:_MOST_EVENTS])
    return Section("Model history", words, drawing, ("model", "parent", "decision", "right"), rows)


SECTIONS: Sequence[Callable[[Report], Section | None]] = (
    _accuracy,
    _patterns,
    _rewards,
    _mistakes,
    _calibration,
    _agreement,
    _drift,
    _models,
    _policies,
    _trainers,
    _activity,
    _held_back,
)
"""The sections in the order of the page."""
