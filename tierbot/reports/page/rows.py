"""Draw the plots with one row per item: tags, mistakes, policies, trainers, and the models' lineage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tierbot.reports.page.figures import Confusion, HeldFigures, ModelFigures, ModelMove
from tierbot.reports.page.rounds import percent
from tierbot.reports.page.svg import LETTER, WIDTH, Drawing, Scale, linear, shortened

_ROW = 22.0
_LABEL = 150.0
_LANE = 16.0
_LEAST_BAR = 5  # smallest count that a full-length bar stands for


@dataclass(frozen=True, slots=True)
class Interval:
    """A row of a dot plot."""

    label: str
    value: float
    low: float
    high: float
    note: str = ""
    hollow: bool = False


def interval_plot(rows: Sequence[Interval], description: str) -> str:
    """Return a plot of each row's dot and interval on an axis from 0 to 1, widened if a value lies outside."""
    low, high = min([0.0, *(one.low for one in rows)]), max([1.0, *(one.high for one in rows)])
    drawing = Drawing(_ROW * len(rows) + 26, description)
    across = linear(low, high, _LABEL + 8, WIDTH - 44)
    _grid(drawing, across, 0, _ROW * len(rows) + 4)
    for number, one in enumerate(rows):
        y = _ROW * (number + 0.5)
        drawing.text(0, y + 4, shortened(one.label, int(_LABEL / LETTER)))
        drawing.line(across(one.low), y, across(one.high), y, "interval blank" if one.hollow else "interval all")
        drawing.marker(across(one.value), y, hollow=one.hollow)
        drawing.text(WIDTH, y + 4, one.note, anchor="end", kind="t gray")
    return str(drawing)


def change_plot(rows: Sequence[tuple[str, float, float]], description: str) -> str:
    """Return a plot of rows (label, before, now), with a hollow square before and a dot now."""
    drawing = Drawing(_ROW * len(rows) + 50, description)
    for x, words in ((0.0, "before"), (90.0, "now")):
        drawing.marker(x + 5, 8, hollow=words == "before")
        drawing.text(x + 16, 12, words)
    across = linear(0, 1, _LABEL + 28, WIDTH - 30)
    _grid(drawing, across, 24, 24 + _ROW * len(rows) + 4)
    for number, (label, before, now) in enumerate(rows):
        y = 24 + _ROW * (number + 0.5)
        drawing.text(0, y + 4, shortened(label, int((_LABEL + 20) / LETTER)))
        drawing.line(across(before), y, across(now), y, "interval all")
        drawing.marker(across(before), y, hollow=True)
        drawing.marker(across(now), y, hollow=False)
    return str(drawing)


def confusion_plot(found: Sequence[Confusion], names: Mapping[str, str]) -> str:
    """Return a bar for each mistake, labeled with the true tag and below it the predicted one."""
    row = 38.0
    drawing = Drawing(row * len(found) + 24, "The most frequent mistakes, with the true tag and the predicted one.")
    drawing.key(2, (("named_another", "siblings"), ("rejected", "others")))
    across = linear(0, max([_LEAST_BAR, *(one.count for one in found)]), 0, WIDTH - 225)
    for number, one in enumerate(found):
        y = 24 + row * number
        drawing.text(0, y + 13, shortened(names.get(one.true, one.true), 24))
        drawing.text(12, y + 29, shortened(f"predicted as {names.get(one.guessed, one.guessed)}", 26), kind="t gray")
        drawing.bar(190, y + 5, across(one.count), 20, "named_another" if one.siblings else "rejected")
        drawing.text(196 + across(one.count), y + 20, str(one.count))
    return str(drawing)


def held_plot(found: Sequence[HeldFigures]) -> str:
    """Return a bar for each rule, with the number of articles it held back."""
    drawing = Drawing(_ROW * len(found) + 2, "Articles that each boundary held back.")
    across = linear(0, max([_LEAST_BAR, *(one.count for one in found)]), 0, WIDTH - _LABEL - 60)
    for number, one in enumerate(found):
        y = _ROW * (number + 0.5)
        drawing.text(0, y + 4, shortened(f"{one.boundary}: {one.rule}", int(_LABEL / LETTER)))
        drawing.bar(_LABEL + 8, y - 7, across(one.count), 14, "named_another")
        drawing.text(_LABEL + 14 + across(one.count), y + 4, str(one.count))
    return str(drawing)


def lineage_plot(models: Sequence[ModelFigures], moves: Sequence[ModelMove]) -> str:
    """Return the model versions, newest first, each joined to its parent; refused ones are indented."""
    row = 40.0
    events: list[ModelFigures | ModelMove] = sorted(
        [*models, *moves], key=lambda one: one.created_at if isinstance(one, ModelFigures) else one.at, reverse=True
    )
    drawing = Drawing(row * len(events) + 4, "Model versions, newest first, with promotions, refusals and rollbacks.")
    place = {
        event.id: (10 + (_LANE if event.promoted is False else 0.0), row * (number + 0.4))
        for number, event in enumerate(events)
        if isinstance(event, ModelFigures)
    }
    for one in models:
        if one.parent in place:
            (x, y), (parent_x, parent_y) = place[one.id], place[one.parent]
            drawing.path([(x, y), (x, min(y + 20, parent_y)), (parent_x, parent_y)], "curve all")
    for number, event in enumerate(events):
        y = row * (number + 0.4)
        if isinstance(event, ModelFigures):
            drawing.dot(place[event.id][0], y, 6, "dot blank" if event.promoted is False else "dot all")
            fate = {None: "the first", True: "promoted", False: "not promoted"}[event.promoted]
            fate += " 🏆 in service" if event.state == "champion" else ""
            drawing.text(44, y + 1, shortened(f"{event.id}  {fate}", 46), kind="t strong")
            drawing.text(44, y + 17, shortened(_about(event), 50), kind="t gray")
        else:
            verb = "rolled back" if event.back else "promoted by hand"
            drawing.text(27, y + 5, "↩" if event.back else "↪", kind="t strong")
            drawing.text(44, y + 1, f"{verb}: {event.before} → {event.after}", kind="t strong")
            drawing.text(44, y + 17, f"{event.at:%d %b %Y, %H:%M}", kind="t gray")
    return str(drawing)


def _about(one: ModelFigures) -> str:
    learned = "" if not one.verdicts else f", from {one.verdicts} verdict{'' if one.verdicts == 1 else 's'}"
    right = "" if one.accuracy.value is None else f", right on {percent(one.accuracy.value)} of {one.accuracy.n}"
    return f"{one.created_at:%d %b}{learned}{right}"


def _grid(drawing: Drawing, across: Scale, top: float, bottom: float) -> None:
    for step in (0.0, 0.5, 1.0):
        drawing.line(across(step), top, across(step), bottom, "grid")
        drawing.text(across(step), bottom + 16, percent(step), anchor="middle")
