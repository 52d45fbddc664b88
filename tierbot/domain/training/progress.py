"""Which tags the model got better at from one round to the next, and which need help."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from tierbot.domain.nouns import Outcome, Verdict

_ENOUGH = 3  # settled posts of a tag before anything is said of it
_NAMED = 3  # tags in each list: an announcement is read, not studied
_STRUGGLES_BELOW = 0.5


def hits_by_tag(judged: Iterable[tuple[str, Verdict]]) -> dict[str, tuple[int, int]]:
    """Return (hits, posts) of each true tag, from (the model's top tag, verdict) pairs with named verdicts.

    A hit is a top tag among the true ones: a pizza story called food or health, where both are true, is no
    miss for either.
    """
    hits: dict[str, int] = defaultdict(int)
    posts: dict[str, int] = defaultdict(int)
    for top_tag, verdict in judged:
        if verdict.outcome is Outcome.NAMED:
            for tag in verdict.tags:
                posts[tag] += 1
                hits[tag] += top_tag in verdict.tags
    return {tag: (hits[tag], count) for tag, count in posts.items()}


def improved_and_struggling(
    now: Mapping[str, tuple[int, int]], before: Mapping[str, tuple[int, int]]
) -> tuple[list[str], list[str]]:
    """Return up to three tags with the largest gain in hit rate since before, and the three with the lowest.

    Only tags with at least three settled posts are spoken of (in both, for a gain).
    """
    rate = {tag: hits / posts for tag, (hits, posts) in now.items() if posts >= _ENOUGH}
    gain = {tag: rate[tag] - before[tag][0] / before[tag][1] for tag in rate if before.get(tag, (0, 0))[1] >= _ENOUGH}
    improved = sorted((tag for tag in gain if gain[tag] > 0), key=lambda tag: (-gain[tag], tag))
    struggling = sorted((tag for tag in rate if rate[tag] < _STRUGGLES_BELOW), key=lambda tag: (rate[tag], tag))
    return improved[:_NAMED], struggling[:_NAMED]
