"""A tag's emoji that the workspace deleted: its posts go on without it, and the admins are told once."""

import logging
from collections.abc import Callable, Sequence

from tierbot.domain.nouns import TierbotError, key
from tierbot.use_cases.delivery.dispatch import EMOJI_MISSING
from tierbot.use_cases.loop import Loop
from tierbot.use_cases.ports import Chat, ChatUnavailableError, Delivery, DeliveryKind, Due, RateLimitedError

log = logging.getLogger(__name__)

_MOST_TOLD = 10


class MissingEmoji:
    """A job of the scheduler's; the outbox puts it on the agenda when Slack knows an emoji no more."""

    def __init__(self, chats: Callable[[str], Chat], admins: Callable[[str], Sequence[str]]) -> None:
        """`admins` lists the user ids to tell in a workspace."""
        self._chats = chats
        self._admins = admins

    def __call__(self, loop: Loop, workspace: str, due: Due) -> None:
        """Tell the admins; a busy Slack ends the job, which is done again."""
        now, names = loop.clock.now(), sorted(due.request.get("names", ()))
        with loop.store.read(workspace) as tx:
            tags = {tag.short_name: tag.name for tag in tx.workspaces.tags()}
        missing = [{"emoji": name, "tag": tags.get(name, name)} for name in names]
        news = {"kind": "emoji_missing", "missing": missing}
        messages = [
            Delivery(key("emoji missing", user, *names, now.date()), DeliveryKind.ANNOUNCE, channel, news, now, now)
            for user, channel in self._places(workspace)
        ]
        with loop.store.begin(workspace) as tx:
            tx.outbox.add(messages)
            if tx.agenda.get(EMOJI_MISSING) == due:  # otherwise another one went missing meanwhile
                tx.agenda.remove(EMOJI_MISSING)

    def _places(self, workspace: str) -> list[tuple[str, str]]:
        found = []
        for user in list(self._admins(workspace))[:_MOST_TOLD]:
            try:
                found.append((user, self._chats(workspace).direct(user)))
            except (RateLimitedError, ChatUnavailableError):
                raise
            except TierbotError as fault:
                log.info("%s cannot be told that an emoji is missing: %s", user, fault)
        return found
