"""Draw the plots by round, and those with their own axes: calibration and activity."""

from collections.abc import Callable, Sequence
from math import floor, sqrt

from tierbot.domain.nouns import Arm, Estimate
from tierbot.domain.rounds.figures import AGREED, NAMED_ANOTHER, PATTERNS, REJECTED, UNSURE, RoundFigures
from tierbot.reports.page.figures import Activity, Agreement, Calibration
from tierbot.reports.page.svg import WIDTH, Drawing, Scale, linear

_LEFT, _RIGHT, _TOP, _FOOT = 42.0, 46.0, 44.0, 36.0
_HEIGHT = 250.0
_BESIDE = 5.0  # offset between two series, so that their intervals don't overlap
_MOST_DAYS = 60
_MOST_LINES = 5  # grid lines, besides the first
_FEWEST = 3  # rounds to leave room for, so that a single one doesn't fill the plot
_WORDS = {AGREED: "agreed", NAMED_ANOTHER: "named another", REJECTED: "said wrong", UNSURE: "unsure"}
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def percent(share: float) -> str:
    """Format a share as "71%"."""
    return f"{100 * share:.0f}%"


def accuracy_plot(rounds: Sequence[RoundFigures]) -> str:
    """Return the plot of accuracy by round with 95% intervals, for all posts and the blank arm."""
    known = [e.low for one in rounds for e in (one.all, one.blank) if e.low is not None]
    low = min(0.8, floor(5 * min(known, default=0.0)) / 5)
    drawing = Drawing(_HEIGHT, "Accuracy by round with 95% intervals, on all posts and on the blank arm.")
    across, up = _axes(drawing, [one.number for one in rounds], low, 1.0, percent)
    _legend(drawing)
    for shift, kind in ((-_BESIDE, "all"), (_BESIDE, "blank")):
        points = [(across(one.number) + shift, e) for one in rounds if (e := getattr(one, kind)).value is not None]
        _estimates(drawing, points, up, kind)
        if points:
            x, estimate = points[-1]
            drawing.text(x + 9, up(estimate.value) + 4, percent(estimate.value), kind=f"t strong {kind}")
    return str(drawing)


def agreement_plot(found: Sequence[Agreement]) -> str:
    """Return the plot of Krippendorff's α by round, with the usual thresholds of .667 and .8."""
    values = [one.alpha for one in found if one.alpha is not None]
    low = min(0.0, floor(5 * min(values, default=0.0)) / 5)
    drawing = Drawing(_HEIGHT, "Agreement between trainers by round: Krippendorff's alpha, all posts and blank arm.")
    across, up = _axes(drawing, sorted({one.round for one in found}), low, 1.0, lambda value: f"{value:.1f}")
    _legend(drawing)
    for mark in (0.667, 0.8):
        drawing.line(_LEFT, up(mark), WIDTH - _RIGHT, up(mark), "mark")
        drawing.text(WIDTH - _RIGHT + 3, up(mark) + 4, f"{mark:.2g}".lstrip("0"), kind="t gray")
    for kind, arm in (("all", None), ("blank", Arm.BLANK)):
        points = [(across(one.round), up(one.alpha)) for one in found if one.arm is arm and one.alpha is not None]
        _series(drawing, points, kind)
    return str(drawing)


def patterns_plot(rounds: Sequence[RoundFigures]) -> str:
    """Return a column per round with the shares of votes that agreed, disagreed, or were unsure."""
    drawing = Drawing(_HEIGHT, "Votes by what they say about the predicted tag, as shares of each round's votes.")
    across, up = _axes(drawing, [one.number for one in rounds], 0.0, 1.0, percent)
    drawing.key(4, _WORDS.items())
    half = min(18.0, 0.36 * (across(1) - across(0)))
    for one in rounds:
        total, below = sum(one.patterns.values()), 0.0
        for name in PATTERNS:
            share = one.patterns.get(name, 0) / total if total else 0.0
            top, bottom = up(below + share), up(below)
            drawing.bar(across(one.number) - half, top, 2 * half, bottom - top, name)
            if bottom - top > 14 and half > 10:  # noqa: PLR2004 - room for the number
                if name in {REJECTED, UNSURE}:
                    drawing.bar(across(one.number) - 10, (top + bottom) / 2 - 8, 20, 16, f"behind {name}")
                drawing.text(
                    across(one.number), (top + bottom) / 2 + 4.5, f"{100 * share:.0f}",
                    anchor="middle", kind=f"t on-{name}",
                )  # fmt: skip
            below += share
    return str(drawing)


