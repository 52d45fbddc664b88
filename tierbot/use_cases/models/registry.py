"""The model registry: which version is champion, and how challengers are trained, promoted and rolled back."""

import hashlib
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from tierbot.domain.nouns import Estimate, ModelState, ModelVersion, SettledPost, TierbotError
from tierbot.domain.predict.classifier import Classifier
from tierbot.domain.predict.coldstart import coldstart
from tierbot.domain.predict.model import Model, PredictorError
from tierbot.domain.tags import TagSpace
from tierbot.domain.training.evidence import in_words, logged_of
from tierbot.domain.training.judge import Decision, accuracy, is_unbiased
from tierbot.domain.training.retrain import TrainingJob, TrainingResult
from tierbot.domain.training.rows import TrainingRows, joined_rows, rows_from_bytes, teaches, verdict_rows
from tierbot.use_cases.models.external_predictors import ExternalPredictors, is_external
from tierbot.use_cases.models.training_data import embed_training_articles, given_rows, settled_features
from tierbot.use_cases.models.versions import (
    champion_of,
    check_weights,
    fallback_of,
    numbered,
    overtaken,
    own_id,
    put_in_service,
    same_code,
    version_of,
)
from tierbot.use_cases.ports import Clock, Encoder, ModelFiles, Store, Transaction

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Training:
    """The result of a retraining: the new version, the decision about it, and the model in service now."""

    version: ModelVersion
    decision: Decision
    in_service: ModelVersion
    accuracy: Estimate  # by progressive validation, on posts the previous champion predicted
    rows: int

    @property
    def promoted(self) -> bool:
        """Whether the new version is in service."""
        return self.decision.promote

    def announcement(self) -> dict[str, Any]:
        """Return it as plain data for the outbox."""
        return {
            "kind": "model_promoted" if self.promoted else "model_refused",
            "model": self.version.id,
            "number": self.version.number,
            "parent": self.version.parent,
            "in_service": self.in_service.id,
            "in_service_number": self.in_service.number,
            "comparison": asdict(self.decision),
            "off_policy": in_words((self.version.card.get("metrics") or {}).get("off_policy") or {}),
            "accuracy": asdict(self.accuracy),
            "rows": self.rows,
        }


