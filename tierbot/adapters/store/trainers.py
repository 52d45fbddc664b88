"""Trainers' names and settings."""

from tierbot.adapters.store.columns import table
from tierbot.adapters.store.work_rows import TrainerRow
from tierbot.adapters.store.workspace_queries import Stored, WorkspaceQueries
from tierbot.domain.nouns import Trainer

_trainer = table(TrainerRow)
_TRAINER = Stored(TrainerRow, Trainer, name="display_name")


class SqlTrainers(WorkspaceQueries):
    """ports.Trainers."""

    def get(self, user: str) -> Trainer:
        return self._noun(_TRAINER, _trainer.c.user_id == user) or Trainer(user)

    def put(self, trainer: Trainer) -> None:
        self._put(TrainerRow, _TRAINER.values(trainer))

    def opted_out(self) -> dict[str, str]:
        columns = (_trainer.c.user_id, _trainer.c.display_name)
        rows = self._connection.execute(self._select(TrainerRow, *columns).where(_trainer.c.opted_out))
        return dict(sorted((user, name) for user, name in rows))
