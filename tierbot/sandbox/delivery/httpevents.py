"""Deliver to the app as signed POSTs to its request URL, as Slack does without Socket Mode."""

import hashlib
import hmac
import json
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from tierbot.sandbox.delivery.faults import Faults
from tierbot.sandbox.delivery.hub import Heard
from tierbot.sandbox.delivery.poster import Answer, Poster, Unanswered
from tierbot.sandbox.kit.clock import Timers
from tierbot.sandbox.kit.errors import Undeliverable


class HttpTransport:
    """Post envelopes to one request URL."""

    def __init__(self, url: str, secret: str, timers: Timers, faults: Faults) -> None:
        self._secret = secret.encode()
        self._timers = timers
        self._faults = faults
        self._poster = Poster(url)

    async def offer(
        self,
        kind: str,
        payload: dict[str, Any],
        *,
        seconds: float,
        attempt: int = 0,
        reason: str = "",
        heard: Heard = lambda: None,
    ) -> Any:
        """Post one envelope and return the body of the 200 answer. Raises Undeliverable.

        `heard` is called as an acknowledgment arrives; if it returns something to wait for, nothing else happens until then.
        """
        response = await self._post(kind, payload, seconds, attempt, reason)
        if response.status == HTTPStatus.OK and (asking := heard()) is not None:
            await asking
        delay = self._faults.ack_delay()
        if delay:
            await self._timers.sleep(min(delay, seconds))
        if delay >= seconds or self._faults.strikes("lost_ack"):
            raise Undeliverable("http_timeout")
        if response.status != HTTPStatus.OK:
            no_retry = response.headers.get("x-slack-no-retry") == "1"
            raise Undeliverable("http_error", retry=not no_retry)
        text = response.content.decode("utf-8", "replace")
        try:
            return json.loads(text) if text else None
        except ValueError:
            return text

    async def _post(self, kind: str, payload: dict[str, Any], seconds: float, attempt: int, reason: str) -> Answer:
        if kind == "events_api":
            body, content_type = json.dumps(payload).encode(), "application/json"
        else:
            form = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
            body, content_type = urlencode(form).encode(), "application/x-www-form-urlencoded"
        timestamp = str(int(self._timers.clock.time()))
        signed = hmac.new(self._secret, f"v0:{timestamp}:".encode() + body, hashlib.sha256)
        headers = {
            "Content-Type": content_type,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": f"v0={signed.hexdigest()}",
        }
        if attempt:
            headers |= {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": reason}
        try:
            return await self._poster.post(headers, body, seconds)
        except TimeoutError:
            raise Undeliverable("http_timeout") from None
        except Unanswered:
            raise Undeliverable("connection_failed") from None

    async def close(self) -> None:
        """Close the connections."""
        await self._poster.close()
