"""Errors in listeners: the person gets a sentence, the log gets the details."""

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from slack_bolt import App, BoltContext, BoltResponse, Respond
from slack_bolt.error import BoltUnhandledRequestError

from tierbot.adapters.slack.block_kit.text import clean, safe
from tierbot.domain.nouns import TierbotError

_log = logging.getLogger(__name__)
_LONGEST = 2500
WENT_WRONG = "Something went wrong on my side"
"""The start of every answer about an unexpected error."""


def register(app: App) -> None:
    """Register the app's error handler. It keeps Bolt's response status: 500 doesn't acknowledge."""

    def handle(error: Exception, context: BoltContext, body: dict[str, Any]) -> BoltResponse | None:
        if isinstance(error, BoltUnhandledRequestError):
            # Acknowledge it: Slack would deliver it four times, and disables an app that fails often.
            _log.info("%s: no listener; acknowledged.", _about(body))
            return BoltResponse(status=200, body="I don't know this command." if body.get("command") else "")
        _reply(context.respond, describe(error, _about(body)))
        return None

    app.error(handle)


@contextmanager
def reported(respond: Respond | None, about: str) -> Iterator[None]:
    """Report any exception in the block to the person who asked, and suppress it.

    Use it after every ack(): if a listener raises right after, Bolt can clear the ack before the waiting thread reads
    it. Events don't need it, since Bolt acknowledges them. Without a response URL (as in App Home) it only logs.
    """
    try:
        yield
    except Exception as fault:  # noqa: BLE001 - reported to the person and, if unexpected, in the log
        _reply(respond, describe(fault, about))


def describe(error: Exception, about: str) -> str:
    """Return an error as mrkdwn for the person who asked, and log its details."""
    if isinstance(error, UnknownWordError):
        return str(error)  # already mrkdwn
    if isinstance(error, TierbotError):
        _log.warning("%s: %s", about, error)
        return literal(error)
    number = secrets.token_hex(4)
    _log.error("Fault %s in %s", number, about, exc_info=error)
    return (
        f"{WENT_WRONG}, but nothing was lost. Please try again. If it happens again, give an admin the number "
        f"`{number}` to look up in the log."
    )


def literal(error: TierbotError) -> str:
    """Return an error's text, shortened, as literal mrkdwn."""
    return safe(error, _LONGEST)


def _about(body: dict[str, Any]) -> str:
    event = body.get("event")
    kind = event.get("type") if isinstance(event, dict) else None
    return clean(str(body.get("command") or kind or body.get("type") or "a request"), 60)


def _reply(respond: Respond | None, text: str) -> None:
    if respond is None or not respond.response_url:
        return
    respond(text=text, response_type="ephemeral", replace_original=False)


class UnknownWordError(TierbotError):
    """A command that could not be parsed; the text (mrkdwn) lists the valid ones."""
