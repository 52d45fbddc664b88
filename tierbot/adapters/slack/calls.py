"""Calls to Slack's Web API, made once each. Its errors become the three that the outbox handles, each with a remedy."""

import logging
from collections.abc import Callable, Iterator
from http.client import HTTPException
from itertools import islice
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry import HttpRequest, HttpResponse, RetryHandler, RetryState
from slack_sdk.web import SlackResponse

from tierbot.use_cases.ports import ChatError, ChatUnavailableError, Meter, RateLimitedError

_TIMEOUT = 15  # seconds
_PAGE = 200  # entries per page, as Slack recommends
_DEFAULT_WAIT = 30.0  # seconds; a 429 without a readable Retry-After
_LONGEST_WAIT = 3600.0
_TOO_MANY, _SERVER_FAULT = 429, 500
_RATE_LIMITED = frozenset({"ratelimited", "rate_limited"})
_TEMPORARY = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"})
_REMEDIES = {
    "invalid_auth": "Check SLACK_BOT_TOKEN: copy the bot token (xoxb-…) again from the app's page.",
    "not_authed": "Set SLACK_BOT_TOKEN to the bot token (xoxb-…) from the app's page.",
    "not_allowed_token_type": "SLACK_BOT_TOKEN takes a bot token (xoxb-…), SLACK_APP_TOKEN an app-level one (xapp-…).",
    "token_revoked": "Install the app again and set SLACK_BOT_TOKEN to the new token.",
    "token_expired": "Install the app again and set SLACK_BOT_TOKEN to the new token.",
    "account_inactive": "Install the app again: it was removed from the workspace.",
    "channel_not_found": "Check the channel's id. If the channel is private, invite the bot first: /invite @ and its name.",
    "not_in_channel": "Invite the bot to that channel: /invite @ and its name.",
    "is_archived": "Unarchive the channel or choose another.",
    "restricted_action": "A workspace setting stops the bot from posting there; ask a workspace admin.",
    "invalid_name": "The workspace has no such emoji; add it or give the tag another.",
    "too_many_emoji": "The message already has as many different emoji as Slack allows.",
    "too_many_reactions": "The message already has as many reactions by the bot as Slack allows.",
    "message_not_found": "The message was deleted.",
    "msg_too_long": "The message is too long. This is a bug in tierbot; please report it.",
    "invalid_blocks": "Slack refused the message's blocks. This is a bug in tierbot; please report it.",
}


APP_TOKEN_REMEDIES = {
    "missing_scope": "Generate a new one with the scope connections:write, and set SLACK_APP_TOKEN to it.",
    "internal_error": "Check that Socket Mode is on: api.slack.com/apps → your app → Socket Mode.",
}
NEW_APP_TOKEN = "Generate one at Basic Information → App-Level Tokens and set SLACK_APP_TOKEN to it."  # noqa: S105


def _not_said_twice(record: logging.LogRecord) -> bool:
    """Keep the SDK from logging a call without an answer as an error: `call` raises ChatUnavailableError."""
    return not str(record.msg).startswith("Failed to send a request to Slack API server")


logging.getLogger("slack_sdk.web.base_client").addFilter(_not_said_twice)


class _RateLimitWatch(RetryHandler):
    """The SDK's hook for failed requests; it reports each 429 to the meter and never retries."""

    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self._meter = meter

    def can_retry(
        self,
        *,
        state: RetryState,  # noqa: ARG002 - the SDK's signature
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,  # noqa: ARG002
    ) -> bool:
        if response is not None and response.status_code == _TOO_MANY:
            self._meter.rate_limited(request.url.partition("?")[0].rpartition("/")[2])
        return False


def web_client(token: str | None, base_url: str, meter: Meter | None = None, timeout: int = _TIMEOUT) -> WebClient:
    """Return a client that tries each call once: the SDK's own retries sleep and could post twice."""
    handlers: list[RetryHandler] = [_RateLimitWatch(meter)] if meter else []
    return WebClient(token=token, base_url=base_url.rstrip("/") + "/", timeout=timeout, retry_handlers=handlers)


