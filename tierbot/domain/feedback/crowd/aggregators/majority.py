"""Majority vote: the most votes win. The baseline that every other method has to beat."""

from dataclasses import dataclass

from tierbot.domain.feedback.crowd.table import CrowdResult, CrowdTable


@dataclass(frozen=True, slots=True)
class Majority:
    """A label's probability is its share of the item's votes."""

    def settle(self, table: CrowdTable) -> CrowdResult:
        """Return the settlement of all items of the table."""
        return CrowdResult(table, table.shares)
