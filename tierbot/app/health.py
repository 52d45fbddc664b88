"""Check whether a process is alive and ready; each check returns a short description of the problem, or None.

Alive: its threads are running; a restart fixes it if not. Ready: it can work now, which also needs the database, a model
and Slack; a restart does not help if not.
"""

import logging
from collections.abc import Callable
from datetime import timedelta

from tierbot.adapters.slack.connection.socket_mode import SocketRunner
from tierbot.app.bot import Tierbot
from tierbot.domain.nouns import TierbotError

_log = logging.getLogger(__name__)
_UNSENT = timedelta(minutes=5)  # far more than Slack's pace or a few retries take
Check = Callable[[], str | None]


class Health:
    """Checks one process. `works`: it runs the worker and the schedule; `runner`: its Socket Mode connection, if any."""

    def __init__(
        self,
        bot: Tierbot,
        *,
        works: bool,
        runner: SocketRunner | None = None,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._bot, self._runner, self._stopping = bot, runner, stopping
        self._dead: list[Check] = []
        self._unready: list[Check] = [bot.store.trouble, self._model]
        if works:
            self._dead += [bot.worker.dead, bot.scheduler.dead]
            self._unready += [bot.worker.trouble, bot.scheduler.trouble, self._schedule, self._outbox]
        if runner is not None:
            self._dead.append(runner.dead)
            self._unready.append(lambda: None if runner.connected else "not connected to Slack")

    def dead(self) -> str | None:
        """Return the part that has stopped, None if all are running."""
        return _first(self._dead)

    def unready(self) -> str | None:
        """Return why the process can't take work now, None if it can."""
        if self._stopping():
            return "stopping"
        return self.dead() or _first(self._unready)

    def _model(self) -> str | None:
        """Report a problem only if no workspace has a usable model, so that one damaged model doesn't stop the others."""
        fault: TierbotError | None = None
        for workspace in self._bot.store.running_ids():
            try:
                self._bot.registry.champion(workspace)
            except TierbotError as found:
                fault = found
            else:
                return None
        if fault is not None:
            _log.warning("No workspace has a usable model: %s", fault)
            return "no usable model"
        return None

    def _schedule(self) -> str | None:
        """Report a problem if neither this process nor another runs some workspace's schedule."""
        now = self._bot.clock.now()
        for workspace in self._bot.store.running_ids():
            with self._bot.store.read(workspace) as tx:
                lease = tx.leases.get("scheduler")
            if lease is None or lease[1] <= now:
                return "no process runs the schedule"
        return None

    def _outbox(self) -> str | None:
        """Report a problem if some workspace's messages don't go out."""
        now = self._bot.clock.now()
        for workspace in self._bot.store.running_ids():
            with self._bot.store.read(workspace) as tx:
                if tx.outbox.is_stalled(now, _UNSENT):
                    return f"nothing was sent to Slack for {_UNSENT.seconds // 60} minutes"
        return None


def _first(checks: list[Check]) -> str | None:
    for check in checks:
        try:
            wrong = check()
        except TierbotError as fault:
            _log.warning("A check failed: %s", fault)
            return "cannot use the database"
        if wrong:
            return wrong
    return None
