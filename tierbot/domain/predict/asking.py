"""From waiting articles to predictions that colleagues can be asked about: pure, with every draw logged.

Boundaries come first and last: an article that they bar by its source or words is not predicted, one that they
bar by its tag is not chosen from, and a tag that may not be shown is masked before the policy's distribution is
worked out. So selection probabilities and propensities are exact under any boundaries.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.articles.boundaries import Boundaries, HeldBack
from tierbot.domain.nouns import Arm, Article, Prediction, Selection, key
from tierbot.domain.predict.arms import draw_arm
from tierbot.domain.predict.model import Model
from tierbot.domain.predict.policy import EpsilonPolicy
from tierbot.domain.predict.selection import SelectionMix, select


@dataclass(frozen=True, slots=True)
class Asker:
    """How tierbot asks: what to show, what to ask about, by which arm."""

    policy: EpsilonPolicy
    mix: SelectionMix
    blank_share: float
    basic_share: float


@dataclass(frozen=True, slots=True)
class AskingContext:
    """On what terms articles are asked about just now.

    model, version: the one in service. tag_ids: the T tags. verdicts: how many posts have settled so far; exploration and
    what is asked at random decay with it. metadata: kept with each prediction.
    """

    asker: Asker
    model: Model
    version: str
    tag_ids: Sequence[str]
    verdicts: int
    now: datetime
    metadata: Mapping[str, Any]
    boundaries: Boundaries = field(default_factory=Boundaries)


@dataclass(frozen=True, slots=True)
class Asked:
    """One prediction and the arm it is put to colleagues in."""

    prediction: Prediction
    arm: Arm
    arm_probability: float


@dataclass(frozen=True, slots=True)
class Asking:
    """What became of the articles: those to ask about, and those that a boundary held back."""

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
    """Choose up to `count` of n articles (embeddings: (n, d)), predict each and draw what to show and the arm.

    `sources` says how many sources carry each article id: those that several carry trend. Every article that
    boundaries bar is held back, chosen or not.
    """
    rows, held = _before(articles, terms.boundaries, terms.now)
    if not rows:
        return Asking([], held)
    read = [articles[row] for row in rows]
    p = terms.model.predict(read, embeddings[rows], terms.tag_ids)
    allowed, barred = _after(read, p, terms)
    left = np.flatnonzero(allowed.any(axis=1))
    carried = None if sources is None else np.array([sources.get(read[row].id, 1) for row in left], dtype=np.int64)
    mix = terms.asker.mix.after(terms.verdicts)
    chosen = select(count, probabilities=p[left], embeddings=embeddings[rows][left], rng=rng, mix=mix, sources=carried)
    asked = []
    for place, selection in chosen:
        row = int(left[place])
        article = read[row]
        known = {"pool": len(left), "copies": article.copies}
        if sources is not None:
            known["sources"] = sources.get(article.id, 1)
        asked.append(_draw(article, p[row], allowed[row], selection, known, terms, rng))
    return Asking(asked, held + barred)


def _draw(
    article: Article,
    p: NDArray[np.float64],
    allowed: NDArray[np.bool_],
    selection: Selection,
    known: Mapping[str, int],
    terms: AskingContext,
    rng: np.random.Generator,
) -> Asked:
    """Draw the tag to show and the arm of one article with probabilities p, (T,), of which some may be shown, (T,)."""
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
        metadata={**terms.metadata, **known, **rules},
    )
    return Asked(prediction, arm, arm_probability)


def _before(articles: Sequence[Article], rules: Boundaries, now: datetime) -> tuple[list[int], list[HeldBack]]:
    """Return the rows that may be predicted, and the articles held back by their source or words."""
    rows, held = [], []
    for row, article in enumerate(articles):
        reason = rules.before(article)
        if reason is None:
            rows.append(row)
        else:
            held.append(HeldBack(article.id, reason, rules.digest, now))
    return rows, held


def _after(
    articles: Sequence[Article],
    probabilities: NDArray[np.float64],
    terms: AskingContext,
) -> tuple[NDArray[np.bool_], list[HeldBack]]:
    """Return which tags may be shown of each article, (n, T), none where it is held back, and those held back."""
    allowed = np.ones(probabilities.shape, dtype=bool)
    held: list[HeldBack] = []
    rules, tag_ids = terms.boundaries, terms.tag_ids
    if not (rules.tags or rules.minimum_confidence):
        return allowed, held
    grounds = rules.grounds(terms.version)[1]
    for row, article in enumerate(articles):
        p = dict(zip(tag_ids, probabilities[row].tolist(), strict=True))
        reason = rules.after(p)
        may = rules.allowed(p) if reason is None else frozenset()
        allowed[row] = [tag in may for tag in tag_ids]
        if reason is not None:
            top = max(p, key=lambda tag: (p[tag], tag))
            detail = {"model": terms.version, "top_tag": top, "probability": round(p[top], 6)}
            held.append(HeldBack(article.id, reason, grounds, terms.now, detail))
    return allowed, held
