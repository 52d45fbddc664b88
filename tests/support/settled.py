"""Settled posts for tests of training, as the store would give them."""

from datetime import UTC, datetime

from tierbot.domain.nouns import Arm, Outcome, Post, Selection, SettledPost, Verdict

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def settled(
    number: int,
    *,
    tags: dict[str, float] | None = None,
    outcome: Outcome = Outcome.NAMED,
    shown: str = "food",
    top: str = "food",
    arm: Arm = Arm.BLANK,
    strategy: str = "random",
    weight: float = 0.8,
    at: datetime = NOW,
) -> SettledPost:
    """Return a settled post; by default a blank one, chosen at random, settled to food."""
    if tags is None:
        tags = {"food": 1.0} if outcome is Outcome.NAMED else {}
    post = Post(f"p{number}", f"q{number}", f"a{number}", 1, arm, 0.15, shown, "C1", at, "1.1", at)
    verdict = Verdict(post.id, outcome, tags, 1.0, weight, 3, {}, 0, 0, "plain", 7, at)
    return SettledPost(post, verdict, "m1", top, 1.0, Selection(strategy, 0.5))
