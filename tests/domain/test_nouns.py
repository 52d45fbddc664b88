"""The nouns: a share and its interval."""

from tierbot.domain.nouns import Estimate


def test_a_share_lies_in_its_interval_also_where_rounding_would_put_it_outside() -> None:
    for n in range(1, 200):
        for hits in (0, 1, n // 2, n - 1, n):
            found = Estimate.of_share(hits, n)
            assert found.value is not None
            assert found.low is not None
            assert found.high is not None
            assert 0 <= found.low <= found.value <= found.high <= 1