def calibration_plot(found: Calibration, unbiased: Calibration) -> str:
    """Return the reliability diagram: the share that was true by the model's probability."""
    size, left, top = 262.0, 54.0, 34.0
    drawing = Drawing(
        top + size + 42, "Share of posts whose likeliest tag was true, by the model's probability for it."
    )
    across, up = linear(0, 1, left, left + size), linear(0, 1, top + size, top)
    for step in (0.0, 0.25, 0.5, 0.75, 1.0):
        drawing.line(left, up(step), left + size, up(step), "grid")
        drawing.text(left - 6, up(step) + 4, percent(step), anchor="end")
        drawing.text(across(step), top + size + 17, percent(step), anchor="middle")
    drawing.text(left + size / 2, top + size + 35, "model's probability", anchor="middle", kind="t gray")
    drawing.line(across(0), up(0), across(1), up(1), "mark")
    _legend(drawing)
    drawing.line(280, 10, 306, 10, "mark")
    drawing.text(312, 14, "exact")
    for shift, kind, one in ((-2.0, "all", found), (2.0, "blank", unbiased)):
        points = [(across(part.predicted) + shift, part.true) for part in one.bins]
        _estimates(drawing, points, up, kind)
    return str(drawing)


def week_plot(found: Activity) -> str:
    """Return a plot of votes by hour of the week; each disc's area is the number of votes."""
    left, top, row = 34.0, 8.0, 21.0
    drawing = Drawing(top + 7 * row + 40, "Votes by day of the week and hour.")
    most = max((max(hours) for hours in found.week), default=0)
    across = linear(0, 23, left + 8, WIDTH - 10)
    for day, hours in enumerate(found.week):
        y = top + row * (day + 0.5)
        drawing.text(0, y + 4, _DAYS[day])
        drawing.line(left, y, WIDTH, y, "grid")
        for hour, count in enumerate(hours):
            if count:
                drawing.dot(across(hour), y, max(1.2, 8.5 * sqrt(count / most)), "fill-all")
    for hour in (0, 6, 12, 18, 23):
        drawing.text(across(hour), top + 7 * row + 14, f"{hour}h", anchor="middle")
    if most:
        drawing.dot(left + 8, top + 7 * row + 29, 8.5, "fill-all")
        drawing.text(left + 22, top + 7 * row + 33, f"{most} votes", kind="t gray")
    return str(drawing)


def days_plot(found: Activity) -> str:
    """Return a bar chart of votes by day, up to the last 60 days."""
    height, last = 62.0, found.days[-1][0]
    recent = [(day, count) for day, count in found.days if (last - day).days < _MOST_DAYS]
    most, first = max(count for _, count in recent), recent[0][0]
    drawing = Drawing(height + 22, f"Votes by day, {first:%d %B} to {last:%d %B %Y}, up to {most} a day.")
    span = max((last - first).days + 1, _FEWEST)
    across, tall = linear(0, span, 0, WIDTH), linear(0, most, 0, height - 16)
    for day, count in recent:
        x = across((day - first).days)
        drawing.bar(x, height - tall(count), max(across(1) - 1.5, 1.0), tall(count), "fill-all")
    drawing.line(0, height, WIDTH, height, "grid")
    drawing.text(0, height + 16, f"{first:%d %b}")
    drawing.text(WIDTH, height + 16, f"{last:%d %b}, up to {most:,} a day", anchor="end", kind="t gray")
    return str(drawing)


def _axes(
    drawing: Drawing, numbers: Sequence[int], low: float, high: float, word: Callable[[float], str]
) -> tuple[Scale, Scale]:
    """Draw the axes and return their scales: round to x, and value to y."""
    first, last = (numbers[0], numbers[-1]) if numbers else (1, 1)
    last = max(last, first + _FEWEST - 1)
    bottom = _HEIGHT - _FOOT
    across = linear(first - 0.5, last + 0.5, _LEFT, WIDTH - _RIGHT)
    up = linear(low, high, bottom, _TOP)
    tenths = round(10 * (high - low))
    step = next((step for step in (1, 2, 5) if tenths <= _MOST_LINES * step), 10)
    for number in range(0, tenths + 1, step):
        value = high - number / 10
        drawing.line(_LEFT, up(value), WIDTH - _RIGHT, up(value), "grid")
        drawing.text(_LEFT - 6, up(value) + 4, word(value), anchor="end")
    for number in numbers:
        drawing.text(across(number), bottom + 17, str(number), anchor="middle")
    drawing.text((_LEFT + WIDTH - _RIGHT) / 2, _HEIGHT - 3, "round", anchor="middle", kind="t gray")
    return across, up


def _legend(drawing: Drawing) -> None:
    for x, kind, words in ((0.0, "all", "all posts"), (110.0, "blank", "blank posts, no hint")):
        drawing.line(x, 10, x + 26, 10, f"curve {kind}")
        drawing.marker(x + 13, 10, hollow=kind == "blank")
        drawing.text(x + 32, 14, words)


def _series(drawing: Drawing, points: Sequence[tuple[float, float]], kind: str) -> None:
    if len(points) > 1:
        drawing.path(points, f"curve {kind}")
    for x, y in points:
        drawing.marker(x, y, hollow=kind == "blank")


def _estimates(drawing: Drawing, points: Sequence[tuple[float, Estimate]], up: Scale, kind: str) -> None:
    for x, estimate in points:
        low, high = up(estimate.low or 0.0), up(estimate.high or 0.0)
        drawing.line(x, low, x, high, f"interval {kind}")
        for y in (low, high):
            drawing.line(x - 3, y, x + 3, y, f"interval {kind}")
    _series(drawing, [(x, up(estimate.value or 0.0)) for x, estimate in points], kind)
