"""Draw PNGs: the chart posted at the end of a round, and a backtest's learning curve; readable in black and white.

`python -m tierbot.reports.charts` reads a round's figures as JSON from standard input and writes its chart to standard
output. The bot runs it in a child process, because an imported matplotlib stays in memory.
"""

import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from itertools import accumulate
from typing import Any

import numpy as np

from tierbot.domain.nouns import Estimate
from tierbot.domain.rounds.figures import AGREED, NAMED_ANOTHER, PATTERNS, REJECTED, UNSURE, RoundFigures

_SIZE, _DPI, _FONT = (10.0, 5.6), 160, 15  # inches: 1600 × 896 pixels, readable on a phone without zooming
_INK, _GRAY = "#1a1a1a", "#6b6b6b"
_TITLE: dict[str, Any] = {"loc": "left", "fontsize": _FONT, "fontweight": "bold", "pad": 12}
_FEWEST = 3  # rounds to leave room for, so that a single one doesn't fill the chart
# Okabe and Ito's colors, dark to light, so that they differ in black and white too; hatches add a second cue.
_LOOKS = {
    AGREED: ("agreed", "#0b4f7d", "", "white"),
    NAMED_ANOTHER: ("named another", "#e08a00", "", "black"),
    REJECTED: ("said wrong", "#f7d9a0", "////", "black"),
    UNSURE: ("unsure", "#ffffff", "..", "black"),
}
_LEAST_LABELED = 0.07  # share below which a segment is too low for its number
_MOST_LABELED = 8  # columns above which the numbers don't fit


def round_chart(figures: Sequence[RoundFigures]) -> bytes:
    """Return a PNG of the rounds in `figures`, oldest first: accuracy with 95% intervals, and voting patterns."""
    from matplotlib import rc_context  # noqa: PLC0415 - slow and large, see above
    from matplotlib.figure import Figure  # noqa: PLC0415
    from matplotlib.layout_engine import ConstrainedLayoutEngine  # noqa: PLC0415

    with rc_context({"font.size": _FONT, "hatch.linewidth": 0.6, "axes.edgecolor": _GRAY}):
        layout = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12)
        figure = Figure(figsize=_SIZE, dpi=_DPI, layout=layout, facecolor="white")
        left, right = figure.subplots(1, 2)
        _draw_accuracy(left, figures)
        _draw_patterns(right, figures)
        for axes in (left, right):
            axes.spines[["top", "right"]].set_visible(False)
            axes.set_xlabel("round")
            axes.set_xticks([one.number for one in figures])
            if figures:
                first, last = figures[0].number, figures[-1].number
                axes.set_xlim(first - 0.6, max(last, first + _FEWEST - 1) + 0.9)
        return _png(figure)


def learning_curve(rounds: Sequence[tuple[int, Mapping[str, Estimate], float | None]]) -> bytes:
    """Return a PNG of accuracy against posts so far, from (posts, accuracy by arm, accuracy on later stories)."""
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(8, 4.5), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    judged = list(accumulate(posts for posts, _, _ in rounds))
    for arm, mark, label in (("all", "o-", "all posts"), ("blank", "s:", "blank arm (no hint shown)")):
        points = [(x, accuracy[arm]) for x, (_, accuracy, _) in zip(judged, rounds, strict=True)]
        _draw_estimates(axes, points, fmt=mark, capsize=3, label=label)
    later = [(x, share) for x, (_, _, share) in zip(judged, rounds, strict=True) if share is not None]
    if later:
        axes.plot(*zip(*later, strict=True), "k--", label="later stories, never shown")
    axes.set(xlabel="posts judged", ylabel="accuracy", ylim=(0, 1))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    return _png(figure)


def _png(figure: Any) -> bytes:
    png = BytesIO()
    figure.savefig(png, format="png", metadata={"Software": None})
    return png.getvalue()


