"""MACE: a worker either knows the truth or spams by a habit of her own.

D. Hovy, T. Berg-Kirkpatrick, A. Vaswani and E. Hovy (2013), "Learning Whom to Trust with MACE", NAACL-HLT, with
their variational Bayes step. Own code because crowd-kit's multiplies probabilities until they underflow, and its
ten restarts all start from the same seed; this one starts from the vote shares and needs none. The live game's
aggregator (feedback/learned.py) is this model with a habit that the post dictates: clicking what is shown.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma

from tierbot.domain.feedback.crowd.aggregators._counting import Cells, iterate
from tierbot.domain.feedback.crowd.table import CrowdResult, CrowdTable, Floats


@dataclass(frozen=True, slots=True)
class Mace:
    """Variational Bayes with Beta(`competence_prior`, same) on knowing and Dirichlet(`habit_prior`) on habits."""

    competence_prior: float = 0.5
    habit_prior: float = 10.0
    iterations: int = 100

    def settle(self, table: CrowdTable) -> CrowdResult:
        """Return the settlement of all items of the table."""
        cells = Cells(table)
        knows = np.full(cells.workers, 0.5)
        habit = np.full(len(cells.worker), 1 / cells.labels)
        flat = np.full(cells.labels, 1 / cells.labels)

        def likelihood() -> Floats:
            spam = ((1 - knows[cells.worker]) * habit)[:, None]
            given = np.zeros((len(habit), cells.labels))
            given[np.arange(len(habit)), cells.label] = knows[cells.worker]
            return np.asarray(spam + given)

        def step(probabilities: Floats) -> Floats:
            nonlocal knows, habit
            own = np.arange(len(habit)), cells.label
            expected = cells.expected(probabilities)
            right = expected[own]
            known = right * knows[cells.worker] / np.maximum(likelihood()[own], 1e-12)
            spammed = expected.sum(axis=1) - known
            knows, habit = self._learn(cells, known, spammed)
            return cells.posterior(likelihood(), flat)

        probabilities = iterate(step, table.shares, most=self.iterations)
        hits = cells.hits(cells.expected(probabilities))
        return CrowdResult(table, probabilities, hits / np.bincount(table.worker, table.weight))

    def _learn(self, cells: Cells, known: Floats, spammed: Floats) -> tuple[Floats, Floats]:
        """Return the geometric-mean estimates: knowing, shape (workers,), and habit, shape (cells,)."""
        knew, spams = cells.per_worker(known), cells.per_worker(spammed)
        yes = np.exp(digamma(knew + self.competence_prior))
        no = np.exp(digamma(spams + self.competence_prior))
        habit = np.exp(
            digamma(spammed + self.habit_prior) - digamma(spams + self.habit_prior * cells.labels)[cells.worker]
        )
        return yes / (yes + no), habit
