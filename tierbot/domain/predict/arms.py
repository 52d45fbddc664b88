"""Draws a post's arm at random with a logged probability, independent of any bandit."""

import numpy as np

from tierbot.domain.nouns import Arm, TierbotError

BLANK_SHARE = 0.15
BASIC_SHARE = 0.0
_BLANK_RANGE = (0.1, 0.2)


class ArmShareError(TierbotError):
    """Shares that aren't probabilities, or that leave no control arm for measurement."""


def arm_probabilities(blank: float = BLANK_SHARE, basic: float = BASIC_SHARE) -> dict[Arm, float]:
    """Return the probability of each arm; the tier arm gets the rest.

    Raises ArmShareError unless 0.1 ≤ blank ≤ 0.2 (the control) and 0 ≤ basic ≤ 1 − blank.
    """
    low, high = _BLANK_RANGE
    if not low <= blank <= high:
        raise ArmShareError(f"The blank arm's share is {blank:g}; it must be between {low:g} and {high:g}.")
    if not 0 <= basic <= 1 - blank:
        raise ArmShareError(f"The basic arm's share is {basic:g}; it must be between 0 and {1 - blank:g}.")
    return {Arm.TIER: 1.0 - blank - basic, Arm.BASIC: basic, Arm.BLANK: blank}


def draw_arm(rng: np.random.Generator, blank: float = BLANK_SHARE, basic: float = BASIC_SHARE) -> tuple[Arm, float]:
    """Draw a post's arm; return it with its probability."""
    shares = arm_probabilities(blank, basic)
    arms = list(shares)
    arm = arms[int(rng.choice(len(arms), p=np.array(list(shares.values()))))]
    return arm, shares[arm]
