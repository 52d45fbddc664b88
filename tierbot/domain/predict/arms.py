"""Which arm a post is put in: drawn at random with a logged probability, touched by no bandit."""

import numpy as np

from tierbot.domain.nouns import Arm, TierbotError

BLANK_SHARE = 0.15
BASIC_SHARE = 0.0
_BLANK_RANGE = (0.1, 0.2)


class ArmShareError(TierbotError):
    """Shares that cannot be drawn from, or that leave no control to measure with."""


def arm_probabilities(blank: float = BLANK_SHARE, basic: float = BASIC_SHARE) -> dict[Arm, float]:
    """Return the probability of each arm; the tier arm has what is left.

    Raises ArmShareError unless 0.1 ≤ blank ≤ 0.2 (the control) and 0 ≤ basic ≤ 1 − blank.
    """
    low, high = _BLANK_RANGE
    if not low <= blank <= high:
        raise ArmShareError(f"The blank arm's share is {blank:g}; it must lie between {low:g} and {high:g}.")
    if not 0 <= basic <= 1 - blank:
        raise ArmShareError(f"The basic arm's share is {basic:g}; it must lie between 0 and {1 - blank:g}.")
    return {Arm.TIER: 1.0 - blank - basic, Arm.BASIC: basic, Arm.BLANK: blank}


def draw_arm(rng: np.random.Generator, blank: float = BLANK_SHARE, basic: float = BASIC_SHARE) -> tuple[Arm, float]:
    """Draw a post's arm; return it with the probability with which it was drawn."""
    shares = arm_probabilities(blank, basic)
    arms = list(shares)
    arm = arms[int(rng.choice(len(arms), p=np.array(list(shares.values()))))]
    return arm, shares[arm]
