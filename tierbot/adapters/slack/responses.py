"""Answers through a response URL: with a time limit, and without raising if Slack doesn't accept them.

Bolt's own `respond` waits 30 seconds and raises. A few dead URLs would then hold every listener thread, and a command in a
workspace without the app would end in a server error.
"""

import logging
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPException
from typing import Any

from slack_bolt import BoltRequest, BoltResponse, Respond
from slack_bolt.middleware import Middleware
from slack_sdk.webhook import WebhookClient, WebhookResponse

from tierbot.adapters.slack.block_kit.text import clean

_log = logging.getLogger(__name__)
_TIMEOUT = 2  # seconds; Bolt answers "not installed" before it acknowledges, for which Slack waits three


class LimitedRespond(Respond):
    """Bolt's `respond()`, within two seconds. Logs a failed delivery, which also shows in the response's status."""

    def __call__(self, text: str | dict[str, Any] = "", *_: Any, **arguments: Any) -> WebhookResponse:
        """Send an answer: a text, and what `WebhookClient.send` takes. The status is 504 without an answer or a URL."""
        url = self.response_url or ""
        try:
            response = WebhookClient(url, timeout=_TIMEOUT).send(text=str(text), **arguments)
        except (OSError, HTTPException, ValueError) as fault:  # no answer, or no URL
            response = WebhookResponse(
                url=url, status_code=HTTPStatus.GATEWAY_TIMEOUT, body=clean(str(fault), 200), headers={}
            )
        if response.status_code != HTTPStatus.OK:
            _log.warning("An answer was not delivered: %s %s", response.status_code, clean(response.body, 200))
        return response


class LimitResponses(Middleware):
    """Gives a request's listeners the limited `respond`, unless the request brought its own."""

    def process(self, *, req: BoltRequest, resp: BoltResponse, next: Callable[[], BoltResponse]) -> BoltResponse:  # noqa: A002, ARG002 - Bolt's
        """Set it before Bolt sets its own."""
        req.context.setdefault("respond", LimitedRespond(response_url=req.context.response_url))
        return next()
