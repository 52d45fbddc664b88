"""Direct messages to admins and others, sent once each."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tierbot.domain.nouns import TierbotError, key
from tierbot.use_cases.ports import Chat, ChatUnavailableError, Clock, Delivery, DeliveryKind, RateLimitedError

log = logging.getLogger(__name__)

MOST_ADMINS = 10
"""The maximum number of admins who get a message."""


@dataclass(eq=False)
class DirectMessages:
    """Writes messages for the outbox. Calls Slack for channels, so never use it inside a transaction."""

    chats: Callable[[str], Chat]
    admins: Callable[[str], Sequence[str]]  # their user ids; raises TierbotError if Slack refuses
    clock: Clock

    def to_admins(self, workspace: str, news: Mapping[str, Any], *about: object) -> list[Delivery]:
        """Return a message to each admin, or to none if they cannot be listed; see `to`."""
        try:
            admins = list(self.admins(workspace))[:MOST_ADMINS]
        except (RateLimitedError, ChatUnavailableError):
            raise
        except TierbotError as fault:
            log.warning("Slack doesn't list the admins, so nobody gets the message about %s: %s", about[0], fault)
            return []
        return self.to(workspace, admins, news, *about)

    def to(self, workspace: str, users: Sequence[str], news: Mapping[str, Any], *about: object) -> list[Delivery]:
        """Return a message to each user, for the outbox, which sends each once for the same `about` (a natural key).

        Users who can't be messaged are skipped. Raises RateLimitedError or ChatUnavailableError while Slack does not
        answer: the job then fails and is retried.
        """
        now, messages = self.clock.now(), []
        for user in users:
            try:
                channel = self.chats(workspace).direct(user)
            except (RateLimitedError, ChatUnavailableError):
                raise
            except TierbotError as fault:
                log.info("%s can't be sent the message about %s: %s", user, about[0], fault)
                continue
            delivery_id = key(about[0], user, *about[1:])
            messages.append(Delivery(delivery_id, DeliveryKind.ANNOUNCE, channel, news, now, now))
        return messages
