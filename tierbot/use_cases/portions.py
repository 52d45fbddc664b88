"""Deletes much in many short transactions, so that reactions are recorded in between; a crash leaves the rest for the next run."""

from collections.abc import Callable, Iterable, Iterator
from itertools import takewhile

from tierbot.use_cases.ports import Store, Transaction

AT_ONCE = 200
"""Rows in one transaction: reactions wait for it."""


def in_portions(store: Store, workspace: str, part: Callable[[Transaction], int]) -> int:
    """Repeat a part in transactions of its own until nothing is left; return how many rows it deleted."""

    def some() -> int:
        with store.begin(workspace) as tx:
            return part(tx)

    return sum(takewhile(bool, iter(some, None)))


def portions(sizes: Iterable[tuple[str, int]], most: int) -> Iterator[list[str]]:
    """Group keys in order, so that the sizes in a group add up to `most` at most; a larger key is by itself.

    >>> list(portions([("a", 2), ("b", 1), ("c", 9), ("d", 1)], most=3))
    [['a', 'b'], ['c'], ['d']]
    """
    group, total = list[str](), 0
    for key, size in sizes:
        if group and total + size > most:
            yield group
            group, total = [], 0
        group.append(key)
        total += size
    if group:
        yield group
