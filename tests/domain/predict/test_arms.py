"""Arms: drawn as often as they say."""

import numpy as np
import pytest

from tierbot.domain.nouns import Arm
from tierbot.domain.predict.asking import ArmShareError, arm_probabilities, draw_arm


def test_arms_come_as_often_as_their_logged_probability() -> None:
    rng = np.random.default_rng(11)
    drawn = [draw_arm(rng, blank=0.2, basic=0.1) for _ in range(20_000)]
    for arm, share in arm_probabilities(0.2, 0.1).items():
        found = [p for drawn_arm, p in drawn if drawn_arm is arm]
        assert set(found) == {share}
        assert abs(len(found) / len(drawn) - share) < 0.012  # four standard errors


def test_by_default_no_post_is_basic_and_fifteen_in_a_hundred_are_blank() -> None:
    assert arm_probabilities() == {Arm.TIER: 0.85, Arm.BASIC: 0.0, Arm.BLANK: 0.15}


@pytest.mark.parametrize(("blank", "basic"), [(0.0, 0.0), (0.25, 0.0), (0.15, 0.9), (0.15, -0.1)])
def test_shares_that_leave_no_control_are_refused(blank: float, basic: float) -> None:
    with pytest.raises(ArmShareError, match="must be between"):
        draw_arm(np.random.default_rng(0), blank, basic)
