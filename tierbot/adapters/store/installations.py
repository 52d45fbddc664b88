"""The app's installations with their encrypted tokens, and pending OAuth states."""

from datetime import datetime

from tierbot.adapters.store.columns import table
from tierbot.adapters.store.work_rows import InstallationRow, OAuthStateRow
from tierbot.adapters.store.workspace_queries import Stored, WorkspaceQueries
from tierbot.use_cases.ports import Installation

_installation = table(InstallationRow)
_state = table(OAuthStateRow)
_INSTALLATION = Stored(InstallationRow, Installation, id="workspace_id")


class SqlInstallations(WorkspaceQueries):
    """ports.Installations."""

    def get(self) -> Installation | None:
        return self._noun(_INSTALLATION)

    def put(self, installation: Installation) -> None:
        if installation.id != self._workspace:
            raise ValueError(f"installation {installation.id}: this transaction is bound to {self._workspace}")
        self._put(InstallationRow, _INSTALLATION.values(installation))

    def end(self, why: str, now: datetime) -> bool:
        active = _installation.c.ended_at.is_(None)
        return self._change(InstallationRow, active, sealed_token="", ended_at=now, ended_by=why) == 1

    def give_state(self, state: str, until: datetime, now: datetime) -> None:
        self._drop(OAuthStateRow, _state.c.until <= now)
        self._put(OAuthStateRow, {"state": state, "until": until})

    def take_state(self, state: str, now: datetime) -> bool:
        return self._drop(OAuthStateRow, _state.c.state == state, _state.c.until > now) == 1