@dataclass(eq=False)
class Registry:
    """Model versions of any workspace. Champions stay in memory until replaced."""

    store: Store
    encoder: Encoder
    model_files: ModelFiles
    clock: Clock
    seed: int
    train: Callable[[TrainingJob], TrainingResult]  # usually in a child process
    external_predictors: ExternalPredictors
    _in_service: dict[str, tuple[str, tuple[str, ...], Model]] = field(default_factory=dict, init=False)
    _priors: dict[str, Classifier] = field(default_factory=dict, init=False)

    # --- the champion -----------------------------------------------------------------------------

    def champion(self, workspace: str) -> tuple[ModelVersion, Model]:
        """Return the version in service and its model, extended to tags added later.

        Raises TierbotError if there is none, its weights are damaged, or another encoder is set; PredictorError if it
        is an external predictor that fails (see `fallback`).
        """
        version, tags, model = self._usable(workspace, champion_of)
        self._in_service[workspace] = (version.id, tags.ids, model)
        return version, model

    def fallback(self, workspace: str) -> tuple[ModelVersion, Model]:
        """Return our own last model, which answers while an external champion fails. Raises as `champion` does."""
        version, _, model = self._usable(workspace, lambda tx: version_of(tx, fallback_of(champion_of(tx))))
        return version, model

    def model_of(self, workspace: str, version_id: str) -> Model:
        """Return any version's model. Raises TierbotError as `champion` does, or if there is no such version."""
        return self._usable(workspace, lambda tx: version_of(tx, version_id))[2]

    def _usable(
        self, workspace: str, find: Callable[[Transaction], ModelVersion]
    ) -> tuple[ModelVersion, TagSpace, Model]:
        known = self._in_service.get(workspace)
        with self.store.read(workspace) as tx:
            version, tags = find(tx), tx.workspaces.tags()
            if known is not None and known[:2] == (version.id, tags.ids):
                return version, tags, known[2]
            weights = tx.models.weights(version.id)
        return version, tags, self._model(version, weights, tags)

    def _model(self, version: ModelVersion, weights: bytes, tags: TagSpace) -> Model:
        if is_external(version):
            check_weights(version, weights)
            return self.external_predictors.model(version, weights, tags.ids)
        classifier = self._loaded(version, weights)
        return classifier if set(tags.ids) <= set(classifier.tag_ids) else classifier.extended(self._prior(tags))

    def _loaded(self, version: ModelVersion, weights: bytes) -> Classifier:
        check_weights(version, weights)
        if version.encoder_digest != self.encoder.digest:
            raise TierbotError(
                f"Model {version.id} was made with another encoder. Set TIERBOT_ENCODER back, or retrain with the new one."
            )
        return Classifier.from_bytes(weights, f"model {version.id}")

    def first(self, tags: TagSpace) -> tuple[ModelVersion, bytes]:
        """Return a new workspace's first model: the bootstrap model, or with another encoder one from tag descriptions."""
        shipped, weights = self.model_files.bootstrap()
        if shipped.encoder_digest != self.encoder.digest:
            cold = replace(self._prior(tags), card={"kind": "cold"})
            weights = cold.to_bytes()
            digest = hashlib.sha256(weights).hexdigest()
            shipped = replace(shipped, encoder_digest=self.encoder.digest, sha256=digest, card=dict(cold.card))
        first = replace(shipped, id=own_id(1), number=1, parent=None, state=ModelState.CHAMPION)
        return replace(first, created_at=self.clock.now()), weights

    # --- a challenger -----------------------------------------------------------------------------

    def retrain(
        self, workspace: str, also: Callable[[Transaction, Training], None] = lambda *_: None
    ) -> Training | None:
        """Train a challenger on all verdicts, promote it if it is judged better; None if there is nothing to learn from.

        It is promoted only while the champion it was compared with is still in service: a rollback or promotion during
        the training stands. `also` runs in the transaction that stores the challenger. An external champion is trained
        itself; None if it never changes. Raises TierbotError if the training was interrupted; then nothing has changed.
        """
        with self.store.read(workspace) as tx:
            settled = [item for item in tx.verdicts.settled() if teaches(item.verdict)]
            champion = champion_of(tx)
        if is_external(champion):
            return self._taught(workspace, champion, settled, also)
        embed_training_articles(self.store, self.encoder, workspace, settled)
        with self.store.read(workspace) as tx:
            tags, weights = tx.workspaces.tags(), tx.models.weights(champion.id)
            settled, features = settled_features(tx, self.encoder, settled)
            given = given_rows(tx, self.encoder, tags.ids)
        if not settled and given is None:
            return None
        same_encoder = champion.encoder_digest == self.encoder.digest
        result = self.train(
            TrainingJob(
                verdicts=verdict_rows(settled, features, tags.ids),
                unbiased=np.array([is_unbiased(item) for item in settled], dtype=bool),
                prior=self._start(tags),
                champion=self._loaded(champion, weights) if same_encoder else None,
                encoder_digest=self.encoder.digest,
                parent=champion.id,
                logged=logged_of(settled, tags.ids),
                bootstrap=self._replayed(given, tags.ids),
                imported=0 if given is None or _knows_imported(champion) else len(given),
                seed=self.seed,
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
            id="",
            number=0,  # assigned when it is stored: another training may end first
            parent=champion.id,
            state=ModelState.CHALLENGER,
            encoder_digest=self.encoder.digest,
            sha256=hashlib.sha256(data).hexdigest(),
            created_at=self.clock.now(),
            card=dict(result.classifier.card),
        )
        return self._kept(workspace, champion, challenger, data, result.decision, settled, also)

    def _kept(
        self,
        workspace: str,
        champion: ModelVersion,
        challenger: ModelVersion,
        weights: bytes,
        decision: Decision,
        settled: Sequence[SettledPost],
        also: Callable[[Transaction, Training], None],
    ) -> Training:
        with self.store.begin(workspace) as tx:
            now_champion = champion_of(tx)
            challenger = numbered(tx, challenger)
            if decision.promote and now_champion.id != champion.id:
                challenger, decision = overtaken(challenger, decision, champion.id)
            if not tx.models.add(challenger, weights):  # a predictor that learned the same thing twice
                challenger = version_of(tx, challenger.id)
            if decision.promote:
                put_in_service(tx, challenger)
            training = Training(
                version=challenger,
                decision=decision,
                in_service=challenger if decision.promote else now_champion,
                accuracy=accuracy(item for item in settled if item.model_version == champion.id),
                rows=len(settled),
            )
            also(tx, training)
        if decision.promote:
            self.publish(workspace)
        return training

    def publish(self, workspace: str) -> None:
        """Write the champion as files unless they are there; log if the folder cannot be written.

        Afterwards the database is read again, and the files are rewritten if the champion has changed, so they match
        the database whichever process writes last. External predictors are not published.
        """
        written = None
        while True:
            with self.store.read(workspace) as tx:
                champion = champion_of(tx)
                if champion.id == written or is_external(champion):
                    return
                weights = tx.models.weights(champion.id)
            try:
                self.model_files.publish(champion, weights, workspace)
            except TierbotError as fault:
                log.warning("Model %s is in service, but its files could not be written: %s", champion.id, fault)
                return
            written = champion.id

    def _taught(
        self,
        workspace: str,
        champion: ModelVersion,
        settled: Sequence[SettledPost],
        also: Callable[[Transaction, Training], None],
    ) -> Training | None:
        """Train the external champion; see ExternalPredictors.teach."""
        with self.store.read(workspace) as tx:
            articles = tx.articles.get({item.post.article_id for item in settled})
            tags, state = tx.workspaces.tags(), tx.models.weights(champion.id)
        taught = self.external_predictors.teach(champion, state, settled, articles, tags.ids) if settled else None
        if taught is None:
            return None
        learned, decision = taught
        card = {"parent": champion.id, "data": {"verdicts": len(settled)}, "metrics": {"promotion": asdict(decision)}}
        name = str(champion.card["predictor"])
        challenger = self.external_predictors.version(name, champion.id, learned, card)
        if challenger.id == champion.id:  # it learned nothing new
            return None
        return self._kept(workspace, champion, challenger, learned, decision, settled, also)

    def _replayed(self, given: TrainingRows | None, tag_ids: Sequence[str]) -> TrainingRows | None:
        """Return the rows to replay along with the verdicts: the bootstrap model's, and the imported labels."""
        shipped, _ = self.model_files.bootstrap()
        data = self.model_files.bootstrap_rows() if shipped.encoder_digest == self.encoder.digest else None
        shipped_rows = None if data is None else rows_from_bytes(data, self.encoder.digest, "the bootstrap rows")
        found = [rows.over(tag_ids) for rows in (shipped_rows, given) if rows is not None]
        return joined_rows(found) if found else None

    def _start(self, tags: TagSpace) -> Classifier:
        """Return the prior of a retraining: the bootstrap model, and descriptions for tags it lacks.

        Only a few of the bootstrap model's rows are replayed; with descriptions alone as the prior, the first retraining
        would lose most of what it learned.
        """
        shipped, weights = self.model_files.bootstrap()
        if shipped.encoder_digest != self.encoder.digest:
            return self._prior(tags)
        return Classifier.from_bytes(weights, "the bootstrap model").extended(self._prior(tags)).over(tags.ids)

    def _prior(self, tags: TagSpace) -> Classifier:
        described = hashlib.sha256(repr([(t.id, t.name, t.description) for t in tags.active]).encode()).hexdigest()
        if described not in self._priors:
            self._priors = {described: coldstart(tags.active, self.encoder.encode)}
        return self._priors[described]

    # --- in and out of service --------------------------------------------------------------------

    def promote(
        self,
        workspace: str,
        version_id: str,
        by: str,
        also: Callable[[Transaction, ModelVersion], None] = lambda *_: None,
    ) -> ModelVersion:
        """Put a version in service whatever its evaluation said; an installed predictor by its name.

        `also` runs in the same transaction. Raises TierbotError if there is no such version, or it cannot be used.
        """
        with self.store.read(workspace) as tx:
            known = tx.models.get(version_id)
        if known is None and version_id in self.external_predictors.names():
            version_id = self._installed(workspace, version_id)
        version, _, _ = self._usable(workspace, lambda tx: version_of(tx, version_id))
        with self.store.begin(workspace) as tx:
            before = champion_of(tx)
            put_in_service(tx, version)
            tx.workspaces.audit(by, "promote model", before.id, version.id, self.clock.now())
            also(tx, version)
        self.publish(workspace)
        return replace(version, state=ModelState.CHAMPION)

    def _installed(self, workspace: str, name: str) -> str:
        """Return the id of the newest version with an installed predictor's code; register one if there is none."""
        with self.store.read(workspace) as tx:
            champion, tags = champion_of(tx), tx.workspaces.tags()
        found = self.external_predictors.version(name, champion.id)
        with self.store.read(workspace) as tx:
            same = same_code(tx, found)
        if same is None:
            self.external_predictors.model(found, b"", tags.ids)
        with self.store.begin(workspace) as tx:
            same = same_code(tx, found)
            if same is None:
                tx.models.add(numbered(tx, found), b"")
        return same or found.id

    def follow(self, workspace: str, name: str) -> ModelVersion:
        """Put an installed predictor in service unless it is; return the champion. Raises PredictorError if it fails."""
        with self.store.read(workspace) as tx:
            champion = champion_of(tx)
        if champion.card.get("predictor") == name:
            with suppress(PredictorError):
                self.model_of(workspace, champion.id)  # fails if another version of the predictor is installed
                return champion
        return self.promote(workspace, self._installed(workspace, name), "TIERBOT_PREDICTOR")

    def roll_back(
        self, workspace: str, by: str, also: Callable[[Transaction, ModelVersion], None] = lambda *_: None
    ) -> ModelVersion:
        """Put the champion's parent back in service. Raises TierbotError if it has none. For `also` see `promote`."""
        with self.store.read(workspace) as tx:
            champion = champion_of(tx)
        if champion.parent is None:
            raise TierbotError(f"Model {champion.id} is the first, so there is nothing to roll back to.")
        return self.promote(workspace, champion.parent, by, also)


def _knows_imported(version: ModelVersion) -> bool:
    """Return whether a model has learned from imported labels; if so, further ones don't judge its challengers."""
    return bool(version.card.get("data", {}).get("cursor", {}).get("given"))
