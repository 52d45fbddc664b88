"""What must level off while a bot is overloaded in bursts, and how much of the rest it may use at most."""

from collections.abc import Mapping, Sequence
from statistics import median

from tierbot.adapters.slack.app import LISTENER_THREADS
from tierbot.adapters.slack.connection.socket_mode import WORKERS
from tierbot.adapters.store.write_ahead_log import LONG
from tierbot.use_cases.jobs.scheduler import AT_ONCE_IN_A_WORKSPACE

POOLS = {"messages from Slack": WORKERS, "Bolt's listeners": LISTENER_THREADS, "jobs": AT_ONCE_IN_A_WORKSPACE}
"""The thread pools of `tierbot run` in one workspace, and how many threads each may have."""
OTHERS = 20
"""Threads besides, of which 13 were there: the main one, and those of the worker, the schedule, the connection and libraries."""
PER_REACTION = 8 * 2**10  # bytes of the write-ahead log: two pages, of which reactions that arrive together share some
_LEVEL = {"memory": 1.1, "descriptors": 1.0}  # how much more the last third may use than the second


def most(reactions_in_a_burst: float) -> dict[str, float]:
    """Return how many threads a bot may have, and how many MB of write-ahead log."""
    return {"threads": sum(POOLS.values()) + OTHERS, "log": (LONG + reactions_in_a_burst * PER_REACTION) / 2**20}


def faults(seen: Sequence[Mapping[str, float]], limits: Mapping[str, float]) -> list[str]:
    """Return what is wrong with what was seen after each of at least nine bursts."""
    third = len(seen) // 3
    second, last = seen[third : 2 * third], seen[2 * third :]
    wrong = []
    for what, more in _LEVEL.items():
        before, after = (max(one[what] for one in part) for part in (second, last))
        if after > before * more:
            wrong.append(f"{what} did not level off: {after:.0f} in the last third, {before:.0f} in the second")
    # Jobs that run after a burst add some for a moment. A leak of one thread a burst would add a third of the bursts.
    rise = median(one["threads"] for one in last) - median(one["threads"] for one in second)
    if rise >= third / 2:
        wrong.append(f"threads did not level off: {rise:g} more in the last third than in the second")
    for what, limit in limits.items():
        if (found := max(one[what] for one in seen)) > limit:
            wrong.append(f"{what}: {found:.0f}, more than {limit:.0f}")
    return wrong
