"""Which tag a post shows: mostly the likeliest, at times another plausible one, with its exact probability.

Greedy logs cannot say what another tag would have earned; a little exploration with a logged propensity can
(Bottou et al., "Counterfactual Reasoning and Learning Systems", JMLR 2013). Only plausible tags are tried:
an absurd one wastes a colleague's look.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Choice:
    """The tag shown, π(shown), π over all tag ids, and the policy's name with its parameters."""

    shown_tag: str
    propensity: float
    policy_probabilities: dict[str, float]
    policy: str


@dataclass(frozen=True, slots=True)
class EpsilonPolicy:
    """Greedy, but with a share ε for the other plausible tags, in proportion to their probability.

    ε falls from `first` to `last` as verdicts gather: half of the way is gone after `half` verdicts. Plausible
    are the `most` likeliest tags with at least `ratio` of the top tag's probability.
    """

    first: float = 0.20
    last: float = 0.05
    half: float = 300.0
    ratio: float = 0.1
    most: int = 5

    def share(self, verdicts: int) -> float:
        """Return ε after so many verdicts, between `last` and `first`."""
        return self.last + (self.first - self.last) * self.half / (self.half + verdicts)

    def distribution(
        self, probabilities: NDArray[np.float64], verdicts: int, allowed: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float64]:
        """Return π, shape (T,), for the model's p, shape (T,): it sums to 1 and rests on plausible tags only.

        Where no other tag is plausible the likeliest has π = 1. `allowed`, shape (T,), says which tags may be
        shown at all (by default each): all others have π = 0, whatever the model says, and π is worked out as if
        they were not there. Raises ValueError if none is allowed.
        """
        if allowed is not None:
            if not allowed.any():
                raise ValueError("No tag may be shown: such an article is to be held back, not asked about.")
            probabilities = np.where(allowed, probabilities, -1.0)  # below any probability: never top, never plausible
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
        """Draw the tag to show for one article: p of shape (T,) over `tag_ids`, after so many verdicts.

        `allowed`: see `distribution`.
        """
        if not tag_ids or len(tag_ids) != len(probabilities):
            raise ValueError(f"{len(probabilities)} probabilities do not go with {len(tag_ids)} tags.")
        pi = self.distribution(np.asarray(probabilities, dtype=np.float64), verdicts, allowed)
        shown = int(rng.choice(len(pi), p=pi))
        return Choice(
            shown_tag=tag_ids[shown],
            propensity=float(pi[shown]),
            policy_probabilities={tag: float(share) for tag, share in zip(tag_ids, pi, strict=True)},
            policy=f"epsilon({self.share(verdicts):.4f})",
        )
