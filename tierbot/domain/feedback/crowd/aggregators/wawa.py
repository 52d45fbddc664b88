"""Worker agreement with aggregate (Wawa): a majority vote weighted by agreement with the majority.

Appen's agreement metric, used as an aggregator by crowd-kit (Ustalov et al., 2021, "Learning from Crowds with
Crowd-Kit"). Own code: crowd-kit's fails under scikit-learn 1.9.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from tierbot.domain.feedback.crowd.aggregators.majority import Majority
from tierbot.domain.feedback.crowd.table import CrowdResult, CrowdTable


@dataclass(frozen=True, slots=True)
class Wawa:
    """Two passes: who agrees with the majority how often, then the votes weighted by that share."""

    def settle(self, table: CrowdTable) -> CrowdResult:
        """Return the settlement of all items of the table."""
        chosen = Majority().settle(table).chosen
        place = {name: at for at, name in enumerate(table.labels)}
        majority = np.array([place[chosen[item]] for item in table.items])
        agreed = (majority[table.item] == table.label) * table.weight
        skill = np.bincount(table.worker, agreed, len(table.workers)) / np.bincount(table.worker, table.weight)
        weighted = sparse.csr_array(
            (table.weight * skill[table.worker], (table.item, table.label)), shape=table.counts.shape
        ).toarray()
        total = weighted.sum(axis=1, keepdims=True)
        # Where nobody has ever agreed with a majority, the plain shares stand.
        shares = np.where(total > 0, weighted / np.maximum(total, np.finfo(float).tiny), table.shares)
        return CrowdResult(table, shares, skill)