def call(request: Callable[..., SlackResponse], **arguments: Any) -> SlackResponse:
    """Call a method of the SDK's client once, without sleeping or retrying, and translate its errors.

    Raises RateLimitedError (with the seconds to wait), ChatUnavailableError (no answer or a 5xx: the call may have
    taken effect) or ChatError (refused permanently).
    """
    method = request.__name__.replace("_", ".")  # chat_postMessage calls chat.postMessage
    try:
        return request(**arguments)
    except SlackApiError as fault:
        raise _refusal(method, fault) from fault
    # slack_sdk raises AttributeError for an answer that is JSON but not an object.
    except (OSError, HTTPException, ValueError, LookupError, AttributeError, SlackClientError) as fault:
        raise ChatUnavailableError(
            f"{method}: no usable answer from Slack ({type(fault).__name__}: {fault})."
        ) from fault


def _refusal(method: str, fault: SlackApiError) -> ChatError | RateLimitedError | ChatUnavailableError:
    response: Any = fault.response
    status = int(getattr(response, "status_code", 0) or 0)
    data = getattr(response, "data", None)
    code = str(data.get("error") or "no_error_given") if isinstance(data, dict) else "no_json"
    if status == _TOO_MANY or code in _RATE_LIMITED:
        return RateLimitedError(method, _retry_after(getattr(response, "headers", {}) or {}))
    if status >= _SERVER_FAULT or code in _TEMPORARY or " " in code or code == "no_json":
        return ChatUnavailableError(f"{method}: Slack failed ({status} {code[:80]}).")
    return ChatError(code, _explained(method, code, data if isinstance(data, dict) else {}))


def _explained(method: str, code: str, data: dict[str, Any]) -> str:
    if method == "apps.connections.open":  # the only method that takes the app token
        remedy = f"This is about SLACK_APP_TOKEN. {APP_TOKEN_REMEDIES.get(code, NEW_APP_TOKEN)}"
    elif code == "missing_scope":
        remedy = f"Add the scope {data.get('needed', '')} to the app and install it again.".replace("  ", " ")
    else:
        remedy = _REMEDIES.get(code, f"See https://docs.slack.dev/reference/methods/{method} for this error.")
    details = (data.get("response_metadata") or {}).get("messages") or data.get("errors") or []
    said = f" ({'; '.join(map(str, details))[:300]})" if details else ""
    return f"{method}: Slack answered {code}{said}. {remedy}"


def _retry_after(headers: Any) -> float:
    lowered = {str(name).lower(): value for name, value in dict(headers).items()}
    try:
        seconds = float(lowered.get("retry-after", _DEFAULT_WAIT))
    except (TypeError, ValueError):
        return _DEFAULT_WAIT
    return min(max(seconds, 1.0), _LONGEST_WAIT)


def page_of(request: Callable[..., SlackResponse], **arguments: Any) -> SlackResponse:
    """Return one page of a list. Raises what `call` raises."""
    return call(request, limit=_PAGE, **arguments)


def next_cursor(page: SlackResponse) -> str:
    """Return Slack's cursor for the page after this one, empty if this is the last."""
    return (page.get("response_metadata") or {}).get("next_cursor") or ""


def pages(request: Callable[..., SlackResponse], **arguments: Any) -> Iterator[SlackResponse]:
    """Yield the pages of a list, following Slack's cursor to the end. Raises what `call` raises."""
    cursor = ""
    while True:
        page = page_of(request, **arguments, **({"cursor": cursor} if cursor else {}))
        yield page
        following = next_cursor(page)
        if following in {"", cursor}:
            return
        cursor = following


def entries(request: Callable[..., SlackResponse], field: str, most_pages: int, **arguments: Any) -> list[Any]:
    """Return the entries under `field` of the first `most_pages` pages. Raises what `call` raises."""
    return [one for page in islice(pages(request, **arguments), most_pages) for one in page.get(field) or []]
