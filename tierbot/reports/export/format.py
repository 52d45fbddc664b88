"""Defines the interface of all export formats."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.tags import TagSpace
from tierbot.reports.dataset import Row


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a format may need in addition to the rows: the tags (retired ones too) and the articles' embeddings.

    `embeddings` takes article ids and returns unit vectors (d,) for those it knows; d is `dimension`.
    """

    tags: TagSpace
    embeddings: Callable[[Sequence[str]], Mapping[str, NDArray[np.float32]]]
    dimension: int


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A way to write the dataset.

    write: writes rows, as they come and in bounded memory, to a path that does not exist yet (a file, or a folder
    if `folder`), and returns notes for people, such as what was left out. packages: what it needs installed beyond
    tierbot itself. columns: whether it has the columns of the data dictionary. about: its own layout, for the docs.
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
    """What was written. cursor: where the next incremental export starts."""

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
