"""A workspace's own aliases of emoji (`za` for `pizza`) count as the emoji that they stand for."""

import logging
from collections.abc import Callable

from tierbot.use_cases.ports import Chat, ChatError, Clock, Job, Store

log = logging.getLogger(__name__)

JOB = "emoji_aliases"


def read_aliases(store: Store, chats: Callable[[str], Chat], workspace: str, job: Job) -> None:  # noqa: ARG001
    """Read the aliases from Slack, and have the votes that a change affects tallied again.

    Without the scope emoji:read, reactions with an alias have no meaning.
    """
    try:
        aliases = chats(workspace).emoji_aliases()
    except ChatError as fault:
        log.info("The workspace's own emoji aliases cannot be read: %s", fault)
        return
    with store.begin(workspace) as tx:
        changed = {name for name, _ in tx.workspaces.emoji_aliases().items() ^ aliases.items()}
        if changed:
            tx.workspaces.put_emoji_aliases(aliases)
            tx.ledger.untally(changed)


def read_aliases_soon(store: Store, clock: Clock, workspace: str) -> None:
    """Make reading the aliases due now, because the workspace's emoji changed."""
    with store.begin(workspace) as tx:
        tx.agenda.plan(JOB, clock.now())
