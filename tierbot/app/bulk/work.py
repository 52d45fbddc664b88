"""What is done to a shard: named by where it is found, so that any process on any machine can do it."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module

from tierbot.domain.nouns import TierbotError

ATTEMPTS = 4
"""A shard whose worker died is tried so often: a worker may have been killed for what another one took."""

Lines = Sequence[str]
Do = Callable[[Lines], list[str]]


class WorkerLostError(TierbotError):
    """A shard whose worker died each time; the text names it."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A numbered part of the input: some JSON lines, and what errors call them."""

    number: int
    lines: Lines
    name: str


@dataclass(frozen=True)
class Work:
    """What is done: `factory` ("module:function") makes, once a process, of `about` what turns a shard's lines."""

    factory: str
    about: bytes

    @cached_property
    def digest(self) -> str:
        """A sha256 of what is done; it travels along, since a model of 30 MB takes longer to digest than to ask."""
        return hashlib.sha256(self.factory.encode() + b"\0" + self.about).hexdigest()


_ready: tuple[str, Do] | None = None  # one a process: loading a model takes longer than a shard


def do(work: Work, lines: Lines) -> list[str]:
    """Do the work on one shard's lines, in this process. Raises TierbotError if it cannot be done."""
    global _ready  # noqa: PLW0603
    if _ready is None or _ready[0] != work.digest:
        module, _, name = work.factory.partition(":")
        _ready = (work.digest, getattr(import_module(module), name)(work.about))
    return _ready[1](lines)


def lost(shard: Shard) -> WorkerLostError:
    """Return the error for a shard whose workers died one after the other."""
    return WorkerLostError(
        f"{shard.name} ended {ATTEMPTS} workers in a row: they were killed, or ran out of memory. What is done is kept; "
        "run the same command again with fewer --workers, or take that part out of the file."
    )
