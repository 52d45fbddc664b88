"""What happens when a listener raises: people get a sentence, the log gets the rest."""

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from slack_bolt import App, BoltContext, BoltResponse, Respond
from slack_bolt.error import BoltUnhandledRequestError

from tierbot.adapters.slack.block_kit.text import clean, mrkdwn
from tierbot.domain.nouns import TierbotError

_log = logging.getLogger(__name__)
_LONGEST = 2500
WENT_WRONG = "Something went wrong on my side"
"""How an answer begins that tells of a fault nobody foresaw."""


def register(app: App) -> None:
    """Make this the app's one error handler. The response's status stays as Bolt set it: 500 is not acknowledged."""

    def handle(error: Exception, context: BoltContext, body: dict[str, Any]) -> BoltResponse | None:
        if isinstance(error, BoltUnhandledRequestError):
            return _nobody_listens(body)
        say = told(error, _about(body))
        _try_to_tell(context.respond, say)
        return None

    app.error(handle)


@contextmanager
def explained(respond: Respond | None, about: str) -> Iterator[None]:
    """Tell the person who asked of whatever the block raises; it goes no further.

    For what follows an ack(): a listener that raises right behind it can take the ack back, since Bolt then clears
    it before the waiting thread has looked. Events are acknowledged by Bolt itself, and need no such block. Without
    a response url (as in App Home) the fault is logged only.
    """
    try:
        yield
    except Exception as fault:  # noqa: BLE001 - told to the person, and to the log where nobody foresaw it
        _try_to_tell(respond, told(fault, about))


def _nobody_listens(body: dict[str, Any]) -> BoltResponse:
    # Acknowledged all the same: Slack delivers what is not four times, and disables an app that fails often.
    _log.info("%s: nobody listens to it; acknowledged.", _about(body))
    return BoltResponse(status=200, body="I do not know this command (any more)." if body.get("command") else "")


def told(error: Exception, about: str) -> str:
    """Return what the person who asked is told (mrkdwn), and log what they are not."""
    if isinstance(error, UnknownWordError):
        return str(error)  # written in mrkdwn, by us
    if isinstance(error, TierbotError):
        _log.warning("%s: %s", about, error)
        return mrkdwn(clean(str(error), _LONGEST))
    number = secrets.token_hex(4)
    _log.error("Fault %s in %s", number, about, exc_info=error)
    return (
        f"{WENT_WRONG}, and nothing of yours is lost. Please try again; if it stays, tell an admin "
        f"the number `{number}`: the log has the details under it."
    )


def _about(body: dict[str, Any]) -> str:
    event = body.get("event")
    kind = event.get("type") if isinstance(event, dict) else None
    return clean(str(body.get("command") or kind or body.get("type") or "a request"), 60)


def _try_to_tell(respond: Respond | None, say: str) -> None:
    if respond is None or not respond.response_url:
        return
    try:
        respond(text=say, response_type="ephemeral", replace_original=False)
    except Exception:  # noqa: BLE001 - the original fault is logged; a dead response url must not hide it
        _log.exception("The answer could not be delivered.")


class UnknownWordError(TierbotError):
    """A command that was not understood; the text lists what is possible."""
