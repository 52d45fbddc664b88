"""The model registry of a workspace: which version is champion, how a challenger is made, promoted, rolled back."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.nouns import Article, Estimate, GivenLabel, ModelState, ModelVersion, SettledPost, TierbotError
from tierbot.domain.predict.classifier import Classifier
from tierbot.domain.predict.coldstart import coldstart
from tierbot.domain.predict.features import Features, features_of
from tierbot.domain.predict.model import Model, PredictorError
from tierbot.domain.tags import TagSpace
from tierbot.domain.training.evidence import logged_of
from tierbot.domain.training.judge import Decision, accuracy, is_unbiased
from tierbot.domain.training.retrain import TrainingJob, TrainingResult
from tierbot.domain.training.rows import (
    TrainingRows,
    joined_rows,
    labeled_rows,
    rows_from_bytes,
    teaches,
    verdict_rows,
)
from tierbot.use_cases.articles.embedding import embed
from tierbot.use_cases.models.external_predictors import ExternalPredictors, is_external
from tierbot.use_cases.models.versions import (
    champion_of,
    check_weights,
    fallback_of,
    own_id,
    put_in_service,
    version_of,
)
from tierbot.use_cases.ports import Clock, Encoder, ModelFiles, Store, Transaction

_MOST_GIVEN = 20_000  # imported labels that a retraining replays: more would outweigh what colleagues say


@dataclass(frozen=True, slots=True)
class Training:
    """What a retraining came to: the new version, and whether it is in service now."""

    version: ModelVersion
    promoted: bool
    reason: str
    accuracy: Estimate  # progressive, of the posts that the former champion predicted
    rows: int

    def announcement(self) -> dict[str, Any]:
        """Return it as plain data for the outbox."""
        return {
            "kind": "model_promoted" if self.promoted else "model_refused",
            "model": self.version.id,
            "number": self.version.number,
            "parent": self.version.parent,
            "reason": self.reason,
            "accuracy": asdict(self.accuracy),
            "rows": self.rows,
        }


class Registry:
    """Model versions of any workspace. Classifiers in service are kept in memory until another is."""

    def __init__(
        self,
        *,
        store: Store,
        encoder: Encoder,
        model_files: ModelFiles,
        clock: Clock,
        judge_on: int,
        seed: int,
        train: Callable[[TrainingJob], TrainingResult],
        external_predictors: ExternalPredictors,
    ) -> None:
        """`train` runs a job, as a rule in a child process; `guests` are predictors of other distributions."""
        self.external_predictors = external_predictors
        self._store = store
        self._encoder = encoder
        self._model_files = model_files
        self._clock = clock
        self._judge_on = judge_on
        self._seed = seed
        self._train = train
        self._in_service: dict[str, tuple[str, tuple[str, ...], Model]] = {}
        self._priors: dict[str, Classifier] = {}

    # --- the champion -----------------------------------------------------------------------------

    def champion(self, workspace: str) -> tuple[ModelVersion, Model]:
        """Return the version in service and its model, extended to tags that came later.

        Raises TierbotError if there is none, its weights are damaged, or another encoder is set; PredictorError if it
        is somebody else's predictor that cannot be used (see `understudy`).
        """
        with self._store.read(workspace) as tx:
            version, tags = champion_of(tx), tx.workspaces.tags()
            known = self._in_service.get(workspace)
            if known is not None and known[:2] == (version.id, tags.ids):
                return version, known[2]
            weights = tx.models.weights(version.id)
        model = self._model(version, weights, tags)
        self._in_service[workspace] = (version.id, tags.ids, model)
        return version, model

    def fallback(self, workspace: str) -> tuple[ModelVersion, Model]:
        """Return what answers while the champion, a predictor of somebody else's, cannot: the last of our own.

        Raises TierbotError as `champion` does.
        """
        with self._store.read(workspace) as tx:
            version, tags = version_of(tx, fallback_of(champion_of(tx))), tx.workspaces.tags()
            weights = tx.models.weights(version.id)
        return version, self._model(version, weights, tags)

    def model_of(self, workspace: str, version_id: str) -> Model:
        """Return any version's model, extended to tags that came later.

        Raises TierbotError if there is no such version, its weights are damaged, or another encoder is set.
        """
        known = self._in_service.get(workspace)
        with self._store.read(workspace) as tx:
            version, tags = version_of(tx, version_id), tx.workspaces.tags()
            if known is not None and known[:2] == (version.id, tags.ids):
                return known[2]
            weights = tx.models.weights(version.id)
        return self._model(version, weights, tags)

    def _model(self, version: ModelVersion, weights: bytes, tags: TagSpace) -> Model:
        check_weights(version, weights)
        if is_external(version):
            return self.external_predictors.model(version, weights, tags.ids)
        return self._over(tags, self._loaded(version, weights))

    def _over(self, tags: TagSpace, classifier: Classifier) -> Classifier:
        return classifier if set(tags.ids) <= set(classifier.tag_ids) else classifier.extended(self._prior(tags))

    def _loaded(self, version: ModelVersion, weights: bytes) -> Classifier:
        check_weights(version, weights)
        if version.encoder_digest != self._encoder.digest:
            raise TierbotError(
                f"Model {version.id} was made with another encoder. Set TIERBOT_ENCODER back, or retrain with the new one."
            )
        return Classifier.from_bytes(weights, f"model {version.id}")

    def first(self, tags: TagSpace) -> tuple[ModelVersion, bytes]:
        """Return the model that a new workspace starts with: the shelf's, or one from the tags' descriptions.

        The shelf's model reads one encoder's embeddings; with another encoder only descriptions are left.
        """
        shipped, weights = self._model_files.bootstrap()
        if shipped.encoder_digest != self._encoder.digest:
            cold = replace(self._prior(tags), card={"kind": "cold"})
            weights = cold.to_bytes()
            digest = hashlib.sha256(weights).hexdigest()
            shipped = replace(shipped, encoder_digest=self._encoder.digest, sha256=digest, card=dict(cold.card))
        first = replace(shipped, id=own_id(1), number=1, parent=None, state=ModelState.CHAMPION)
        return replace(first, created_at=self._clock.now()), weights

    # --- a challenger -----------------------------------------------------------------------------

    def retrain(self, workspace: str) -> Training | None:
        """Train a challenger on all verdicts, promote it unless it is judged worse; None if nothing teaches yet.

        Where a predictor of somebody else's is in service, it is that which learns; None if it never changes. Raises
        TierbotError if the training was interrupted: nothing is changed then.
        """
        with self._store.read(workspace) as tx:
            settled = [item for item in tx.verdicts.settled() if teaches(item.verdict)]
            champion = champion_of(tx)
        if is_external(champion):
            return self._taught(workspace, champion, settled)
        self._embed_lessons(workspace, settled)
        with self._store.read(workspace) as tx:
            champion, tags = champion_of(tx), tx.workspaces.tags()
            weights = tx.models.weights(champion.id)
            number = 1 + max(version.number for version in tx.models.all())
            settled, features = self._features(tx, settled)
            given = self._given(tx, tags.ids)
        if not settled and given is None:
            return None
        same_encoder = champion.encoder_digest == self._encoder.digest
        result = self._train(
            TrainingJob(
                verdicts=verdict_rows(settled, features, tags.ids),
                unbiased=np.array([is_unbiased(item) for item in settled], dtype=bool),
                prior=self._start(tags),
                champion=self._loaded(champion, weights) if same_encoder else None,
                encoder_digest=self._encoder.digest,
                parent=champion.id,
                logged=logged_of(settled, tags.ids),
                bootstrap=_both(self._replayed(), given, tags.ids),
                judge_on=self._judge_on,
                seed=self._seed,
                cursor={
                    "verdicts": len(settled),
                    "last_post": settled[-1].post.id if settled else None,
                    "ledger": max((item.verdict.ledger_cursor for item in settled), default=0),
                    "given": 0 if given is None else len(given),
                },
            )
        )
        data = result.classifier.to_bytes()
        challenger = ModelVersion(
            id=own_id(number),
            number=number,
            parent=champion.id,
            state=ModelState.CHALLENGER,
            encoder_digest=self._encoder.digest,
            sha256=hashlib.sha256(data).hexdigest(),
            created_at=self._clock.now(),
            card=dict(result.card),
        )
        return self._kept(workspace, champion, challenger, data, result.decision, settled)

    def _kept(
        self,
        workspace: str,
        champion: ModelVersion,
        challenger: ModelVersion,
        weights: bytes,
        decision: Decision,
        settled: Sequence[SettledPost],
    ) -> Training:
        with self._store.begin(workspace) as tx:
            tx.models.add(challenger, weights)
            if decision.promote:
                put_in_service(tx, challenger)
        if decision.promote:
            self._publish(workspace, challenger, weights)
        return Training(
            version=challenger,
            promoted=decision.promote,
            reason=decision.reason,
            accuracy=accuracy(item for item in settled if item.model_version == champion.id),
            rows=len(settled),
        )

    def _publish(self, workspace: str, version: ModelVersion, weights: bytes) -> None:
        if not is_external(version):  # its bytes are its own business, and not safetensors that others can load
            self._model_files.publish(replace(version, state=ModelState.CHAMPION), weights, workspace)

    def _taught(self, workspace: str, champion: ModelVersion, settled: Sequence[SettledPost]) -> Training | None:
        """Let the predictor in service learn; see ExternalPredictors.teach."""
        with self._store.read(workspace) as tx:
            articles = tx.articles.get({item.post.article_id for item in settled})
            tags, state = tx.workspaces.tags(), tx.models.weights(champion.id)
            number = 1 + max(version.number for version in tx.models.all())
        taught = self.external_predictors.teach(champion, state, settled, articles, tags.ids) if settled else None
        if taught is None:
            return None
        learned, decision = taught
        card = {"parent": champion.id, "data": {"verdicts": len(settled)}, "metrics": {"promotion": decision.as_dict()}}
        name = str(champion.card["predictor"])
        challenger = self.external_predictors.version(name, number, champion.id, learned, card)
        if challenger.id == champion.id:  # it learned nothing new
            return None
        return self._kept(workspace, champion, challenger, learned, decision, settled)

    def _embed_lessons(self, workspace: str, settled: Sequence[SettledPost]) -> None:
        """Embed what there is to learn from and this encoder has not read yet: all of it, after a change of encoder."""
        with self._store.read(workspace) as tx:
            given = (label.article_id for label in tx.given_labels.sample(_MOST_GIVEN))
            ids = {*given, *(item.post.article_id for item in settled)}
            lacking = tx.articles.get(ids - tx.articles.embedded(self._encoder.digest, ids))
        embed(self._store, self._encoder, workspace, list(lacking.values()))

    def _features(self, tx: Transaction, settled: Sequence[SettledPost]) -> tuple[list[SettledPost], Features]:
        ids = list({item.post.article_id for item in settled})
        articles, vectors = tx.articles.get(ids), tx.articles.embeddings(self._encoder.digest, ids)
        usable = [item for item in settled if item.post.article_id in vectors]
        return usable, self._features_of([articles[item.post.article_id] for item in usable], vectors)

    def _features_of(self, read: Sequence[Article], vectors: Mapping[str, NDArray[np.float32]]) -> Features:
        none = np.zeros((0, self._encoder.dimension), np.float32)
        embeddings = np.stack([vectors[article.id] for article in read]) if read else none
        return features_of([article.content for article in read], embeddings, [article.url for article in read])

    def _given(self, tx: Transaction, tag_ids: Sequence[str]) -> TrainingRows | None:
        """Return what archives brought along as rows, for what is embedded; None if there is nothing."""
        by_source: dict[str, list[GivenLabel]] = {}
        for label in tx.given_labels.sample(_MOST_GIVEN):
            by_source.setdefault(label.source, []).append(label)
        parts = []
        for labels in by_source.values():
            ids = [label.article_id for label in labels]
            articles, vectors = tx.articles.get(ids), tx.articles.embeddings(self._encoder.digest, ids)
            usable = [label for label in labels if label.article_id in vectors]
            no_choice = set(tag_ids).difference(*(label.tags for label in labels))
            features = self._features_of([articles[label.article_id] for label in usable], vectors)
            parts.append(labeled_rows([label.tags for label in usable], features, tag_ids, unlabeled=no_choice))
        return joined_rows(parts) if any(map(len, parts)) else None

    def _replayed(self) -> TrainingRows | None:
        shipped, _ = self._model_files.bootstrap()
        data = self._model_files.bootstrap_rows() if shipped.encoder_digest == self._encoder.digest else None
        return None if data is None else rows_from_bytes(data, self._encoder.digest, "the bootstrap rows")

    def _start(self, tags: TagSpace) -> Classifier:
        """Return what a retraining shrinks towards: the shelf's model, and descriptions for tags that it lacks.

        The rows that are replayed are few of those that the shelf's model learned from; with descriptions alone as
        the prior, most of what it knows would be lost at the first retraining.
        """
        shipped, weights = self._model_files.bootstrap()
        if shipped.encoder_digest != self._encoder.digest:
            return self._prior(tags)
        return Classifier.from_bytes(weights, "the bootstrap model").extended(self._prior(tags)).over(tags.ids)

    def _prior(self, tags: TagSpace) -> Classifier:
        described = hashlib.sha256(repr([(t.id, t.name, t.description) for t in tags.active]).encode()).hexdigest()
        if described not in self._priors:
            self._priors = {described: coldstart(tags.active, self._encoder.encode)}
        return self._priors[described]

    # --- in and out of service --------------------------------------------------------------------

    def promote(self, workspace: str, version_id: str, by: str) -> ModelVersion:
        """Put a version in service, whatever its judge said; an installed predictor by its name.

        Raises TierbotError if there is no such version, or it cannot be used.
        """
        with self._store.read(workspace) as tx:
            known, tags = tx.models.get(version_id), tx.workspaces.tags()
        if known is None and version_id in self.external_predictors.names():
            version_id = self._installed(workspace, version_id, tags)
        with self._store.read(workspace) as tx:
            version = version_of(tx, version_id)
            weights = tx.models.weights(version.id)
        self._model(version, weights, tags)
        with self._store.begin(workspace) as tx:
            before = champion_of(tx)
            put_in_service(tx, version)
            tx.workspaces.audit(by, "promote model", before.id, version.id, self._clock.now())
        self._publish(workspace, version, weights)
        return replace(version, state=ModelState.CHAMPION)

    def _installed(self, workspace: str, name: str, tags: TagSpace) -> str:
        """Make an installed predictor a model version, unless it is one already; return its id.

        What it learned before, by the same code, stays: the newest such version is meant.
        """
        with self._store.read(workspace) as tx:
            champion, versions = champion_of(tx), tx.models.all()
        found = self.external_predictors.version(name, 1 + max(version.number for version in versions), champion.id)
        same = [one for one in versions if is_external(one) and one.card["digest"] == found.card["digest"]]
        if same:
            return same[0].id
        self.external_predictors.model(found, b"", tags.ids)
        with self._store.begin(workspace) as tx:
            tx.models.add(found, b"")
        return found.id

    def follow(self, workspace: str, name: str) -> ModelVersion:
        """Put the installed predictor of this name in service, unless a version of it is; return the champion.

        Raises PredictorError if there is none, or it cannot be used.
        """
        with self._store.read(workspace) as tx:
            champion, tags = champion_of(tx), tx.workspaces.tags()
        if champion.card.get("predictor") == name and self._is_installed(workspace, champion):
            return champion
        return self.promote(workspace, self._installed(workspace, name, tags), "TIERBOT_PREDICTOR")

    def _is_installed(self, workspace: str, champion: ModelVersion) -> bool:
        try:
            self.model_of(workspace, champion.id)
        except PredictorError:
            return False
        return True

    def roll_back(self, workspace: str, by: str) -> ModelVersion:
        """Put the champion's parent back in service.

        Raises TierbotError if it has none.
        """
        with self._store.read(workspace) as tx:
            champion = champion_of(tx)
        if champion.parent is None:
            raise TierbotError(f"Model {champion.id} is the first: there is nothing to roll back to.")
        return self.promote(workspace, champion.parent, by)


def _both(shipped: TrainingRows | None, given: TrainingRows | None, tag_ids: Sequence[str]) -> TrainingRows | None:
    found = [rows.over(tag_ids) for rows in (shipped, given) if rows is not None]
    return joined_rows(found) if found else None
