"""When scheduled posts go out: by the clock, or at the hours at which colleagues vote; quiet hours are quiet."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import WORKSPACE, Harness, harness_settings
from tierbot.domain.predict.posting_hours import Slot, choose_slot
from tierbot.domain.rounds.calendar import is_quiet
from tierbot.settings import parse_hours
from tierbot.use_cases.asking import push_schedule as posting
from tierbot.use_cases.asking.push_schedule import chosen_push, next_push

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)


def test_the_hour_with_most_voters_is_drawn_and_every_draw_is_kept_with_its_propensity(
    harness: Harness, tmp_path: Path
) -> None:
    settings = harness_settings(tmp_path, push_every_hours=4, quiet_hours="18:00-09:00")
    harness.clock.time = MONDAY + timedelta(hours=10)
    for hour, voters in ((10, 0), (14, 6)):
        harness.clock.time = MONDAY + timedelta(hours=hour)
        for ts in harness.posts(12):
            for user in range(voters):
                harness.react(f"U{user}", ts, "pizza")
    harness.settle()
    drawn = []
    for seed in range(40):
        with harness.bot.store.begin(WORKSPACE) as tx:
            drawn.append(chosen_push(tx, settings, MONDAY + timedelta(hours=10), np.random.default_rng(seed)))
    assert {at.hour for at in drawn} <= {12, 13, 14, 15, 16}
    assert np.mean([at.hour == 14 for at in drawn]) > 0.6
    with harness.bot.store.read(WORKSPACE) as tx:
        kept = tx.workspaces.draws()
    assert [one.at for one in kept] == drawn
    assert {round(one.propensity, 3) for one in kept} <= {0.84, 0.04}


def test_quiet_hours_are_quiet(harness: Harness, tmp_path: Path) -> None:
    settings = harness_settings(tmp_path, push_every_hours=3)
    for hour in range(0, 7 * 24, 5):
        with harness.bot.store.begin(WORKSPACE) as tx:
            at = chosen_push(tx, settings, MONDAY + timedelta(hours=hour), np.random.default_rng(hour))
        assert not is_quiet(at, parse_hours(settings.quiet_hours), settings.weekdays, settings.zone)
        assert at > MONDAY + timedelta(hours=hour)


@pytest.mark.parametrize("hours", [2, 6])
def test_the_moments_to_choose_from_lie_evenly_around_the_usual_pause(
    harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    settings = harness_settings(tmp_path, push_every_hours=hours, quiet_hours="")
    offered: list[datetime] = []

    def choose(among: Sequence[tuple[datetime, int]], *rest: Any) -> Slot:
        offered.extend(at for at, _ in among)
        assert [hour for _, hour in among] == [at.hour for at in offered]
        return choose_slot(among, *rest)

    monkeypatch.setattr(posting, "choose_slot", choose)
    with harness.bot.store.begin(WORKSPACE) as tx:
        at = chosen_push(tx, settings, MONDAY, np.random.default_rng(0))
    assert offered == [MONDAY + timedelta(hours=hours * part) for part in (0.5, 0.75, 1, 1.25, 1.5)]
    assert at in offered


def test_where_all_is_quiet_the_clock_decides(harness: Harness, tmp_path: Path) -> None:
    settings = harness_settings(tmp_path, push_every_hours=3)
    friday_evening = MONDAY + timedelta(days=4, hours=17, minutes=50)
    with harness.bot.store.begin(WORKSPACE) as tx:
        at = chosen_push(tx, settings, friday_evening, np.random.default_rng(0))
    assert at == next_push(settings, friday_evening) == MONDAY + timedelta(days=7, hours=9)
