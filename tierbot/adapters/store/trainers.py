"""Trainers' names and settings."""

from tierbot.adapters.store.columns import table
from tierbot.adapters.store.work_rows import TrainerRow
from tierbot.adapters.store.workspace_queries import WorkspaceQueries
from tierbot.domain.nouns import Trainer

_trainer = table(TrainerRow)


class SqlTrainers(WorkspaceQueries):
    """ports.Trainers."""

    def get(self, user: str) -> Trainer:
        row = self._connection.execute(self._select(TrainerRow).where(_trainer.c.user_id == user)).first()
        return Trainer(user) if row is None else Trainer(user, row.display_name, row.opted_out, row.notes)

    def put(self, trainer: Trainer) -> None:
        values = {"display_name": trainer.name, "opted_out": trainer.opted_out, "notes": dict(trainer.notes)}
        self._put(TrainerRow, {"user_id": trainer.user, **values})

    def opted_out(self) -> dict[str, str]:
        columns = (_trainer.c.user_id, _trainer.c.display_name)
        rows = self._connection.execute(self._select(TrainerRow, *columns).where(_trainer.c.opted_out))
        return dict(sorted((user, name) for user, name in rows))
