"""From waiting articles to predictions that colleagues can be asked about: pure, with every draw logged."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tierbot.domain import Arm, Article, Prediction, key
from tierbot.predict.arms import draw_arm
from tierbot.predict.classifier import Classifier
from tierbot.predict.features import features_of
from tierbot.predict.policy import EpsilonPolicy
from tierbot.predict.selection import SelectionMix, select


@dataclass(frozen=True, slots=True)
class Asker:
    """How tierbot asks: what to show, what to ask about, by which arm."""

    policy: EpsilonPolicy
    mix: SelectionMix
    blank_share: float
    basic_share: float


@dataclass(frozen=True, slots=True)
class Asked:
    """One prediction and the arm it is put to colleagues in."""

    prediction: Prediction
    arm: Arm
    arm_probability: float


def ask_about(
    articles: Sequence[Article],
    embeddings: NDArray[np.float32],
    count: int,
    *,
    asker: Asker,
    classifier: Classifier,
    model_version: str,
    tag_ids: Sequence[str],
    verdicts: int,
    rng: np.random.Generator,
    now: datetime,
    residue: dict[str, Any],
) -> list[Asked]:
    """Choose up to `count` of n articles (embeddings: (n, d)), predict each and draw what to show and the arm.

    `verdicts` is how many posts have settled so far: exploration decays with it. `residue` is kept with each.
    """
    features = features_of([article.content for article in articles], embeddings, [article.url for article in articles])
    probabilities = classifier.probabilities(features, tag_ids)
    chosen = select(count, probabilities=probabilities, embeddings=embeddings, rng=rng, mix=asker.mix)
    asked = []
    for row, selection in chosen:
        article = articles[row]
        choice = asker.policy.choose(probabilities[row], tag_ids, verdicts, rng)
        arm, arm_probability = draw_arm(rng, asker.blank_share, asker.basic_share)
        prediction = Prediction(
            id=key(article.id, model_version, choice.policy),
            article_id=article.id,
            model_version=model_version,
            policy=choice.policy,
            shown_tag=choice.shown_tag,
            propensity=choice.propensity,
            probabilities={tag: float(p) for tag, p in zip(tag_ids, probabilities[row].round(6), strict=True)},
            policy_probabilities={tag: pi for tag, pi in choice.policy_probabilities.items() if pi > 0},
            selection=selection,
            created_at=now,
            residue={**residue, "pool": len(articles), "copies": article.copies},
        )
        asked.append(Asked(prediction, arm, arm_probability))
    return asked
