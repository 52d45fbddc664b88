"""External predictors as model versions: identified, restored, trained.

A version's id has the name, the distribution's version and a digest of code and state (`house-1.2-3f9a1c04`), so its
predictions stay traceable after an upgrade, and another build is never mistaken for it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from tierbot.domain.nouns import Article, ModelState, ModelVersion, SettledPost
from tierbot.domain.predict.model import Example, ExternalPredictor, LearningPredictor, Limit, PredictorError
from tierbot.domain.training.external_predictor import Lesson, restored
from tierbot.domain.training.judge import Decision, is_unbiased
from tierbot.domain.training.rows import teaches
from tierbot.use_cases.ports import Clock, LoadedPredictor, Predictors

_PROBE = (
    "Champions win the final after extra time, and a city celebrates",
    "A new telescope finds water on a distant planet",
)


@dataclass(eq=False)
class ExternalPredictors:
    """What the registry needs of external predictors. Restored ones are cached by version."""

    predictors: Predictors
    clock: Clock
    limit: Limit  # on loading, restoring and each answer
    _restored: dict[str, ExternalPredictor] = field(default_factory=dict, init=False)

    def names(self) -> list[str]:
        """Return the names of the installed predictors."""
        return [one.name for one in self.predictors.installed()]

    def version(
        self,
        name: str,
        parent: str,
        state: bytes = b"",
        learned: Mapping[str, object] | None = None,
    ) -> ModelVersion:
        """Return the model version of an installed predictor with a state. Raises PredictorError if it cannot be used."""
        found = self._load(name)
        return ModelVersion(
            id=_version_id(found, state),
            number=0,  # assigned when it is stored
            parent=parent,
            state=ModelState.CHALLENGER,
            encoder_digest="",
            sha256=hashlib.sha256(state).hexdigest(),
            created_at=self.clock.now(),
            card={
                "kind": "predictor",
                "predictor": name,
                "version": found.version,
                "digest": found.digest,
                "learns": isinstance(found.predictor, LearningPredictor),
                **(learned or {}),
            },
        )

    def model(self, version: ModelVersion, state: bytes, tag_ids: Sequence[str]) -> ExternalPredictor:
        """Return the predictor of a version, tested on two texts when first restored.

        Raises PredictorError if it is missing, has another version, or returns something other than probabilities.
        """
        found = self._load(str(version.card["predictor"]))
        if _version_id(found, state) != version.id:
            raise PredictorError(
                f"The model {version.id} is not installed; the installed version is {_version_id(found, b'')}. "
                f"Put it in service with `tierbot models promote {found.name}`, or reinstall the previous version."
            )
        if version.id not in self._restored:
            external_predictor = ExternalPredictor(version.id, found.predictor)
            if isinstance(found.predictor, LearningPredictor):
                external_predictor = self.limit.call(version.id, partial(restored, version.id, found.predictor, state))
            external_predictor = replace(external_predictor, entry_point=found.name, limit=self.limit)
            now = self.clock.now()
            probe = [Article(f"probe{i}", text, "", "", "", now) for i, text in enumerate(_PROBE)]
            external_predictor.predict(probe, np.zeros((len(probe), 0), np.float32), tag_ids)
            self._restored = {version.id: external_predictor}
        return self._restored[version.id]

    def teach(
        self,
        champion: ModelVersion,
        state: bytes,
        settled: Sequence[SettledPost],
        articles: Mapping[str, Article],
        tag_ids: Sequence[str],
    ) -> tuple[bytes, Decision] | None:
        """Train the champion's predictor on settled posts, oldest first; None if it never changes.

        It is judged on unbiased posts made after the champion, which it cannot have learned from. Raises PredictorError or
        TrainingInterruptedError.
        """
        name = str(champion.card["predictor"])
        if not isinstance(self._load(name).predictor, LearningPredictor):
            return None
        said = [item for item in settled if teaches(item.verdict) and item.post.article_id in articles]
        fair = [
            row for row, item in enumerate(said) if is_unbiased(item) and item.post.created_at > champion.created_at
        ]
        judging = np.zeros(len(said), dtype=bool)
        judging[fair[max(0, len(fair) - len(said) // 2) :]] = True
        examples = [_example(item, articles[item.post.article_id], frozenset(tag_ids)) for item in said]
        taught = self.predictors.teach(Lesson(name, tuple(tag_ids), examples, judging, state))
        return taught.state, taught.decision

    def _load(self, name: str) -> LoadedPredictor:
        return self.limit.call(name, partial(self.predictors.load, name))


def is_external(version: ModelVersion) -> bool:
    """Return whether a model version is an external predictor."""
    return "predictor" in version.card


def _version_id(found: LoadedPredictor, state: bytes) -> str:
    return f"{found.name}-{found.version}-{hashlib.sha256(found.digest.encode() + state).hexdigest()[:8]}"


def _example(item: SettledPost, article: Article, tags: frozenset[str]) -> Example:
    true = {tag: weight for tag, weight in item.verdict.tags.items() if tag in tags}
    shown = item.post.shown_tag
    wrong = shown if shown in tags and shown not in item.verdict.tags else None
    return Example(article, true, wrong, item.verdict.weight)
