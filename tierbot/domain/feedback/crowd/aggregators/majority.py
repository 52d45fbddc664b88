"""Implements majority vote, the baseline for all other methods."""

from dataclasses import dataclass

from tierbot.domain.feedback.crowd.table import CrowdResult, CrowdTable


@dataclass(frozen=True, slots=True)
class Majority:
    """A label's probability is its share of the item's votes."""

    def settle(self, table: CrowdTable) -> CrowdResult:
        """Settle all items of the table."""
        return CrowdResult(table, table.shares)
