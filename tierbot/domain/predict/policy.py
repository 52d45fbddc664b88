"""Chooses the tag to show: usually the likeliest, sometimes another plausible one, with its exact probability.

A greedy log can't tell what another tag would have earned. A little exploration with a logged propensity can
(Bottou et al., "Counterfactual Reasoning and Learning Systems", JMLR 2013). Only plausible tags are tried, because
absurd ones waste colleagues' time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Choice:
    """The shown tag, π(shown), π over all tag ids, and the policy's name with its parameters."""

    shown_tag: str
    propensity: float
    policy_probabilities: dict[str, float]
    policy: str


@dataclass(frozen=True, slots=True)
class EpsilonPolicy:
    """Greedy, except that the other plausible tags share ε in proportion to their probability."""

    first: float = 0.20  # ε at first
    last: float = 0.05  # ε in the end
    half: float = 300.0  # verdicts after which ε is halfway
    ratio: float = 0.1  # plausible tags have at least this share of the top tag's probability
    most: int = 5  # and are among this many likeliest ones

    def share(self, verdicts: int) -> float:
        """Return ε after this many verdicts, between `last` and `first`."""
        return self.last + (self.first - self.last) * self.half / (self.half + verdicts)

    def distribution(
        self, probabilities: NDArray[np.float64], verdicts: int, allowed: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float64]:
        """Return π, shape (T,), for the model's p, shape (T,); it sums to 1 and is 0 for implausible tags.

        allowed, shape (T,): which tags may be shown (by default all); the others have π = 0, and π is computed as if
        they didn't exist. Raises ValueError if none is allowed.
        """
        if allowed is not None:
            if not allowed.any():
                raise ValueError("No tag may be shown: hold such an article back instead of asking about it.")
            probabilities = np.where(allowed, probabilities, -1.0)  # never top, never plausible
        order = np.argsort(-probabilities, kind="stable")
        top, others = order[0], order[1 : self.most]
        others = others[probabilities[others] >= max(self.ratio * probabilities[top], 1e-12)]
        pi = np.zeros(len(probabilities))
        if len(others):
            pi[others] = self.share(verdicts) * probabilities[others] / probabilities[others].sum()
        pi[top] = 1.0 - pi[others].sum()
        return pi

    def choose(
        self,
        probabilities: NDArray[np.float64],
        tag_ids: Sequence[str],
        verdicts: int,
        rng: np.random.Generator,
        allowed: NDArray[np.bool_] | None = None,
    ) -> Choice:
        """Draw the tag to show for one article, given p over `tag_ids`, (T,); for `allowed` see `distribution`."""
        if not tag_ids or len(tag_ids) != len(probabilities):
            raise ValueError(f"Got {len(probabilities)} probabilities for {len(tag_ids)} tags.")
        pi = self.distribution(np.asarray(probabilities, dtype=np.float64), verdicts, allowed)
        shown = int(rng.choice(len(pi), p=pi))
        return Choice(
            shown_tag=tag_ids[shown],
            propensity=float(pi[shown]),
            policy_probabilities={tag: float(share) for tag, share in zip(tag_ids, pi, strict=True)},
            policy=f"epsilon({self.share(verdicts):.4f})",
        )
