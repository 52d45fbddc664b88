"""Bulk work beyond one process: cut into shards, done by a pool on this machine or by a Ray cluster, resumable.

Which shard a line belongs to depends on the input alone, and a shard is worked on alone: so the result is the same to
the last byte whatever does the work, with however many workers, and however often it was interrupted.
"""

from tierbot.app.bulk.engines import Engine, engine_of
from tierbot.app.bulk.parts import Parts, lines_in, whole_run
from tierbot.app.bulk.work import Shard, Work, WorkerLostError

__all__ = ["Engine", "Parts", "Shard", "Work", "WorkerLostError", "engine_of", "lines_in", "whole_run"]
