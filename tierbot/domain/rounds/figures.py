"""A round in figures: how often the model was right, and how colleagues voted. Pure functions.

Digg drew these two, round by round; the same figures become the picture at the end of a round.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tierbot.domain.nouns import Estimate, Post, Verdict

AGREED, NAMED_ANOTHER, REJECTED, UNSURE = "agreed", "named_another", "rejected", "unsure"
PATTERNS = (AGREED, NAMED_ANOTHER, REJECTED, UNSURE)


@dataclass(frozen=True, slots=True)
class RoundFigures:
    """One round: progressive accuracy on all posts and on the blank arm's random ones, and votes by pattern."""

    number: int
    all: Estimate
    blank: Estimate
    patterns: Mapping[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "RoundFigures":
        """Read them back. Raises KeyError or TypeError if something is missing."""
        estimates = {name: Estimate(**data[name]) for name in ("all", "blank")}
        return cls(int(data["number"]), patterns=dict(data["patterns"]), **estimates)


def patterns_of(settled: Iterable[tuple[Post, Verdict]]) -> dict[str, int]:
    """Count the votes on posts by what they say of the prediction, whether it was shown or not.

    MenuVotes the predicted tag agrees with it, naming another says so; a voter who does both counts in both. The verdicts
    hold these counts, also after the votes themselves have been deleted.
    """
    counts = dict.fromkeys(PATTERNS, 0)
    for post, verdict in settled:
        agreed = verdict.support.get(post.shown_tag, 0)
        counts[AGREED] += agreed
        counts[NAMED_ANOTHER] += sum(verdict.support.values()) - agreed
        counts[REJECTED] += verdict.rejects
        counts[UNSURE] += verdict.unsure
    return counts


def figures_in_words(figures: Sequence[RoundFigures]) -> str:
    """Return the figures as two sentences, for those who cannot see a picture: at most 1,000 characters."""
    told = [f"round {one.number} {one.all.value:.0%}" for one in figures if one.all.value is not None]
    said = f"The model was right on: {', '.join(told)}." if told else "Nothing has settled yet."
    if figures and (total := sum(figures[-1].patterns.values())):
        shares = {name: figures[-1].patterns.get(name, 0) / total for name in PATTERNS}
        said += (
            f" Votes in round {figures[-1].number}: {shares[AGREED]:.0%} agreed with its guess, "
            f"{shares[NAMED_ANOTHER]:.0%} named another topic, {shares[REJECTED]:.0%} said wrong, "
            f"{shares[UNSURE]:.0%} were unsure."
        )
    return said[:1000]
