"""A workspace's own aliases of emoji (`za` for `pizza`) count as the emoji that they stand for."""

import logging
from collections.abc import Callable

from tierbot.use_cases.ports import Chat, ChatError, Clock, Job, Store

log = logging.getLogger(__name__)

JOB = "emoji_aliases"


class EmojiAliases:
    """A job: reads the aliases from Slack, and has the votes derived again that a change concerns."""

    def __init__(self, store: Store, chats: Callable[[str], Chat]) -> None:
        self._store = store
        self._chats = chats

    def __call__(self, workspace: str, job: Job) -> None:  # noqa: ARG002 - jobs share one signature
        """Read them; without the scope emoji:read, reactions by alias stay without a meaning."""
        try:
            aliases = self._chats(workspace).emoji_aliases()
        except ChatError as fault:
            log.info("The workspace's own emoji aliases cannot be read: %s", fault)
            return
        with self._store.begin(workspace) as tx:
            before = tx.workspaces.emoji_aliases()
            changed = {name for name, _ in before.items() ^ aliases.items()}
            if changed:
                tx.workspaces.put_emoji_aliases(aliases)
                tx.ledger.untally(changed)


def read_aliases_soon(store: Store, clock: Clock, workspace: str) -> None:
    """Make a reading due now: somebody changed the workspace's emoji."""
    with store.begin(workspace) as tx:
        tx.agenda.plan(JOB, clock.now())