def _draw_estimates(axes: Any, points: Iterable[tuple[float, Estimate]], **look: Any) -> None:
    known = [(x, e.value, e.low, e.high) for x, e in points if e.value is not None]
    if known:
        x, value, low, high = np.array(known, dtype=float).T
        # rounding may put a bound a hair beyond its value
        axes.errorbar(x, value, yerr=np.maximum([value - low, high - value], 0.0), **look)


def _draw_accuracy(axes: Any, figures: Sequence[RoundFigures]) -> None:
    axes.set_title("How often the model was right", **_TITLE)
    lowest = 1.0
    for name, shift, look, label in (
        ("blank", 0.1, {"fmt": "s--", "color": _GRAY, "mfc": "white", "ms": 8}, "blank posts, no hint"),
        ("all", -0.1, {"fmt": "o-", "color": _INK, "ms": 9, "lw": 2.5}, "all posts"),
    ):
        points = [(one.number, e) for one in figures if (e := getattr(one, name)).value is not None]
        _draw_estimates(
            axes, [(number + shift, e) for number, e in points], capsize=5, elinewidth=1.5, label=label, **look
        )
        lowest = min([lowest, *(e.low for _, e in points)])
        if name == "all" and points:
            number, last = points[-1]
            axes.annotate(
                f"{last.value:.0%}", (number + 0.2, last.value), (6, 0), textcoords="offset points", va="center",
                fontweight="bold", color=_INK, annotation_clip=False,
            )  # fmt: skip
    axes.set_ylim(min(0.9, math.floor(10 * lowest) / 10) if lowest < 1.0 else 0.0, 1.02)
    axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.grid(axis="y", color="#dddddd")
    axes.set_axisbelow(True)
    if lowest < 1.0:
        _draw_legend(axes, columns=1)
    else:
        _draw_empty(axes)


def _draw_patterns(axes: Any, figures: Sequence[RoundFigures]) -> None:
    axes.set_title("How you voted on its guess", **_TITLE)
    numbers = [one.number for one in figures]
    totals = [sum(one.patterns.values()) for one in figures]
    bottom = [0.0] * len(figures)
    for name in PATTERNS:
        label, color, hatch, ink = _LOOKS[name]
        shares = [
            one.patterns.get(name, 0) / total if total else 0.0 for one, total in zip(figures, totals, strict=True)
        ]
        axes.bar(
            numbers, shares, 0.72, bottom, label=label, color=color, hatch=hatch,
            edgecolor=_INK, linewidth=0.8,
        )  # fmt: skip
        for x, share, start in zip(numbers, shares, bottom, strict=True):
            if share >= _LEAST_LABELED and len(figures) <= _MOST_LABELED:
                box = {"facecolor": color, "edgecolor": "none", "pad": 1.5} if hatch else None
                axes.text(
                    x, start + share / 2, f"{100 * share:.0f}", ha="center", va="center", color=ink,
                    fontsize=_FONT - 2, bbox=box,
                )  # fmt: skip
        bottom = [start + share for start, share in zip(bottom, shares, strict=True)]
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    if any(totals):
        _draw_legend(axes, columns=2)
    else:
        _draw_empty(axes)


def _draw_legend(axes: Any, columns: int) -> None:
    axes.legend(
        loc="upper left", bbox_to_anchor=(-0.03, -0.16), ncols=columns, frameon=False, fontsize=_FONT - 2,
        columnspacing=1.0, handletextpad=0.6, reverse=columns == 1,
    )  # fmt: skip


def _draw_empty(axes: Any) -> None:
    axes.text(0.5, 0.5, "nothing settled yet", transform=axes.transAxes, ha="center", va="center", color=_GRAY)


def main() -> None:
    """Read figures from standard input and write the chart to standard output."""
    figures = [RoundFigures.from_dict(one) for one in json.load(sys.stdin)["figures"]]
    sys.stdout.buffer.write(round_chart(figures))


if __name__ == "__main__":
    main()
