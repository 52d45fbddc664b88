"""A workspace that installed the app joins the game: it is set up, and its installer is told the next step."""

import logging
from collections.abc import Callable

from tierbot.domain.nouns import key
from tierbot.use_cases.delivery.direct_messages import DirectMessages
from tierbot.use_cases.ports import Clock, Delivery, Job, Store, Transaction, Workspace

log = logging.getLogger(__name__)

JOB = "join"


class Joining:
    """A job: what `tierbot run` does at its start for the one workspace that it is in."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        messages: DirectMessages,
        prepare: Callable[[Workspace], None],
        channel: Callable[[Transaction], str],
    ) -> None:
        """`prepare` sets a workspace up or brings it up to date; `channel` returns the one it plays in."""
        self._store = store
        self._clock = clock
        self._messages = messages
        self._prepare = prepare
        self._channel = channel

    def __call__(self, workspace: str, job: Job) -> None:
        """Set the workspace up; welcome who installed it, once for each installation."""
        with self._store.read(workspace) as tx:
            known = tx.workspaces.get()
        name = known.name if known else workspace
        bot_user = job.payload.get("bot_user")
        self._prepare(Workspace(workspace, name, self._clock.now(), bot_user=str(bot_user) if bot_user else None))
        messages = self._welcome(workspace, job) if job.payload.get("installer") else []
        with self._store.begin(workspace) as tx:
            tx.outbox.add(messages)

    def _welcome(self, workspace: str, job: Job) -> list[Delivery]:
        with self._store.read(workspace) as tx:
            channel = self._channel(tx)
        news = {"kind": "welcome", "channel": channel, "bot": str(job.payload.get("bot_user", ""))}
        installer = str(job.payload["installer"])
        return self._messages.to(workspace, [installer], news, "welcome", job.payload.get("installed_at"))


def bring_up_to_date(store: Store, clock: Clock) -> None:
    """Let every workspace that runs be set up again: tags may have changed, and events been missed."""
    now = clock.now()
    for workspace in store.running_ids():
        try:
            with store.begin(workspace) as tx:
                if not any(job.kind == JOB for job in tx.agenda.all()):
                    tx.agenda.ask(Job.request(JOB, key(JOB, "start", now), now))
        except Exception:  # whatever is wrong in one workspace, the others start
            log.exception("%s cannot be brought up to date", workspace)
