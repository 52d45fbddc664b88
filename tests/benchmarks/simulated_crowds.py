"""Simulated crowds whose like the six public ones lack: many labels, few votes, spammers, and links to entities.

Where labels are entities, each item has candidates of its own: errors agree with one another, and most labels occur in a
handful of items, so nothing is to be learned about how any two of them are confused.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

Row = tuple[str, str, str]  # item, worker, label
NIL = "none"


@dataclass(frozen=True)
class Classes:
    """Items of `labels` classes, `votes` votes each; a share of the workers are spammers, half of them with one answer.

    accuracy: the Beta distribution of the others' accuracy; `confused` of their errors go to a class's nearest one.
    skew > 0: how far the classes' frequencies differ.
    """

    labels: int
    votes: int
    workers: int
    spammers: float
    accuracy: tuple[float, float] = (6, 2)
    confused: float = 0.3
    skew: float = 0.0
    items: int = 600

    def rows(self, rng: np.random.Generator) -> tuple[list[Row], dict[str, str]]:
        """Return the votes and each item's truth."""
        labels = self.labels
        even = np.full(labels, 1 / labels)
        shares = rng.dirichlet(even * labels / self.skew) if self.skew else even
        near, favorite = rng.integers(0, labels, labels), rng.integers(0, labels, self.workers)
        accuracy, kind = rng.beta(*self.accuracy, self.workers), rng.random(self.workers)
        found, truth = [], {}
        for item in range(self.items):
            true = int(rng.choice(labels, p=shares))
            truth[str(item)] = str(true)
            for worker in _who(rng, self.workers, self.votes):
                if kind[worker] < self.spammers:
                    label = favorite[worker] if kind[worker] < self.spammers / 2 else rng.integers(0, labels)
                elif rng.random() < accuracy[worker]:
                    label = true
                else:
                    label = near[true] if rng.random() < self.confused else rng.integers(0, labels)
                found.append((str(item), f"w{worker}", str(label)))
        return found, truth


@dataclass(frozen=True)
class EntityLinks:
    """Items with five wrong candidates each among `entities`, or with no entity at all (`none`).

    hardest: how far hard items lower everyone's accuracy; `confused` of the errors go to an item's first candidate.
    """

    votes: int
    none: float
    confused: float
    entities: int = 80
    workers: int = 40
    items: int = 500
    hardest: float = 0.6

    def rows(self, rng: np.random.Generator) -> tuple[list[Row], dict[str, str]]:
        """Return the votes and each item's truth."""
        shares = 1 / np.arange(1, self.entities + 1) ** 0.8
        shares /= shares.sum()
        accuracy, says_none = rng.beta(6, 2.5, self.workers), rng.beta(1, 4, self.workers)
        found, truth = [], {}
        for item in range(self.items):
            true = NIL if rng.random() < self.none else f"e{rng.choice(self.entities, p=shares)}"
            truth[str(item)] = true
            candidates = [f"e{one}" for one in rng.choice(self.entities, 5, replace=False, p=shares)]
            ease = 1 - self.hardest * rng.beta(1, 3)
            for worker in _who(rng, self.workers, self.votes):
                if rng.random() < accuracy[worker] * ease:
                    label = true
                elif rng.random() < says_none[worker]:
                    label = NIL
                else:
                    label = candidates[0 if rng.random() < self.confused else int(rng.integers(1, 5))]
                found.append((str(item), f"w{worker}", label))
        return found, truth


def _who(rng: np.random.Generator, workers: int, votes: int) -> Iterator[int]:
    """Draw an item's workers; some are much more active than others."""
    active = 0.3 + 1 / (1 + np.arange(workers))
    yield from rng.choice(workers, min(votes, workers), replace=False, p=active / active.sum())


SIMULATED: dict[str, Classes | EntityLinks] = {
    "two classes, sparse": Classes(labels=2, votes=3, workers=150, spammers=0.2),
    "three classes, spammers": Classes(labels=3, votes=4, workers=60, spammers=0.4),
    "bad crowd": Classes(labels=5, votes=5, workers=50, spammers=0.3, accuracy=(3, 3)),
    "skewed classes": Classes(labels=10, votes=4, workers=50, spammers=0.2, skew=2.0),
    "many classes, dense": Classes(labels=30, votes=8, workers=30, spammers=0.1, confused=0.7),
    "many classes, sparse": Classes(labels=40, votes=3, workers=80, spammers=0.2),
    "entities, sparse": EntityLinks(votes=3, none=0.05, confused=0.6),
    "entities": EntityLinks(votes=5, none=0.2, confused=0.6),
    "entities, misleading": EntityLinks(votes=6, none=0.3, confused=0.9),
}
