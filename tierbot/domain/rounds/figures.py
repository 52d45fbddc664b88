"""Sums up a round for the chart at its end: how often the model was right, and how colleagues voted."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import hypot, sqrt
from typing import Any

from tierbot.domain.nouns import Z95, Estimate, Post, Verdict

AGREED, NAMED_ANOTHER, REJECTED, UNSURE = "agreed", "named_another", "rejected", "unsure"
PATTERNS = (AGREED, NAMED_ANOTHER, REJECTED, UNSURE)


@dataclass(frozen=True, slots=True)
class RoundFigures:
    """One round: progressive accuracy on all posts and on random blank posts, and votes by pattern, if counted."""

    number: int
    all: Estimate
    blank: Estimate
    patterns: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "RoundFigures":
        """Read figures that `asdict` made. Raises KeyError or TypeError if something is missing."""
        estimates = {name: Estimate(**data[name]) for name in ("all", "blank")}
        return cls(int(data["number"]), patterns=dict(data["patterns"]), **estimates)


def patterns_of(settled: Iterable[tuple[Post, Verdict]]) -> dict[str, int]:
    """Count the votes on posts by what they say about the prediction, shown or not; naming two tags counts twice."""
    counts = dict.fromkeys(PATTERNS, 0)
    for post, verdict in settled:
        agreed = verdict.support.get(post.shown_tag, 0)
        counts[AGREED] += agreed
        counts[NAMED_ANOTHER] += sum(verdict.support.values()) - agreed
        counts[REJECTED] += verdict.rejects
        counts[UNSURE] += verdict.unsure
    return counts


def change(now: Estimate, before: Estimate) -> Estimate | None:
    """Return the difference of two independent shares with its 95% interval, in [−1, 1]; None if one is unknown.

    The interval is Newcombe's, made of the shares' own Wilson intervals (Statistics in Medicine 1998).
    """
    if now.value is None or now.low is None or now.high is None:
        return None
    if before.value is None or before.low is None or before.high is None:
        return None
    value = now.value - before.value
    low = value - hypot(now.value - now.low, before.high - before.value)
    high = value + hypot(now.high - now.value, before.value - before.low)
    return Estimate(n=now.n + before.n, value=value, low=low, high=high)


def paired_change(now: Sequence[bool], before: Sequence[bool]) -> Estimate | None:
    """Return the difference of two models' shares of hits on the same n posts, with its 95% interval; None if n is 0.

    The interval is the adjusted Wald interval of Bonett and Price (Journal of Educational and Behavioral Statistics
    2012): with two posts added, one that only the first model got right and one that only the second did.
    """
    n = len(now)
    if n == 0:
        return None
    wins = sum(one and not other for one, other in zip(now, before, strict=True))
    losses = sum(other and not one for one, other in zip(now, before, strict=True))
    more, less = (wins + 1) / (n + 2), (losses + 1) / (n + 2)
    half = Z95 * sqrt((more + less - (more - less) ** 2) / (n + 2))
    value, middle = (wins - losses) / n, more - less
    return Estimate(n=n, value=value, low=max(-1.0, middle - half), high=min(1.0, middle + half))


def is_chance(found: Estimate) -> bool:
    """Return whether a change may be chance: its interval includes 0."""
    return found.low is None or found.high is None or found.low <= 0 <= found.high


def figures_in_words(figures: Sequence[RoundFigures]) -> str:
    """Return the figures as two sentences, the chart's alt text: at most 1,000 characters."""
    rates = [f"round {one.number} {one.all.value:.0%}" for one in figures if one.all.value is not None]
    text = f"The model's accuracy: {', '.join(rates)}." if rates else "Nothing has settled yet."
    if figures and (total := sum(figures[-1].patterns.values())):
        shares = {name: figures[-1].patterns.get(name, 0) / total for name in PATTERNS}
        text += (
            f" Votes in round {figures[-1].number}: {shares[AGREED]:.0%} agreed with its guess, "
            f"{shares[NAMED_ANOTHER]:.0%} named another topic, {shares[REJECTED]:.0%} said it was wrong, "
            f"{shares[UNSURE]:.0%} were unsure."
        )
    return text[:1000]
