"""Turns waiting articles into predictions to post, and logs every draw. Pure.

Boundaries apply at both ends. An article barred by its source or words isn't predicted, one barred by its tag isn't
selected, and a tag that may not be shown is masked before the policy's distribution is computed. Selection
probabilities and propensities are therefore exact under any boundaries.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.articles.boundaries import (
    Boundaries,
    Boundary,
    Held,
    HeldBack,
    held_grounds,
    unclear_grounds,
)
from tierbot.domain.nouns import Arm, Article, Prediction, Selection, TierbotError, key
from tierbot.domain.predict import unclear
from tierbot.domain.predict.model import Model
from tierbot.domain.predict.policy import EpsilonPolicy
from tierbot.domain.predict.selection import SelectionMix, select

_CONTROL = 0.1, 0.2  # the range of the blank arm's share


class ArmShareError(TierbotError):
    """Shares that aren't probabilities, or that leave no control arm for measurement."""


@dataclass(frozen=True, slots=True)
class Asker:
    """How tierbot asks: the policy for tags, the selection of articles, the shares of the arms."""

    policy: EpsilonPolicy
    mix: SelectionMix
    blank_share: float
    basic_share: float


@dataclass(frozen=True, slots=True)
class AskingContext:
    """The state in which articles are asked about."""

    asker: Asker
    model: Model  # the live one
    version: str  # its id
    tag_ids: Sequence[str]  # the T tags
    verdicts: int  # how many posts have settled so far; exploration and the share of random selection decay with it
    now: datetime
    metadata: Mapping[str, Any]  # stored with each prediction
    boundaries: Boundaries = field(default_factory=Boundaries)
    ask_unclear: bool = True  # also ask about texts that say too little

    @property
    def grounds(self) -> tuple[str, ...]:
        """The grounds for which held-back articles needn't be checked again."""
        return held_grounds(self.boundaries, self.version, ask_unclear=self.ask_unclear)


@dataclass(frozen=True, slots=True)
class Asked:
    """One prediction and the arm of its post."""

    prediction: Prediction
    arm: Arm
    arm_probability: float


@dataclass(frozen=True, slots=True)
class Asking:
    """The articles to ask about, and those that a boundary held back."""

    asked: list[Asked]
    held: list[HeldBack]


def ask_about(
    articles: Sequence[Article],
    embeddings: NDArray[np.float32],
    count: int,
    terms: AskingContext,
    rng: np.random.Generator,
    sources: Mapping[str, int] | None = None,
) -> Asking:
    """Select up to `count` of n articles (embeddings: (n, d)), predict them, and draw the shown tags and arms.

    sources: how many sources carry each article id; those with several trend.
    """
    rows, why, held = _before(articles, terms)
    if not rows:
        return Asking([], held)
    passed = [articles[row] for row in rows]
    p = terms.model.predict(passed, embeddings[rows], terms.tag_ids)
    allowed, barred = _after(passed, p, terms)
    pool = np.flatnonzero(allowed.any(axis=1))
    carried = None if sources is None else np.array([sources.get(passed[row].id, 1) for row in pool], dtype=np.int64)
    chosen = select(
        count,
        probabilities=p[pool],
        embeddings=embeddings[rows][pool],
        framed=terms.asker.mix.frame([passed[row].id for row in pool]),
        rng=rng,
        mix=terms.asker.mix.after(terms.verdicts),
        sources=carried,
    )
    asked = []
    for place, selection in chosen:
        row = int(pool[place])
        article = passed[row]
        metadata: dict[str, Any] = {"pool": len(pool), "copies": article.copies}
        if reason := why[row]:
            metadata["unclear"] = reason.value
        if sources is not None:
            metadata["sources"] = sources.get(article.id, 1)
        asked.append(_draw(article, p[row], allowed[row], selection, metadata, terms, rng))
    return Asking(asked, held + barred)


def _before(
    articles: Sequence[Article], terms: AskingContext
) -> tuple[list[int], list[unclear.Unclear | None], list[HeldBack]]:
    """Return the rows to predict, why each of them is unclear (if those are asked about), and the articles held back."""
    rules = terms.boundaries
    reasons = [rules.before(article) for article in articles]
    held = [
        HeldBack(article.id, reason, rules.digest, terms.now)
        for article, reason in zip(articles, reasons, strict=True)
        if reason is not None
    ]
    rows = [row for row, reason in enumerate(reasons) if reason is None]
    why = unclear.why_unclear([articles[row].content for row in rows], terms.model)
    if terms.ask_unclear:
        return rows, why, held
    held += _unclear([articles[row] for row in rows], why, terms)
    clear = [row for row, one in zip(rows, why, strict=True) if one is None]
    return clear, [None] * len(clear), held


