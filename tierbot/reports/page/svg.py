"""Draw SVG for the page: shapes with class names that the page's style sheet colors, and all text escaped."""

from collections.abc import Callable, Iterable, Sequence
from html import escape

WIDTH = 380.0  # of all drawings, so that their text has the same size; the page scales them to its column
LETTER = 7.0  # mean width of a letter at the drawings' font size, for estimating what fits

Scale = Callable[[float], float]


def linear(low: float, high: float, start: float, end: float) -> Scale:
    """Return the linear map from [low, high] to [start, end]."""
    span = (high - low) or 1.0
    return lambda value: start + (value - low) / span * (end - start)


def shortened(words: str, letters: int) -> str:
    """Return the words, cut to `letters` characters with an ellipsis if they are longer."""
    return words if len(words) <= letters else words[: letters - 1].rstrip() + "…"


class Drawing:
    """One drawing; `description` is its text alternative for screen readers."""

    def __init__(self, height: float, description: str) -> None:
        self._height = height
        self._description = description
        self._parts: list[str] = []

    def _add(self, name: str, kind: str, words: str | None = None, **attributes: float | str) -> None:
        listed = "".join(
            f' {key.replace("_", "-")}="{_number(value) if isinstance(value, float | int) else escape(value)}"'
            for key, value in attributes.items()
        )
        content = "/>" if words is None else f">{escape(words)}</{name}>"
        self._parts.append(f'<{name} class="{kind}"{listed}{content}')

    def text(self, x: float, y: float, words: str, *, anchor: str = "start", kind: str = "t") -> None:
        """Draw text with its baseline at y."""
        self._add("text", kind, words, x=x, y=y, text_anchor=anchor)

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str) -> None:
        """Draw a straight line."""
        self._add("line", kind, x1=x1, y1=y1, x2=x2, y2=y2)

    def path(self, points: Sequence[tuple[float, float]], kind: str) -> None:
        """Draw a line through points."""
        self._add("polyline", kind, points=" ".join(f"{_number(x)},{_number(y)}" for x, y in points))

    def bar(self, x: float, y: float, width: float, height: float, kind: str) -> None:
        """Draw a filled rectangle."""
        self._add("rect", kind, x=x, y=y, width=max(width, 0.0), height=max(height, 0.0))

    def dot(self, x: float, y: float, radius: float, kind: str) -> None:
        """Draw a circle."""
        self._add("circle", kind, cx=x, cy=y, r=radius)

    def marker(self, x: float, y: float, *, hollow: bool) -> None:
        """Draw a series' marker: a hollow square for blank posts or earlier values, else a dot."""
        if hollow:
            self._add("rect", "square blank", x=x - 4, y=y - 4, width=8, height=8)
        else:
            self.dot(x, y, 4.5, "dot all")

    def key(self, y: float, items: Iterable[tuple[str, str]]) -> None:
        """Draw a legend of filled areas from (kind, words), its squares' top at y."""
        x = 0.0
        for kind, words in items:
            self.bar(x, y, 11, 11, kind)
            self.text(x + 15, y + 10, words)
            x += 33 + LETTER * len(words)

    def __str__(self) -> str:
        return (
            f'<svg viewBox="0 0 {_number(WIDTH)} {_number(self._height)}" role="img" '
            f'aria-label="{escape(self._description)}">{"".join(self._parts)}</svg>'
        )


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


PATTERNS = (
    '<svg class="patterns" aria-hidden="true" width="0" height="0"><defs>'
    '<pattern id="hatched" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect class="pale" width="6" height="6"/><line class="stripe" x1="0" y1="0" x2="0" y2="6"/></pattern>'
    '<pattern id="dotted" width="6" height="6" patternUnits="userSpaceOnUse">'
    '<rect class="paper" width="6" height="6"/><circle class="speck" cx="2" cy="2" r="1"/></pattern>'
    "</defs></svg>"
)
"""Fills that distinguish areas without color; a page contains them once."""
