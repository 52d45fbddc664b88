"""Counts every 429 of Slack's Web API; the callers handle it."""

from slack_sdk.http_retry import HttpRequest, HttpResponse, RetryHandler, RetryState

from tierbot.use_cases.ports import Meter

_TOO_MANY = 429


class RateLimitWatch(RetryHandler):
    """The SDK's hook for failed requests; it reports to the meter and never retries."""

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
        """Report a 429 and return False."""
        if response is not None and response.status_code == _TOO_MANY:
            self._meter.rate_limited(request.url.partition("?")[0].rpartition("/")[2])
        return False
