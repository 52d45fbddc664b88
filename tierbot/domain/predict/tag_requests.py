"""Turns tag requests into predictions to post. They aren't a sample; a check shows its tag with probability 1."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.articles.boundaries import HeldBack
from tierbot.domain.nouns import Arm, Article, Selection, key
from tierbot.domain.predict.asking import Asked, Asking, AskingContext, ask_about

REQUESTED, CHECK = "requested", "check"


def ask_requested(
    articles: Sequence[Article], embeddings: NDArray[np.float32], terms: AskingContext, rng: np.random.Generator
) -> Asking:
    """Predict n articles (embeddings: (n, d)), each alone, as `ask_about` does; leave out checks of retired tags."""
    asked: list[Asked] = []
    held: list[HeldBack] = []
    for row, article in enumerate(articles):
        if article.check_tag is not None and article.check_tag not in terms.tag_ids:
            continue
        # a check comes with its topic, so the model's doesn't matter
        wanted = terms if article.check_tag is None else replace(terms, ask_unclear=True)
        found = ask_about([article], embeddings[row : row + 1], 1, wanted, rng)
        held += found.held
        asked += [_as_requested(one, article) for one in found.asked]
    return Asking(asked, held)


def _as_requested(asked: Asked, article: Article) -> Asked:
    tag, prediction = article.check_tag, asked.prediction
    if tag is None:
        return replace(asked, prediction=replace(prediction, selection=Selection(REQUESTED, 1.0)))
    checked = replace(
        prediction,
        id=key(article.id, prediction.model_version, CHECK),
        policy=CHECK,
        shown_tag=tag,
        propensity=1.0,
        policy_probabilities={tag: 1.0},
        selection=Selection(CHECK, 1.0),
    )
    return Asked(checked, Arm.BASIC, 1.0)
