"""What the demo's models gained by learning, compared with the first model on the same stories.

The demo knows the true tags, so votes can't tilt the comparison toward the tag that was shown; and a week of hard
stories is hard for both.
"""

from collections.abc import Sequence

import numpy as np

from tierbot.domain.nouns import Estimate, SettledPost
from tierbot.domain.predict.classifier import Classifier
from tierbot.domain.rounds.figures import paired_change
from tierbot.simulate.messages import Truth
from tierbot.use_cases.models.training_data import settled_features
from tierbot.use_cases.ports import Encoder, Transaction


def gain(
    tx: Transaction, settled: Sequence[SettledPost], first: Classifier, encoder: Encoder, truth: Truth
) -> Estimate | None:
    """Return how much more often the live models' likeliest tag was true than the first model's, in [−1, 1].

    None if no settled post was predicted by another model than the first.
    """
    usable, features = settled_features(tx, encoder, settled)
    articles = tx.articles.get([item.post.article_id for item in usable])
    first_version = tx.models.all()[-1].id
    if all(item.model_version == first_version for item in usable):
        return None
    likeliest = np.argmax(first.probabilities(features, first.tag_ids), axis=1)
    now, before = [], []
    for item, place in zip(usable, likeliest, strict=True):
        article = articles[item.post.article_id]
        true_tags = truth.tags_of(article.url, article.title) or ()
        now.append(item.top_tag in true_tags)
        before.append(first.tag_ids[place] in true_tags)
    return paired_change(now, before)
