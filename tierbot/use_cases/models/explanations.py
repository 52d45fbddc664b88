"""Explains why a post shows its tag, to people who have voted on it and to operators.

Encoding takes seconds, so no listener may wait for it: `known` returns immediately what the prediction's payload shows.
Explanations are cached by post, since they never change.
"""

import re
import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.nouns import Article, Outcome, Post, Prediction, TierbotError
from tierbot.domain.predict.explain import Explanation, Neighbor, WordEffect, likeliest, nearest, words_that_mattered
from tierbot.domain.predict.model import Model
from tierbot.use_cases.current_votes import votes_on
from tierbot.use_cases.models.registry import Registry
from tierbot.use_cases.ports import Encoder, Store, Transaction
from tierbot.use_cases.recent_posts import recent_rounds

_KEPT = 256
_TAGS, _NEIGHBOURS = 5, 3
_ROUNDS, _LABELLED = 12, 5000  # rounds to search for labeled stories
_PERMALINK = re.compile(r"/archives/([A-Z0-9]+)/p(\d{8,11})(\d{6})")
_TS = re.compile(r"\d{8,11}\.\d{6}")


class NotVotedError(TierbotError):
    """Someone asked why before voting; the text asks them to vote first."""


class Explanations:
    """Explains predictions of any workspace. Safe to share among threads; one explanation is made at a time."""

    def __init__(self, store: Store, registry: Registry, encoder: Encoder) -> None:
        self._store = store
        self._registry = registry
        self._encoder = encoder
        self._kept = lru_cache(_KEPT)(self._explained)
        self._making = threading.Lock()

    def post_for(self, workspace: str, user: str, channel: str, ts: str) -> str:
        """Return the id of a message's post. Raises NotVotedError before a vote, TierbotError if it isn't a post."""
        with self._store.read(workspace) as tx:
            post = tx.posts.at(channel, ts)
            if post is None:
                raise TierbotError("This message isn't one of my posts. Ask me about one of those.")
            voters = {vote.user for vote in votes_on(tx, post, tx.workspaces.tags())}
        if user not in voters:
            raise NotVotedError(
                "Please vote first: react with the emoji of the topic that fits. "
                "Then I'll tell you what I thought, and it can't sway you."
            )
        return post.id

    def find(self, workspace: str, reference: str) -> str:
        """Return the id of the post that an id, a ts or a permalink refers to. Raises TierbotError if there is none."""
        wanted = reference.strip()
        with self._store.read(workspace) as tx:
            post = tx.posts.get(wanted)
            if link := _PERMALINK.search(wanted):
                post = tx.posts.at(link[1], f"{link[2]}.{link[3]}")
            elif _TS.fullmatch(wanted):
                found = tx.posts.with_ts(wanted)
                if len(found) > 1:
                    raise TierbotError(f"Several posts have the ts {wanted}. Give the message's permalink.")
                post = found[0] if found else None
        if post is None:
            raise TierbotError(
                f"There is no post {wanted[:100]!r}. Give a post's id, its message's ts (1700000000.123456), "
                "or its permalink (in Slack: More actions → Copy link)."
            )
        return post.id

    def known(self, workspace: str, post_id: str) -> Explanation:
        """Return what the prediction's payload explains, without an encoder. Raises TierbotError if the post is gone."""
        with self._store.read(workspace) as tx:
            return _from_payload(*_of_post(tx, post_id))

    def explanation(self, workspace: str, post_id: str) -> Explanation:
        """Return why a post shows its tag; may take seconds. Raises TierbotError if the post is gone."""
        with self._making:
            return self._kept(workspace, post_id)

    def _explained(self, workspace: str, post_id: str) -> Explanation:
        with self._store.read(workspace) as tx:
            post, prediction, article = _of_post(tx, post_id)
            neighbors = self._neighbours(tx, article, prediction)
        words: list[WordEffect] = []
        note = ""
        try:
            words = self._words(article, prediction, self._registry.model_of(workspace, prediction.model_version))
        except TierbotError as fault:  # another encoder, or a retired tag: the rest can still be explained
            note = f"Can't tell which words mattered: {fault}"
        known = _from_payload(post, prediction, article)
        return replace(known, words=tuple(words), neighbors=tuple(neighbors), note=note)

    def _words(self, article: Article, prediction: Prediction, model: Model) -> list[WordEffect]:
        tag_ids = model.known(list(prediction.probabilities))
        if prediction.shown_tag not in tag_ids:
            raise TierbotError(f"the tag {prediction.shown_tag!r} is retired, and the model never learned it.")
        place = tag_ids.index(prediction.shown_tag)

        def probability(texts: Sequence[str]) -> NDArray[np.float64]:
            read = [replace(article, title=text, text="") for text in texts]
            return np.asarray(model.predict(read, self._encoder.encode(texts), tag_ids)[:, place])

        return words_that_mattered(article.content, probability)

    def _neighbours(self, tx: Transaction, article: Article, prediction: Prediction) -> list[Neighbor]:
        """Return the labeled stories of recent rounds that are nearest to this one."""
        digest = str(prediction.metadata.get("encoder") or self._encoder.digest)
        query = tx.articles.embeddings(digest, [article.id]).get(article.id)
        if query is None:
            return []
        labels = {
            item.post.article_id: tuple(sorted(item.verdict.tags, key=lambda tag: -item.verdict.tags[tag]))
            for item in tx.verdicts.settled(rounds=recent_rounds(tx, _ROUNDS))[-_LABELLED:]
            if item.verdict.outcome is Outcome.NAMED and item.post.article_id != article.id
        }
        vectors = tx.articles.embeddings(digest, labels)
        if not vectors:
            return []
        ids = list(vectors)
        rows, cosines = nearest(query, np.stack([vectors[one] for one in ids]), _NEIGHBOURS)
        stories = tx.articles.get([ids[row] for row in rows])
        return [
            Neighbor(stories[ids[row]].title, stories[ids[row]].url, labels[ids[row]], round(float(cosine), 4))
            for row, cosine in zip(rows, cosines, strict=True)
        ]


def _from_payload(post: Post, prediction: Prediction, article: Article) -> Explanation:
    return Explanation(
        post_id=post.id,
        title=article.title,
        url=article.url,
        shown_tag=prediction.shown_tag,
        probabilities=likeliest(dict(prediction.probabilities), prediction.shown_tag, _TAGS),
        words=None,
        neighbors=(),
        model_version=prediction.model_version,
        policy=prediction.policy,
        propensity=prediction.propensity,
        arm=post.arm,
        arm_probability=post.arm_probability,
        selection=prediction.selection,
        predicted_at=prediction.created_at,
    )


def _of_post(tx: Transaction, post_id: str) -> tuple[Post, Prediction, Article]:
    post = tx.posts.get(post_id)
    prediction = tx.posts.prediction(post.prediction_id) if post else None
    article = tx.articles.get([post.article_id]).get(post.article_id) if post else None
    if post is None or prediction is None or article is None:
        raise TierbotError(f"Post {post_id} is no longer in the database.")
    return post, prediction, article
