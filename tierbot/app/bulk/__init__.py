"""Resumable bulk work in shards, on a pool of local processes or a Ray cluster.

Shards depend only on the input, and each is processed on its own, so the result is byte-for-byte the same on any engine,
with any number of workers, and after any interruption.
"""

from tierbot.app.bulk.engines import Engine, engine_of
from tierbot.app.bulk.parts import Parts, lines_in, whole_run
from tierbot.app.bulk.work import Shard, Work, WorkerLostError

__all__ = ["Engine", "Parts", "Shard", "Work", "WorkerLostError", "engine_of", "lines_in", "whole_run"]
