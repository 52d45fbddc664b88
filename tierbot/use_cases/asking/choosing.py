"""Chooses and predicts what to ask about next; the fallback model stands in for an external predictor that fails."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.articles.boundaries import Boundaries
from tierbot.domain.nouns import DAWN, Article, ModelVersion
from tierbot.domain.predict.asking import Asker, Asking, AskingContext, ask_about
from tierbot.domain.predict.model import Model, PredictorError
from tierbot.domain.predict.policy import EpsilonPolicy
from tierbot.domain.predict.selection import SelectionMix
from tierbot.domain.predict.tag_requests import ask_requested
from tierbot.domain.tags import TagSpace
from tierbot.settings import Settings
from tierbot.use_cases.articles.embedding import embed
from tierbot.use_cases.models.registry import Registry
from tierbot.use_cases.ports import Clock, Encoder, Store

log = logging.getLogger(__name__)

_POOL = 2000  # newest waiting articles considered


@dataclass(eq=False)
class Chooser:
    """Chooses for any workspace."""

    store: Store
    encoder: Encoder
    registry: Registry
    clock: Clock
    settings: Settings
    boundaries: Callable[[TagSpace], Boundaries]  # reads the rules in force
    rng: np.random.Generator

    def choose(self, workspace: str, count: int) -> Asking:
        """Choose up to `count` articles to ask about in the channel: requested checks first, then waiting articles."""
        return self._with_fallback(workspace, partial(self._of_waiting, workspace, count))

    def for_threads(self, workspace: str) -> Asking:
        """Choose all requested messages, to be asked about in their threads."""
        return self._with_fallback(workspace, partial(self._requested, workspace, _POOL, in_threads=True))

    def _with_fallback(self, workspace: str, choose: Callable[[AskingContext], Asking]) -> Asking:
        try:
            return choose(self._context(workspace, *self.registry.champion(workspace)))
        except PredictorError as fault:
            version, model = self.registry.fallback(workspace)
            log.warning("%s Until it is fixed, %s answers.", fault, version.id)
            return choose(self._context(workspace, version, model))

    def _context(self, workspace: str, version: ModelVersion, model: Model) -> AskingContext:
        with self.store.read(workspace) as tx:
            tags, verdicts = tx.workspaces.tags(), tx.verdicts.count_since(DAWN)
        settings = self.settings
        return AskingContext(
            asker=Asker(
                policy=EpsilonPolicy(first=settings.exploration_start, last=settings.exploration_floor),
                mix=SelectionMix(random=settings.random_share, trending=settings.trending_share),
                blank_share=settings.blank_share,
                basic_share=settings.basic_share,
            ),
            model=model,
            version=version.id,
            tag_ids=tags.ids,
            verdicts=verdicts,
            now=self.clock.now(),
            metadata={"encoder": self.encoder.digest},
            boundaries=self.boundaries(tags),
            ask_unclear=settings.ask_unclear,
        )

    def _of_waiting(self, workspace: str, count: int, context: AskingContext) -> Asking:
        checks = self._requested(workspace, count, context, in_threads=False)
        left = count - len(checks.asked)
        if not left:  # choosing would encode every waiting article
            return checks
        with self.store.read(workspace) as tx:
            waiting = tx.articles.waiting(_POOL, context.grounds)
            ids = [article.id for article in waiting]
            known, sources = tx.articles.embeddings(self.encoder.digest, ids), tx.articles.sources(ids)
        if not waiting:
            return checks
        embeddings = self._embeddings(workspace, waiting, known)
        found = ask_about(waiting, embeddings, left, context, self.rng, sources)
        return Asking(checks.asked + found.asked, checks.held + found.held)

    def _requested(self, workspace: str, limit: int, context: AskingContext, *, in_threads: bool) -> Asking:
        with self.store.read(workspace) as tx:
            wanted = tx.articles.requested(limit, context.grounds, in_threads=in_threads)
            known = tx.articles.embeddings(self.encoder.digest, [article.id for article in wanted])
        if not wanted:
            return Asking([], [])
        return ask_requested(wanted, self._embeddings(workspace, wanted, known), context, self.rng)

    def _embeddings(
        self, workspace: str, articles: Sequence[Article], known: Mapping[str, NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        """Return the embeddings of n articles, (n, d); missing ones are computed and stored."""
        lacking = [article for article in articles if article.id not in known]
        vectors = {**known, **embed(self.store, self.encoder, workspace, lacking)}
        return np.stack([vectors[article.id] for article in articles])
