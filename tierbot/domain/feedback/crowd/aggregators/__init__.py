"""Aggregators of plain crowd data behind one interface, one algorithm a file, found by name."""

from collections.abc import Callable, Mapping

from tierbot.domain.feedback.crowd.aggregators.crowdkit import CLASSES, CrowdKit
from tierbot.domain.feedback.crowd.aggregators.dawid_skene import DawidSkene
from tierbot.domain.feedback.crowd.aggregators.hierarchical import HierarchicalDawidSkene
from tierbot.domain.feedback.crowd.aggregators.mace import Mace
from tierbot.domain.feedback.crowd.aggregators.majority import Majority
from tierbot.domain.feedback.crowd.aggregators.one_coin import OneCoin
from tierbot.domain.feedback.crowd.aggregators.wawa import Wawa
from tierbot.domain.feedback.crowd.table import CrowdAggregator, CrowdError

__all__ = [
    "DEFAULT_METHOD",
    "DawidSkene",
    "HierarchicalDawidSkene",
    "Mace",
    "Majority",
    "OneCoin",
    "Wawa",
    "aggregator",
    "methods",
]

DEFAULT_METHOD = "hierarchical"

_OURS: Mapping[str, Callable[[], CrowdAggregator]] = {
    "hierarchical": HierarchicalDawidSkene,
    "majority": Majority,
    "wawa": Wawa,
    "dawid-skene": DawidSkene,
    "one-coin": OneCoin,
    "mace": Mace,
}


def methods() -> tuple[str, ...]:
    """Return the names that `aggregator` knows, the default first."""
    return (*_OURS, *(f"crowd-kit/{name}" for name in CLASSES))


def aggregator(name: str) -> CrowdAggregator:
    """Return the aggregator of that name; raises CrowdError for an unknown one."""
    if name in _OURS:
        return _OURS[name]()
    library, _, method = name.partition("/")
    if library == "crowd-kit" and method in CLASSES:
        return CrowdKit(method)
    raise CrowdError(f"There is no method {name!r}. Choose one of: {', '.join(methods())}.")
