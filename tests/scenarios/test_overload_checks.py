"""The rules by which overload in bursts fails, on figures made by hand; the bursts: `python -m tests.benchmarks.overload --bursts`."""

from collections.abc import Callable

import pytest

from tests.support.overload_checks import POOLS, faults, most

LIMITS = most(1660)
Figures = Callable[[int], float]
SOUND: dict[str, Figures] = {
    "memory": lambda n: 450 - 150 / (n + 1),
    "descriptors": lambda n: 21 - (n < 3),
    "threads": lambda n: 77 + (n % 5 == 0) * POOLS["jobs"],  # jobs run now and then
    "log": lambda n: 4 + n % 9,
}


def seen(bursts: int, **others: Figures) -> list[dict[str, float]]:
    return [{what: figure(n) for what, figure in {**SOUND, **others}.items()} for n in range(bursts)]


@pytest.mark.parametrize("bursts", [9, 12, 42])
def test_a_bot_that_levels_off_passes(bursts: int) -> None:
    assert faults(seen(bursts), LIMITS) == []


@pytest.mark.parametrize("bursts", [9, 12, 42])
def test_a_leak_of_a_thread_a_burst_fails(bursts: int) -> None:
    found = faults(seen(bursts, threads=lambda n: 60 + n + (n % 5 == 0)), LIMITS)
    assert any(one.startswith("threads did not level off") for one in found)


def test_more_threads_than_the_pools_may_have_fail() -> None:
    found = faults(seen(12, threads=lambda n: LIMITS["threads"] + (n == 1)), LIMITS)
    assert found == [f"threads: {LIMITS['threads'] + 1:.0f}, more than {LIMITS['threads']:.0f}"]


@pytest.mark.parametrize("a_burst", [3, 12])
def test_a_log_that_is_not_shortened_fails(a_burst: float) -> None:
    """It grew by 12 MB a burst at most; by 3 if SQLite starts it over by itself three times in four."""
    assert [one.partition(":")[0] for one in faults(seen(12, log=lambda n: a_burst * (n + 1)), LIMITS)] == ["log"]


def test_a_log_as_long_as_the_limit_and_a_burst_passes() -> None:
    assert 16 + 12 < LIMITS["log"] < 2 * 16
    assert faults(seen(12, log=lambda _: LIMITS["log"]), LIMITS) == []


@pytest.mark.parametrize(
    ("what", "figure"), [("memory", lambda n: 300 + 15 * n), ("descriptors", lambda n: 20 + n // 4)]
)
def test_memory_and_descriptors_must_level_off(what: str, figure: Figures) -> None:
    assert [one.partition(" ")[0] for one in faults(seen(42, **{what: figure}), LIMITS)] == [what]
