"""Draw a backtest's learning curve, readable in black and white."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Protocol

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tierbot.domain.nouns import Estimate


class Played(Protocol):
    """A round, as far as the curve needs it."""

    @property
    def posts(self) -> int:
        """Number of posts."""

    @property
    def accuracy(self) -> Mapping[str, Estimate]:
        """Accuracy by arm: "all" and "blank"."""

    @property
    def window_accuracy(self) -> float | None:
        """Accuracy on later stories, None if there are none."""


def learning_curve(rounds: Sequence[Played]) -> bytes:
    """Return a PNG: accuracy against posts judged so far, with 95% intervals; all posts, blank arm, later window."""
    figure = Figure(figsize=(8, 4.5), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    judged = [sum(one.posts for one in rounds[: i + 1]) for i in range(len(rounds))]
    for arm, mark, label in (("all", "o-", "all posts"), ("blank", "s:", "blank arm (no hint shown)")):
        points = [(x, one.accuracy[arm]) for x, one in zip(judged, rounds, strict=True)]
        known = [
            (x, e.value, e.low, e.high)
            for x, e in points
            if e.value is not None and e.low is not None and e.high is not None
        ]
        if known:
            x, value, low, high = zip(*known, strict=True)
            errors = [
                [v - lo for v, lo in zip(value, low, strict=True)],
                [hi - v for v, hi in zip(value, high, strict=True)],
            ]
            axes.errorbar(x, value, yerr=errors, fmt=mark, capsize=3, label=label)
    later = [(x, one.window_accuracy) for x, one in zip(judged, rounds, strict=True) if one.window_accuracy is not None]
    if later:
        axes.plot(*zip(*later, strict=True), "k--", label="later stories, never shown")
    axes.set(xlabel="posts judged", ylabel="accuracy", ylim=(0, 1))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    png = BytesIO()
    figure.savefig(png, format="png")
    return png.getvalue()
