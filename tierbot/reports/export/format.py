"""The interface of export formats."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.tags import TagSpace
from tierbot.reports.dataset import Row


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a format may need besides the rows: the tags, including retired ones, and the articles' embeddings.

    `embeddings` returns unit vectors (d,) for the article ids that have one; d is `dimension`.
    """

    tags: TagSpace
    embeddings: Callable[[Sequence[str]], Mapping[str, NDArray[np.float32]]]
    dimension: int


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A way to write the dataset.

    write: write rows in bounded memory to a path that doesn't exist yet (a folder if `folder`) and return notes for
    people, such as what was left out. packages: extra packages it needs. columns: whether it has the columns of the data
    dictionary. about: its layout, for the docs.
    """

    name: str
    suffix: str
    about: str
    write: Callable[[Iterable[Row], Path, Surroundings], list[str]]
    packages: tuple[str, ...] = ()
    folder: bool = False
    columns: bool = True


@dataclass(frozen=True, slots=True)
class Written:
    """Counts of an export. `cursor`: where the next incremental export starts."""

    rows: int
    votes: int
    trainers: int
    cursor: int
    arms: Mapping[str, int] = field(default_factory=dict)
    outcomes: Mapping[str, int] = field(default_factory=dict)
    labels: Mapping[str, int] = field(default_factory=dict)
    models: Mapping[str, int] = field(default_factory=dict)
    first: str | None = None  # the oldest post's time, ISO
    last: str | None = None
    notes: Sequence[str] = ()
