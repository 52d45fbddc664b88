"""Finds an aggregator for plain crowd data by name: our default, majority vote, and crowd-kit's."""

from collections.abc import Callable, Mapping

from tierbot.domain.feedback.crowd.aggregators import crowdkit
from tierbot.domain.feedback.crowd.aggregators.hierarchical import HierarchicalDawidSkene
from tierbot.domain.feedback.crowd.aggregators.majority import Majority
from tierbot.domain.feedback.crowd.table import CrowdAggregator, CrowdError

__all__ = ["DEFAULT_METHOD", "HierarchicalDawidSkene", "Majority", "aggregator", "methods"]

DEFAULT_METHOD = "hierarchical"

_OURS: Mapping[str, Callable[[], CrowdAggregator]] = {"hierarchical": HierarchicalDawidSkene, "majority": Majority}
_PREFIX = "crowd-kit/"


def methods() -> tuple[str, ...]:
    """Return the available names, the default first, including crowd-kit's if it is installed."""
    return (*_OURS, *(f"{_PREFIX}{name}" for name in crowdkit.CLASSES if crowdkit.installed()))


def aggregator(name: str) -> CrowdAggregator:
    """Return the aggregator of that name. Raises CrowdError for an unknown name."""
    if name in _OURS:
        return _OURS[name]()
    if name.startswith(_PREFIX) and name.removeprefix(_PREFIX) in crowdkit.CLASSES:
        return crowdkit.CrowdKit(name.removeprefix(_PREFIX))
    hint = "" if crowdkit.installed() else f" For crowd-kit's methods, run: {crowdkit.INSTALL}"
    raise CrowdError(f"Unknown method {name!r}. Choose one of: {', '.join(methods())}.{hint}")
