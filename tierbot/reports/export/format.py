"""The interface of export formats."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.tags import TagSpace
from tierbot.reports.dataset import Column, Row


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a format may need besides the rows."""

    tags: TagSpace  # including retired ones
    embeddings: Callable[[Sequence[str]], Mapping[str, NDArray[np.float32]]]  # article ids → unit vectors, if known
    dimension: int


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A way to write the dataset."""

    name: str
    suffix: str
    about: str  # its layout, for the docs
    # in bounded memory, to a path that doesn't exist yet; returns notes for people, such as what was left out
    write: Callable[[Iterable[Row], Path, Surroundings], list[str]]
    packages: tuple[str, ...] = ()  # extra packages it needs
    install: str = "'.[export]'"  # installs them
    folder: bool = False
    columns: Sequence[Column] = ()  # those of its rows


@dataclass(slots=True)
class Written:
    """Counts of an export. `cursor`: where the next incremental export starts."""

    rows: int = 0
    votes: int = 0
    cursor: int = 0
    trainers: set[str] = field(default_factory=set)  # user ids
    arms: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    models: Counter[str] = field(default_factory=Counter)
    first: datetime | None = None  # when the oldest post was created
    last: datetime | None = None
    notes: Sequence[str] = ()
