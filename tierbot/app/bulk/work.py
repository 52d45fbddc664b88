"""Define bulk work by its import path, so that any process on any machine can run it."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module

from tierbot.domain.nouns import TierbotError

ATTEMPTS = 4
"""Attempts at a shard whose worker died; a worker may get killed because of another one's memory use."""

Lines = Sequence[str]
Do = Callable[[Lines], list[str]]


class WorkerLostError(TierbotError):
    """A shard's worker died in every attempt; the text names the shard."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A numbered part of the input: JSON lines, and the name that errors use for them."""

    number: int
    lines: Lines
    name: str


@dataclass(frozen=True)
class Work:
    """Bulk work. `factory` ("module:function") turns `about` into the function for a shard's lines, once per process."""

    factory: str
    about: bytes

    @cached_property
    def digest(self) -> str:
        """The work's sha256, which is sent along because hashing a 30 MB model takes longer than comparing a digest."""
        return hashlib.sha256(self.factory.encode() + b"\0" + self.about).hexdigest()


_ready: tuple[str, Do] | None = None  # cached per process: loading a model takes longer than a shard


def do(work: Work, lines: Lines) -> list[str]:
    """Do the work on one shard's lines in this process. Raises TierbotError if that fails."""
    global _ready  # noqa: PLW0603
    if _ready is None or _ready[0] != work.digest:
        module, _, name = work.factory.partition(":")
        _ready = (work.digest, getattr(import_module(module), name)(work.about))
    return _ready[1](lines)


def lost(shard: Shard) -> WorkerLostError:
    """Return the error for a shard whose workers all died."""
    return WorkerLostError(
        f"{shard.name}: {ATTEMPTS} workers in a row were killed or ran out of memory. Finished parts are saved; run the same "
        "command again with fewer --workers, or remove that part from the file."
    )
