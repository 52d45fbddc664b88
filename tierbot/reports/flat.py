"""Define the dataset's flat columns: one text, number or time per cell, for spreadsheets and data frames."""

from dataclasses import replace
from itertools import chain
from operator import itemgetter
from typing import Any

from tierbot.reports.dataset import COLUMNS, Column, ColumnKind, Row


def labels_of(row: Row) -> list[str]:
    """Return a row's true tags, the one with the largest share first."""
    return sorted(row["label"], key=lambda tag: (-row["label"][tag], tag))


def _of_label(row: Row, column: str) -> Any:
    """Return the value of the row's `label` in a column of shares or counts; None without a label."""
    return row[column].get(labels_of(row)[0], 0) if row["label"] else None


_FLATTENED: dict[str, tuple[Column, ...]] = {
    "probabilities": (
        Column("p_action", ColumnKind.NUMBER, "The model's probability of the action.", lambda r: r["probabilities"].get(r["action"], 0.0)),
        Column("p_top", ColumnKind.NUMBER, "The model's probability of `top_tag`.", lambda r: r["probabilities"].get(r["top_tag"], 0.0)),
        Column("p_label", ColumnKind.NUMBER, "The model's probability of `label`.", lambda r: _of_label(r, "probabilities"), nullable=True),
    ),
    "policy_probabilities": (),
    "label": (
        Column(
            "label", ColumnKind.TEXT, "The true tag; of several, the one with the largest share.",
            lambda r: labels_of(r)[0] if r["label"] else None, nullable=True,
        ),
        Column("label_share", ColumnKind.NUMBER, "Its share of voters in (0, 1].", lambda r: _of_label(r, "label"), nullable=True),
        Column(
            "labels", ColumnKind.TEXT, "All true tags, the one with the largest share first, joined by `|`.",
            lambda r: "|".join(labels_of(r)) or None, nullable=True,
        ),
    ),
    "support": (
        Column("support_action", ColumnKind.INTEGER, "Number of distinct trainers who named the action.", lambda r: r["support"].get(r["action"], 0)),
        Column(
            "support_label", ColumnKind.INTEGER, "Number of distinct trainers who named `label`.",
            lambda r: _of_label(r, "support"), nullable=True,
        ),
    ),
    "votes": (),
}  # fmt: skip

FLAT: tuple[Column, ...] = tuple(
    chain.from_iterable(_FLATTENED.get(one.name, (replace(one, value=itemgetter(one.name)),)) for one in COLUMNS)
)
"""The columns, whose `value` takes a Row."""