def _unclear(
    articles: Sequence[Article], why: Sequence[unclear.Unclear | None], terms: AskingContext
) -> list[HeldBack]:
    return [
        HeldBack(article.id, Held(Boundary.UNCLEAR, reason.value), unclear_grounds(terms.version), terms.now)
        for article, reason in zip(articles, why, strict=True)
        if reason is not None
    ]


def _draw(
    article: Article,
    p: NDArray[np.float64],
    allowed: NDArray[np.bool_],
    selection: Selection,
    metadata: Mapping[str, Any],
    terms: AskingContext,
    rng: np.random.Generator,
) -> Asked:
    """Draw the shown tag and the arm of an article; p: (T,), allowed: (T,), which tags may be shown."""
    asker, tag_ids = terms.asker, terms.tag_ids
    choice = asker.policy.choose(p, tag_ids, terms.verdicts, rng, allowed)
    arm, arm_probability = draw_arm(rng, asker.blank_share, asker.basic_share)
    masked = [tag for tag, may in zip(tag_ids, allowed, strict=True) if not may]
    rules = {"boundaries": terms.boundaries.digest, "masked": masked} if terms.boundaries.digest else {}
    prediction = Prediction(
        id=key(article.id, terms.version, choice.policy),
        article_id=article.id,
        model_version=terms.version,
        policy=choice.policy,
        shown_tag=choice.shown_tag,
        propensity=choice.propensity,
        probabilities={tag: float(share) for tag, share in zip(tag_ids, p.round(6), strict=True)},
        policy_probabilities={tag: pi for tag, pi in choice.policy_probabilities.items() if pi > 0},
        selection=selection,
        created_at=terms.now,
        metadata={**terms.metadata, **metadata, **rules},
    )
    return Asked(prediction, arm, arm_probability)


def _after(
    articles: Sequence[Article], probabilities: NDArray[np.float64], terms: AskingContext
) -> tuple[NDArray[np.bool_], list[HeldBack]]:
    """Return which tags may be shown for each article, (n, T), and the articles held back, which may show none."""
    allowed = np.ones(probabilities.shape, dtype=bool)
    held: list[HeldBack] = []
    rules, tag_ids = terms.boundaries, terms.tag_ids
    if not rules.judges_tags:
        return allowed, held
    grounds = rules.grounds(terms.version)[1]
    for row, article in enumerate(articles):
        p = dict(zip(tag_ids, probabilities[row].tolist(), strict=True))
        reason, may = rules.after(p, article), rules.allowed(p, article)
        allowed[row] = [reason is None and tag in may for tag in tag_ids]
        if reason is not None:
            top = max(p, key=lambda tag: (p[tag], tag))
            detail = {"model": terms.version, "top_tag": top, "probability": round(p[top], 6)}
            held.append(HeldBack(article.id, reason, grounds, terms.now, detail))
    return allowed, held


def arm_probabilities(blank: float = 0.15, basic: float = 0.0) -> dict[Arm, float]:
    """Return the probability of each arm; the tier arm gets the rest. ArmShareError if out of range."""
    low, high = _CONTROL
    if not low <= blank <= high:
        raise ArmShareError(f"The blank arm's share is {blank:g}; it must be between {low:g} and {high:g}.")
    if not 0 <= basic <= 1 - blank:
        raise ArmShareError(f"The basic arm's share is {basic:g}; it must be between 0 and {1 - blank:g}.")
    return {Arm.TIER: 1.0 - blank - basic, Arm.BASIC: basic, Arm.BLANK: blank}


def draw_arm(rng: np.random.Generator, blank: float = 0.15, basic: float = 0.0) -> tuple[Arm, float]:
    """Draw a post's arm, independent of any bandit; return it with its probability."""
    shares = arm_probabilities(blank, basic)
    arms = list(shares)
    arm = arms[int(rng.choice(len(arms), p=np.array(list(shares.values()))))]
    return arm, shares[arm]
