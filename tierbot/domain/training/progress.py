"""Finds the tags on which the model improved since the last round, and those it struggles with."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from tierbot.domain.nouns import Outcome, Verdict

_ENOUGH = 3  # settled posts of a tag before it is mentioned
_NAMED = 3  # tags in each list, because announcements must be short
_STRUGGLES_BELOW = 0.5


def hits_by_tag(judged: Iterable[tuple[str, Verdict]]) -> dict[str, tuple[int, int]]:
    """Return (hits, posts) by true tag, from (top tag, verdict); a hit counts for all of a post's true tags."""
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
    """Return up to three tags with the largest gain in hit rate, and with the lowest; each with three posts or more."""
    rate = {tag: hits / posts for tag, (hits, posts) in now.items() if posts >= _ENOUGH}
    gain = {tag: rate[tag] - before[tag][0] / before[tag][1] for tag in rate if before.get(tag, (0, 0))[1] >= _ENOUGH}
    improved = sorted((tag for tag in gain if gain[tag] > 0), key=lambda tag: (-gain[tag], tag))
    struggling = sorted((tag for tag in rate if rate[tag] < _STRUGGLES_BELOW), key=lambda tag: (rate[tag], tag))
    return improved[:_NAMED], struggling[:_NAMED]
