"""Do off-policy estimates tell the truth? Bias, and coverage of the 95% intervals, against what TIER reveals.

Run: python -m tests.benchmarks.off_policy [--logs 500] [--seed 0]        (about a minute of one core)

Each log has n posts over 64 tags. A model's p is the world's, blurred; the policy in service (greedy with 5% or 15%
exploration of its p) shows a tag, five colleagues answer, and the reward is the share that names it. The target is
always to show the likeliest tag of another, better model. TIER reveals what that would have earned: the share of the
same colleagues that named the target's tag. The reward model of the doubly robust estimate is the logging model's p.
"""

import argparse
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.nouns import Estimate
from tierbot.domain.predict.policy import EpsilonPolicy
from tierbot.domain.training.offpolicy import Log, PolicyValue, doubly_robust, ips, snips

TAGS, VOTERS, COMPETENCE = 64, 5, 0.85
Floats = NDArray[np.float64]


def blurred(world: Floats, noise: float, rng: np.random.Generator) -> Floats:
    """Return a model's p, (n, T): the world's with noise in the logits."""
    logits = np.log(world + 1e-6) + noise * rng.normal(size=world.shape)
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(p / p.sum(axis=1, keepdims=True))


def one_log(n: int, exploration: float, rng: np.random.Generator) -> tuple[float, list[PolicyValue]]:
    """Return what the target's tags earned among the colleagues, and the estimates of it."""
    at = np.arange(n)
    world = rng.dirichlet(np.full(TAGS, 0.03), size=n)
    true = np.array([rng.choice(TAGS, p=p) for p in world])
    model, better = blurred(world, 1.5, rng), blurred(world, 0.7, rng)
    policy = EpsilonPolicy(first=exploration, last=exploration)
    pi = np.stack([policy.distribution(p, 0) for p in model])
    shown = np.array([rng.choice(TAGS, p=p) for p in pi])
    knows = rng.random((n, VOTERS)) < COMPETENCE
    said = np.where(knows, true[:, None], rng.integers(TAGS, size=(n, VOTERS)))
    target = better.argmax(axis=1)
    truth = float((said == target[:, None]).mean())
    rewards = (said == shown[:, None]).mean(axis=1)
    log = Log(rewards, pi[at, shown], (target == shown).astype(np.float64))
    return truth, [ips(log), snips(log), doubly_robust(log, model[at, shown], model[at, target])]


def measured(n: int, exploration: float, logs: int, seed: int) -> Mapping[str, Mapping[str, float]]:
    """Return for each estimator its mean error, mean absolute error, effective n, width and coverage."""
    rng = np.random.default_rng([seed, n, round(1000 * exploration)])
    runs = [one_log(n, exploration, rng) for _ in range(logs)]
    found = {}
    for place, name in enumerate(("ips", "snips", "dr")):
        values = [(truth, run[place]) for truth, run in runs if run[place].value is not None]
        error = np.array([float(value.value or 0) - truth for truth, value in values])
        inside = sum(float(value.low or 0) <= truth <= float(value.high or 0) for truth, value in values)
        covered = Estimate.of_share(inside, len(values))
        found[name] = {
            "bias": float(error.mean()),
            "error": float(np.abs(error).mean()),
            "effective_n": float(np.mean([value.effective_n for _, value in values])),
            "width": float(np.mean([float(value.high or 0) - float(value.low or 0) for _, value in values])),
            "covered": float(covered.value or 0),
            "low": float(covered.low or 0),
            "high": float(covered.high or 0),
        }
    return found


def test_estimates_are_nearly_unbiased_and_the_robust_interval_covers_what_tier_reveals() -> None:
    found = measured(400, 0.15, 100, 1)
    assert abs(found["ips"]["bias"]) < 0.03
    assert abs(found["dr"]["bias"]) < 0.03
    assert found["dr"]["covered"] > 0.85


def main(show: Callable[[str], None] = print) -> None:
    """Print a line for each estimator, length of log and share of exploration."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--logs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for exploration in (0.05, 0.15):
        for n in (100, 400):
            for name, row in measured(n, exploration, options.logs, options.seed).items():
                cells = "  ".join(
                    f"{key} {value:+.3f}" if key == "bias" else f"{key} {value:.3f}" for key, value in row.items()
                )
                show(f"exploration {exploration:.2f}  n {n:3}  {name:5}  {cells}")


if __name__ == "__main__":
    main()
