"""The training data of a retraining: settled posts and imported labels as rows with features."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.nouns import Article, GivenLabel, SettledPost
from tierbot.domain.predict.features import Features, features_of
from tierbot.domain.training.rows import TrainingRows, joined_rows, labeled_rows
from tierbot.use_cases.articles.embedding import embed
from tierbot.use_cases.ports import Encoder, Store, Transaction

_MOST_GIVEN = 20_000  # imported labels to replay; more would outweigh colleagues


def embed_training_articles(store: Store, encoder: Encoder, workspace: str, settled: Sequence[SettledPost]) -> None:
    """Embed training articles that this encoder has not embedded yet: all of them after a change of encoder."""
    with store.read(workspace) as tx:
        given = (label.article_id for label in tx.given_labels.sample(_MOST_GIVEN))
        ids = {*given, *(item.post.article_id for item in settled)}
        lacking = tx.articles.get(ids - tx.articles.embedded(encoder.digest, ids))
    embed(store, encoder, workspace, list(lacking.values()))


def settled_features(
    tx: Transaction, encoder: Encoder, settled: Sequence[SettledPost]
) -> tuple[list[SettledPost], Features]:
    """Return the settled posts whose articles are embedded, and their features, row by row."""
    ids = list({item.post.article_id for item in settled})
    articles, vectors = tx.articles.get(ids), tx.articles.embeddings(encoder.digest, ids)
    usable = [item for item in settled if item.post.article_id in vectors]
    return usable, _features(encoder, [articles[item.post.article_id] for item in usable], vectors)


def given_rows(tx: Transaction, encoder: Encoder, tag_ids: Sequence[str]) -> TrainingRows | None:
    """Return imported labels as rows, for embedded articles; None if there are none."""
    by_source: dict[str, list[GivenLabel]] = {}
    for label in tx.given_labels.sample(_MOST_GIVEN):
        by_source.setdefault(label.source, []).append(label)
    parts = []
    for labels in by_source.values():
        ids = [label.article_id for label in labels]
        articles, vectors = tx.articles.get(ids), tx.articles.embeddings(encoder.digest, ids)
        usable = [label for label in labels if label.article_id in vectors]
        no_choice = set(tag_ids).difference(*(label.tags for label in labels))
        features = _features(encoder, [articles[label.article_id] for label in usable], vectors)
        parts.append(labeled_rows([label.tags for label in usable], features, tag_ids, unlabeled=no_choice))
    return joined_rows(parts) if any(map(len, parts)) else None


def _features(encoder: Encoder, read: Sequence[Article], vectors: Mapping[str, NDArray[np.float32]]) -> Features:
    none = np.zeros((0, encoder.dimension), np.float32)
    embeddings = np.stack([vectors[article.id] for article in read]) if read else none
    return features_of([article.content for article in read], embeddings, [article.url for article in read])
