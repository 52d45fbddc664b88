"""Adapts crowd-kit's aggregators to our interface, if it is installed (`pip install tierbot[crowd]`).

D. Ustalov, N. Pavlichenko and B. Tseitlin (2024), "Learning from Crowds with Crowd-Kit", JOSS 9(96). Imported on
first use: it needs pandas and pyarrow, which the bot doesn't.
"""

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

import numpy as np

from tierbot.domain.feedback.crowd.table import CrowdError, CrowdResult, CrowdTable

# Our name → crowd-kit's class. Its Wawa is left out: it fails under scikit-learn 1.9.
CLASSES = {"dawid-skene": "DawidSkene", "one-coin": "OneCoinDawidSkene", "mace": "MACE", "glad": "GLAD"}
INSTALL = "pip install 'tierbot[crowd]'"


@dataclass(frozen=True, slots=True)
class CrowdKit:
    """One of crowd-kit's classifiers, with its own defaults. `name` is a key of CLASSES."""

    name: str

    def settle(self, table: CrowdTable) -> CrowdResult:
        """Settle all items of the table. Raises CrowdError if crowd-kit isn't installed."""
        try:
            aggregation, pandas = import_module("crowdkit.aggregation"), import_module("pandas")
        except ImportError as fault:
            raise CrowdError(
                f"The method crowd-kit/{self.name} needs crowd-kit ({fault.name} is missing). "
                f"Install it with: {INSTALL}"
            ) from fault
        frame = pandas.DataFrame({"task": table.item, "worker": table.worker, "label": table.label})
        fitted = getattr(aggregation, CLASSES[self.name])().fit_predict_proba(frame)
        found = fitted.reindex(index=range(len(table.items)), columns=range(len(table.labels))).to_numpy(float)
        # crowd-kit's MACE underflows on items with very many votes; use the vote shares there.
        broken = ~np.isfinite(found).all(axis=1) | ~(found.sum(axis=1) > 0)
        found = np.where(broken[:, None], table.shares, found)
        return CrowdResult(table, found / found.sum(axis=1, keepdims=True))


def installed() -> bool:
    """Return whether crowd-kit can be imported."""
    return find_spec("crowdkit") is not None
