"""Chooses what to ask about next and predicts it; writes nothing but embeddings.

If an external predictor fails, the fallback model answers in its place.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.articles.boundaries import Boundaries
from tierbot.domain.nouns import DAWN, Article, ModelVersion, Thread
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


@dataclass(frozen=True, slots=True)
class Chosen:
    """What to ask, and the tags at that time. threads: by article id, for those not asked in the channel."""

    asking: Asking
    tags: TagSpace
    threads: Mapping[str, Thread] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Context:
    """The model and the state of the database that a choice is based on."""

    version: ModelVersion
    model: Model
    tags: TagSpace
    verdicts: int
    boundaries: Boundaries


class Chooser:
    """Chooses for any workspace."""

    def __init__(
        self,
        *,
        store: Store,
        encoder: Encoder,
        registry: Registry,
        clock: Clock,
        settings: Settings,
        boundaries: Callable[[TagSpace], Boundaries],
        rng: np.random.Generator,
    ) -> None:
        self._store = store
        self._encoder = encoder
        self._registry = registry
        self._clock = clock
        self._boundaries = boundaries
        self._rng = rng
        self._asker = Asker(
            policy=EpsilonPolicy(first=settings.exploration_start, last=settings.exploration_floor),
            mix=SelectionMix(random=settings.random_share, trending=settings.trending_share),
            blank_share=settings.blank_share,
            basic_share=settings.basic_share,
        )

    def choose(self, workspace: str, count: int) -> Chosen:
        """Return up to `count` articles to ask about in the channel: requested checks first, then waiting articles."""
        return self._with_fallback(workspace, lambda context: self._of_waiting(workspace, context, count))

    def for_threads(self, workspace: str) -> Chosen:
        """Return all requested messages, to be asked about in their threads."""
        return self._with_fallback(
            workspace, lambda context: self._requested(workspace, context, _POOL, in_threads=True)
        )

    def _with_fallback(self, workspace: str, choose: Callable[[_Context], Chosen]) -> Chosen:
        try:
            return choose(self._context(workspace, *self._registry.champion(workspace)))
        except PredictorError as fault:
            version, model = self._registry.fallback(workspace)
            log.warning("%s Until it is fixed, %s answers.", fault, version.id)
            return choose(self._context(workspace, version, model))

    def _context(self, workspace: str, version: ModelVersion, model: Model) -> _Context:
        with self._store.read(workspace) as tx:
            tags, verdicts = tx.workspaces.tags(), tx.verdicts.count_since(DAWN)
        return _Context(version, model, tags, verdicts, self._boundaries(tags))

    def _of_waiting(self, workspace: str, context: _Context, count: int) -> Chosen:
        checks = self._requested(workspace, context, count, in_threads=False)
        left, rules = count - len(checks.asking.asked), context.boundaries
        if not left:  # choosing would encode every waiting article
            return checks
        with self._store.read(workspace) as tx:
            waiting = tx.articles.waiting(_POOL, rules.grounds(context.version.id) if rules.digest else ())
            ids = [article.id for article in waiting]
            vectors, sources = tx.articles.embeddings(self._encoder.digest, ids), tx.articles.sources(ids)
        if not waiting:
            return checks
        found = ask_about(
            waiting,
            self._embeddings(workspace, waiting, vectors),
            left,
            self._asking_context(context),
            self._rng,
            sources,
        )
        both = Asking(checks.asking.asked + found.asked, checks.asking.held + found.held)
        return Chosen(both, context.tags)

    def _requested(self, workspace: str, context: _Context, limit: int, *, in_threads: bool) -> Chosen:
        rules = context.boundaries
        with self._store.read(workspace) as tx:
            held_on = rules.grounds(context.version.id) if rules.digest else ()
            wanted = tx.articles.requested(limit, held_on, in_threads=in_threads)
            vectors = tx.articles.embeddings(self._encoder.digest, [article.id for article in wanted])
        if not wanted:
            return Chosen(Asking([], []), context.tags)
        embeddings = self._embeddings(workspace, wanted, vectors)
        found = ask_requested(wanted, embeddings, self._asking_context(context), self._rng)
        return Chosen(found, context.tags, _threads(wanted))

    def _embeddings(
        self, workspace: str, articles: Sequence[Article], known: Mapping[str, NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        """Return the embeddings of n articles, (n, d); missing ones are computed and stored."""
        lacking = [article for article in articles if article.id not in known]
        vectors = {**known, **embed(self._store, self._encoder, workspace, lacking)}
        return np.stack([vectors[article.id] for article in articles])

    def _asking_context(self, context: _Context) -> AskingContext:
        return AskingContext(
            asker=self._asker,
            model=context.model,
            version=context.version.id,
            tag_ids=context.tags.ids,
            verdicts=context.verdicts,
            now=self._clock.now(),
            metadata={"encoder": self._encoder.digest},
            boundaries=context.boundaries,
        )


def _threads(articles: Sequence[Article]) -> dict[str, Thread]:
    return {article.id: article.asked_in for article in articles if article.asked_in is not None}
