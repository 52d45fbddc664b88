"""The app's installations with their encrypted tokens, and pending OAuth states."""

from dataclasses import fields
from datetime import datetime

from tierbot.adapters.store.columns import table
from tierbot.adapters.store.work_rows import InstallationRow, OAuthStateRow
from tierbot.adapters.store.workspace_queries import COUNTED, WorkspaceQueries
from tierbot.use_cases.ports import Installation

_installation = table(InstallationRow)
_state = table(OAuthStateRow)
_FIELDS = tuple(field.name for field in fields(Installation) if field.name != "id")


class SqlInstallations(WorkspaceQueries):
    """ports.Installations."""

    def get(self) -> Installation | None:
        columns = [_installation.c[name] for name in _FIELDS]
        row = self._connection.execute(self._select(InstallationRow, *columns)).mappings().first()
        return None if row is None else Installation(id=self._workspace, **row)

    def put(self, installation: Installation) -> None:
        if installation.id != self._workspace:
            raise ValueError(f"installation {installation.id}: this transaction is bound to {self._workspace}")
        self._put(InstallationRow, {name: getattr(installation, name) for name in _FIELDS})

    def end(self, why: str, now: datetime) -> bool:
        ended = self._update(InstallationRow).where(_installation.c.ended_at.is_(None))
        values = {"sealed_token": "", "ended_at": now, "ended_by": why}
        return self._connection.execute(ended.values(values)).rowcount == 1

    def give_state(self, state: str, until: datetime, now: datetime) -> None:
        self._connection.execute(self._delete(OAuthStateRow).where(_state.c.until <= now))
        self._put(OAuthStateRow, {"state": state, "until": until})

    def take_state(self, state: str, now: datetime) -> bool:
        taken = self._delete(OAuthStateRow).where(_state.c.state == state, _state.c.until > now)
        return self._connection.execute(taken, execution_options=COUNTED).rowcount == 1
