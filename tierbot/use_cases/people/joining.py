"""A workspace that installed the app joins the game: it is set up, and its installer is told the next step."""

import logging
from collections.abc import Callable

from tierbot.domain.nouns import key
from tierbot.domain.tags import TagSpace
from tierbot.use_cases.loop import Loop
from tierbot.use_cases.people.nudges import Nudges
from tierbot.use_cases.ports import Chat, ChatError, Delivery, DeliveryKind, Due, Workspace

log = logging.getLogger(__name__)

JOB = "join"


class Joining:
    """A job of the scheduler's: what `tierbot run` does at its start for the one workspace that it is in."""

    def __init__(self, nudges: Nudges, chats: Callable[[str], Chat], tags: TagSpace) -> None:
        self._nudges = nudges
        self._chats = chats
        self._tags = tags

    def __call__(self, loop: Loop, workspace: str, due: Due) -> None:
        """Set the workspace up or bring it up to date; welcome who installed it, once for each installation."""
        now = loop.clock.now()
        with loop.store.read(workspace) as tx:
            known = tx.workspaces.get()
        name = known.name if known else workspace
        bot = {"bot_user": str(due.request["bot_user"])} if "bot_user" in due.request else {}
        loop.prepare(Workspace(workspace, name, now, bot), self._tags)
        self._nudges.plan(workspace)
        messages = self._welcome(loop, workspace, due) if due.request.get("installer") else []
        with loop.store.begin(workspace) as tx:
            tx.outbox.add(messages)
            if tx.agenda.get(JOB) == due:  # otherwise it was installed once more meanwhile
                tx.agenda.remove(JOB)

    def _welcome(self, loop: Loop, workspace: str, due: Due) -> list[Delivery]:
        installer, now = str(due.request["installer"]), loop.clock.now()
        try:
            channel = self._chats(workspace).direct(installer)
        except ChatError as fault:
            log.info("%s, who installed the app in %s, is not welcomed: %s", installer, workspace, fault)
            return []
        with loop.store.read(workspace) as tx:
            plays_in = loop.channel(tx)
        news = {"kind": "welcome", "channel": plays_in, "bot": str(due.request.get("bot_user", ""))}
        delivery_id = key("welcome", installer, due.request.get("installed_at"))
        return [Delivery(delivery_id, DeliveryKind.ANNOUNCE, channel, news, now, now)]


def bring_up_to_date(loop: Loop) -> None:
    """Let every workspace that runs be set up again: tags may have changed, and events been missed."""
    now = loop.clock.now()
    for workspace in loop.store.running_ids():
        with loop.store.begin(workspace) as tx:
            if tx.agenda.get(JOB) is None:
                tx.agenda.set(Due(JOB, now))
