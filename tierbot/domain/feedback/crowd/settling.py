"""Settles plain crowd data with any method and compares it with the truth, for `tierbot settle`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tierbot.domain.feedback.crowd.aggregators import DEFAULT_METHOD, aggregator
from tierbot.domain.feedback.crowd.agreement import crowd_alpha
from tierbot.domain.feedback.crowd.table import CrowdResult, CrowdTable
from tierbot.domain.nouns import Estimate


@dataclass(frozen=True, slots=True)
class CrowdReport:
    """A settlement and how good it is."""

    method: str
    settlement: CrowdResult
    alpha: float | None
    accuracy: Estimate  # the share of items with a known truth that settled to it; its value is None without truths
    unvoted: int  # items with a known truth but without votes, which don't count in the accuracy

    def summary(self) -> dict[str, Any]:
        """Return what `tierbot settle --json` prints."""
        table = self.settlement.table
        return {
            "method": self.method,
            "items": len(table.items),
            "workers": len(table.workers),
            "labels": len(table.labels),
            "votes": table.votes,
            "accuracy": self.accuracy.value,
            "accuracy_interval": None if self.accuracy.value is None else [self.accuracy.low, self.accuracy.high],
            "judged": self.accuracy.n,
            "unvoted": self.unvoted,
            "alpha": self.alpha,
        }

    def answers(self) -> list[tuple[str, str, float]]:
        """Return (item, label, confidence in [0, 1]) for every item."""
        confidence = self.settlement.probabilities.max(axis=1).tolist()
        return [(*chosen, share) for chosen, share in zip(self.settlement.chosen.items(), confidence, strict=True)]


def settle_crowd(
    table: CrowdTable, truth: Mapping[str, str] | None = None, method: str = DEFAULT_METHOD
) -> CrowdReport:
    """Settle a table and compare it with the truth, if given. Raises CrowdError for an unknown method."""
    settlement = aggregator(method).settle(table)
    known = {item: label for item, label in (truth or {}).items() if item in settlement.chosen}
    right = sum(settlement.chosen[item] == label for item, label in known.items())
    return CrowdReport(
        method=method,
        settlement=settlement,
        alpha=crowd_alpha(table),
        accuracy=Estimate.of_share(right, len(known)),
        unvoted=len(truth or {}) - len(known),
    )
