"""Settled posts for tests of drift and evidence."""

from datetime import UTC, datetime

import numpy as np

from tierbot.domain.nouns import RANDOM, Arm, Outcome, Post, Selection, SettledPost, Verdict
from tierbot.domain.training.drift import BEFORE, RECENT, drift_of

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


TAGS = 64


def settled(number: int, top: str, true: str, strategy: str = RANDOM, outcome: Outcome = Outcome.NAMED) -> SettledPost:
    post = Post(f"p{number}", f"d{number}", f"a{number}", 1, Arm.TIER, 0.85, top, "C1", NOON)
    verdict = Verdict(post.id, outcome, {true: 1.0}, 1.0, 0.6, 3, {true: 3}, 0, 0, "plain-1", 1, NOON)
    return SettledPost(post, verdict, "m1", top, 1.0, Selection(strategy, 0.3))


def stream(
    rng: np.random.Generator, *, prior: float = 0.0, missed: float = 0.0, many: int = RECENT + BEFORE
) -> list[SettledPost]:
    """Return posts over 64 tags, the commonest 8%, of a model that is right on 70%.

    In the newer window a rare tag gets `prior` of all posts, and of the commonest tag `missed` are not recognised.
    """
    usual = (1.0 / np.arange(3, TAGS + 3)) / (1.0 / np.arange(3, TAGS + 3)).sum()
    posts = []
    for number in range(many):
        shifted = number >= many - RECENT
        true = 40 if shifted and rng.random() < prior else int(rng.choice(TAGS, p=usual))
        right = rng.random() < 0.7 and not (shifted and true == 0 and rng.random() < missed)
        top = true if right else int((true + rng.integers(1, TAGS)) % TAGS)
        posts.append(settled(number, f"t{top}", f"t{true}"))
    return posts


def rate(streams: int, seed: int, *, prior: float = 0.0, missed: float = 0.0) -> float:
    """Return the share of streams in which anything is signalled."""
    made = (stream(np.random.default_rng([seed, n]), prior=prior, missed=missed) for n in range(streams))
    return float(np.mean([bool(drift_of(one).signals) for one in made]))
