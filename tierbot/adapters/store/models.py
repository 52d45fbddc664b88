"""Model versions and their weights."""

from collections.abc import Mapping
from typing import Any

from tierbot.adapters.store.columns import table
from tierbot.adapters.store.errors import StoreError
from tierbot.adapters.store.rows import ModelVersionRow, ModelWeightsRow
from tierbot.adapters.store.workspace_queries import Stored, WorkspaceQueries, chunks
from tierbot.domain.nouns import ModelState, ModelVersion

_version = table(ModelVersionRow)
_weights = table(ModelWeightsRow)
_ALL = 1_000_000  # SQLite knows no offset without a limit
_VERSION = Stored(ModelVersionRow, ModelVersion)


class SqlModels(WorkspaceQueries):
    """ports.Models."""

    def add(self, version: ModelVersion, weights: bytes) -> bool:
        if self.get(version.id) is not None:  # no other transaction can write to this workspace now
            return False
        if version.state is ModelState.CHAMPION:
            self._retire_champion()
        self._add(ModelVersionRow, [_VERSION.values(version)])
        self._add(ModelWeightsRow, [{"model_id": version.id, "weights": weights}])
        return True

    def champion(self) -> ModelVersion | None:
        return self._noun(_VERSION, _version.c.state == ModelState.CHAMPION)

    def get(self, version_id: str) -> ModelVersion | None:
        return self._noun(_VERSION, _version.c.id == version_id)

    def weights(self, version_id: str) -> bytes:
        found: bytes | None = self._connection.execute(
            self._select(ModelWeightsRow, _weights.c.weights).where(_weights.c.model_id == version_id)
        ).scalar()
        if found is None:
            raise StoreError(
                f"model {version_id}: its weights are not in the database; TIERBOT_KEEP_MODELS says how many are kept. "
                "See `tierbot models list`."
            )
        return found

    def all(self) -> list[ModelVersion]:
        return self._nouns(_VERSION, order=(_version.c.number.desc(),))

    def prune(self, keep: int) -> int:
        """Each kind is counted by itself: refused challengers must not push the former champions out."""
        old: list[str] = []
        for state in (ModelState.RETIRED, ModelState.CHALLENGER):
            newest_first = self._select(ModelVersionRow, _version.c.id).where(_version.c.state == state)
            statement = newest_first.order_by(_version.c.number.desc()).offset(keep).limit(_ALL)
            old += self._connection.execute(statement).scalars()
        return sum(self._drop(ModelWeightsRow, _weights.c.model_id.in_(part)) for part in chunks(old))

    def encoders(self) -> set[str]:
        there = self._select(ModelWeightsRow, _weights.c.model_id)
        used = self._select(ModelVersionRow, _version.c.encoder_digest).where(_version.c.id.in_(there))
        return set(self._connection.execute(used.distinct()).scalars())

    def set_state(self, version_id: str, state: ModelState, card: Mapping[str, Any] | None = None) -> None:
        if state is ModelState.CHAMPION:
            self._retire_champion(unless=version_id)
        values = {"state": state} if card is None else {"state": state, "card": card}
        if not self._change(ModelVersionRow, _version.c.id == version_id, **values):
            raise StoreError(f"model {version_id}: is not in the database. See `tierbot models list`.")

    def _retire_champion(self, unless: str = "") -> None:
        # The database allows one champion only, so the old one retires in the same step.
        former = (_version.c.state == ModelState.CHAMPION, _version.c.id != unless)
        self._change(ModelVersionRow, *former, state=ModelState.RETIRED)
