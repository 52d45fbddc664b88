"""Run bulk work on a Ray cluster: the one at RAY_ADDRESS, one running on this machine, or a new one on its processors.

Every machine of the cluster needs the same version of tierbot. Ray's usage statistics stay off.
"""

import os
import socket
from collections.abc import Iterable, Iterator
from typing import Any

from tierbot.app.bulk.work import ATTEMPTS, Shard, Work, do, lost
from tierbot.domain.nouns import TierbotError

_AHEAD = 2  # as for the pool
_PATIENCE = 10.0  # seconds


class RayEngine:
    """Run tasks on a Ray cluster, one processor each; Ray retries a task whose worker died."""

    def __init__(self, workers: int | None) -> None:
        """`workers`: the maximum number of parallel tasks; None: the cluster's number of processors."""
        self._workers = workers
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray  # noqa: PLC0415 - an extra
        except ImportError as fault:
            raise TierbotError('The engine ray needs Ray. Run: pip install ".[ray]".') from fault
        self._ray: Any = ray

    def done(self, work: Work, shards: Iterable[Shard]) -> Iterator[tuple[Shard, list[str]]]:
        """See Engine."""
        ray = self._ray
        self._connect()

        # Limit the number of workers by submitting no more tasks than that.
        limit = self._workers or _AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
        shared = ray.put(work)  # once for all tasks
        task = ray.remote(num_cpus=1, max_retries=ATTEMPTS - 1)(do)
        source = iter(shards)
        flying: dict[Any, Shard] = {}
        try:
            while True:
                while len(flying) < limit and (shard := next(source, None)) is not None:
                    flying[task.remote(shared, list(shard.lines))] = shard
                if not flying:
                    return
                finished, _ = ray.wait(list(flying), num_returns=1)
                for reference in finished:
                    shard = flying.pop(reference)
                    yield shard, self._result(reference, shard)
        finally:
            for reference in flying:
                ray.cancel(reference, force=True)

    def _result(self, reference: Any, shard: Shard) -> list[str]:
        faults = self._ray.exceptions
        try:
            found: list[str] = self._ray.get(reference)
        except faults.RayTaskError as fault:
            if isinstance(fault.cause, TierbotError):
                raise fault.cause from None
            raise
        except (faults.WorkerCrashedError, faults.OutOfMemoryError, faults.NodeDiedError) as fault:
            raise lost(shard) from fault
        return found

    def _connect(self) -> None:
        ray = self._ray
        if ray.is_initialized():
            return
        address = os.environ.get("RAY_ADDRESS", "")
        if address not in {"", "auto", "local"} and not _answers(address):
            raise TierbotError(
                f"The Ray cluster at RAY_ADDRESS={address} does not answer. Start it with `ray start --head`, or unset RAY_ADDRESS."
            )
        quiet = {"log_to_driver": False, "configure_logging": False}
        try:
            ray.init(address=address or "auto", **quiet)
        except ConnectionError:
            ray.init(address="local", num_cpus=self._workers or os.cpu_count(), include_dashboard=False, **quiet)


def _answers(address: str) -> bool:
    """Return whether anything listens at host:port or ray://host:port; Ray itself would retry for minutes."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE):
            return True
    except (OSError, ValueError):
        return False
