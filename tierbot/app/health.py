"""Whether a process is alive and whether it is ready, each as a few words of what is wrong, or None.

Alive: its threads go on; what is not is mended by a restart. Ready: it can do its work now, which also takes the
database, a model and Slack; what is not is mended elsewhere, or by waiting.
"""

import logging
from collections.abc import Callable

from tierbot.adapters.slack.connection.socket_mode import SocketRunner
from tierbot.app.bootstrap import Tierbot
from tierbot.domain.nouns import TierbotError

_log = logging.getLogger(__name__)
Check = Callable[[], str | None]


class Health:
    """Asks the parts of one process. `works`: it has the worker and the schedule; `runner`: its Socket Mode, if any."""

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
        self._unready: list[Check] = [self._database, self._model]
        if works:
            self._dead += [bot.worker.dead, bot.scheduler.dead]
            self._unready += [bot.worker.trouble, bot.scheduler.trouble, self._schedule]
        if runner is not None:
            self._dead.append(runner.dead)
            self._unready.append(lambda: None if runner.connected else "not connected to Slack")

    def dead(self) -> str | None:
        """Return which part has ended, None if all go on."""
        return _first(self._dead)

    def unready(self) -> str | None:
        """Return why no work should come now, None if it may."""
        if self._stopping():
            return "stopping"
        return self.dead() or _first(self._unready)

    def _database(self) -> str | None:
        return self._bot.store.trouble()

    def _model(self) -> str | None:
        """Say so if no workspace has a model that can be used; one damaged model must not stop all others."""
        fault: TierbotError | None = None
        for workspace in self._bot.store.running_ids():
            try:
                self._bot.registry.champion(workspace)
            except TierbotError as found:
                fault = found
            else:
                return None
        if fault is not None:
            _log.warning("No model can be used: %s", fault)
            return "no model can be used"
        return None

    def _schedule(self) -> str | None:
        """Say so if nobody keeps a workspace's schedule: neither this process, which leads, nor another, which it follows."""
        now = self._bot.clock.now()
        for workspace in self._bot.store.running_ids():
            with self._bot.store.read(workspace) as tx:
                lease = tx.leases.get("scheduler")
            if lease is None or lease[1] <= now:
                return "nobody keeps the schedule"
        return None


def _first(checks: list[Check]) -> str | None:
    for check in checks:
        try:
            wrong = check()
        except TierbotError as fault:
            _log.warning("A check failed: %s", fault)
            return "the database cannot be used"
        if wrong:
            return wrong
    return None
