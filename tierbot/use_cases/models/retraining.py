"""Verdict → training set → model: retraining and rollback, each announced with its result."""

from dataclasses import dataclass

from tierbot.domain.nouns import ModelVersion, key
from tierbot.use_cases.delivery.announcing import announce, channel_of
from tierbot.use_cases.models.registry import Registry, Training
from tierbot.use_cases.ports import Clock, Transaction
from tierbot.use_cases.voting.settlement import Settlement


@dataclass(eq=False)
class Retraining:
    """Retrains and rolls back in any workspace."""

    clock: Clock
    settlement: Settlement
    registry: Registry
    default_channel: str  # for workspaces that haven't chosen one; may be empty

    def retrain(self, workspace: str) -> Training | None:
        """Train a challenger on every verdict, promote it if it is better; None without verdicts."""
        self.settlement.settle(workspace)
        self.settlement.settle_round(workspace)

        def announced(tx: Transaction, training: Training) -> None:
            news, told = training.announcement(), key("trained", training.version.id)
            self._announce(tx, told, news)
            statistics = {**news, "kind": "model_statistics"}
            self._announce(tx, key("statistics", training.version.id), statistics, below=told)

        return self.registry.retrain(workspace, announced)

    def roll_back(self, workspace: str, by: str) -> ModelVersion:
        """Put the champion's parent back in service; return the version now in service."""

        def announced(tx: Transaction, version: ModelVersion) -> None:
            news = {"kind": "model_rolled_back", "model": version.id, "number": version.number, "by": by}
            self._announce(tx, key("rolled_back", version.id, self.clock.now().isoformat()), news)

        return self.registry.roll_back(workspace, by, announced)

    def _announce(self, tx: Transaction, delivery_id: str, news: dict[str, object], below: str | None = None) -> None:
        announce(tx, delivery_id, news, channel_of(tx, self.default_channel), self.clock.now(), below=below)
