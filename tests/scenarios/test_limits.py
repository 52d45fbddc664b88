"""With Slack's limits in force a push goes out as fast as they allow, whole; 300 posts: tests/benchmarks/limits.py."""

from pathlib import Path

from tests.support.limits import check, push


def test_a_push_goes_out_at_the_rate_that_slack_allows_and_nothing_is_refused(tmp_path: Path) -> None:
    took, box, harness = push(tmp_path, 25)
    check(took, 25, box, harness)
    harness.bot.close()
