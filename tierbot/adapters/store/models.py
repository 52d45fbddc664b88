"""Model versions and their weights."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from sqlalchemy import RowMapping

from tierbot.adapters.store.columns import table
from tierbot.adapters.store.errors import StoreError
from tierbot.adapters.store.rows import ModelVersionRow, ModelWeightsRow
from tierbot.adapters.store.workspace_queries import WorkspaceQueries
from tierbot.domain.nouns import ModelState, ModelVersion

_version = table(ModelVersionRow)
_weights = table(ModelWeightsRow)
_FIELDS = tuple(field.name for field in fields(ModelVersion))
_COLUMNS = [_version.c[name] for name in _FIELDS]


def _noun(row: RowMapping) -> ModelVersion:
    return ModelVersion(**{**row, "state": ModelState(row["state"])})


class SqlModels(WorkspaceQueries):
    """ports.Models."""

    def add(self, version: ModelVersion, weights: bytes) -> bool:
        if self.get(version.id) is not None:  # no other transaction can write to this workspace now
            return False
        if version.state is ModelState.CHAMPION:
            self._retire_champion()
        values = {name: getattr(version, name) for name in _FIELDS}
        self._add(ModelVersionRow, [{**values, "state": version.state.value, "card": dict(version.card)}])
        self._add(ModelWeightsRow, [{"model_id": version.id, "weights": weights}])
        return True

    def champion(self) -> ModelVersion | None:
        return self._first(_version.c.state == ModelState.CHAMPION.value)

    def get(self, version_id: str) -> ModelVersion | None:
        return self._first(_version.c.id == version_id)

    def _first(self, condition: Any) -> ModelVersion | None:
        row = self._connection.execute(self._select(ModelVersionRow, *_COLUMNS).where(condition)).mappings().first()
        return None if row is None else _noun(row)

    def weights(self, version_id: str) -> bytes:
        found: bytes | None = self._connection.execute(
            self._select(ModelWeightsRow, _weights.c.weights).where(_weights.c.model_id == version_id)
        ).scalar()
        if found is None:
            raise StoreError(f"model {version_id}: its weights are not in the database. See `tierbot models list`.")
        return found

    def all(self) -> list[ModelVersion]:
        statement = self._select(ModelVersionRow, *_COLUMNS).order_by(_version.c.number.desc())
        return [_noun(row) for row in self._connection.execute(statement).mappings()]

    def set_state(self, version_id: str, state: ModelState, card: Mapping[str, Any] | None = None) -> None:
        if state is ModelState.CHAMPION:
            self._retire_champion(unless=version_id)
        values: dict[str, Any] = {"state": state.value}
        if card is not None:
            values["card"] = dict(card)
        changed = self._connection.execute(
            self._update(ModelVersionRow).where(_version.c.id == version_id).values(values)
        ).rowcount
        if not changed:
            raise StoreError(f"model {version_id}: is not in the database. See `tierbot models list`.")

    def _retire_champion(self, unless: str = "") -> None:
        # The database allows one champion only, so the old one retires in the same step.
        self._connection.execute(
            self._update(ModelVersionRow)
            .where(_version.c.state == ModelState.CHAMPION.value, _version.c.id != unless)
            .values(state=ModelState.RETIRED.value)
        )
