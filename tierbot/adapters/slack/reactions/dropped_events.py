"""Listens for Slack's notice, once a minute, that it drops events beyond 30,000 an hour; reconciliation finds them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from slack_bolt import App, BoltContext, BoltResponse

_TYPE = "app_rate_limited"  # a separate kind of request; apps get it without subscribing
_MINUTE = timedelta(minutes=1)


def register(app: App, missed: Callable[[str, datetime], None]) -> None:
    """Call `missed` with each workspace whose events were dropped, and with the end of the limited minute."""

    def limited(body: dict[str, Any], context: BoltContext, next: Callable[[], Any]) -> BoltResponse | None:  # noqa: A002 - Bolt injects by name
        if body.get("type") != _TYPE:
            next()
            return None
        try:
            began = datetime.fromtimestamp(int(body["minute_rate_limited"]), UTC)
        except (KeyError, TypeError, ValueError, OverflowError, OSError):
            return BoltResponse(status=200, body="")  # not as Slack sends it
        missed(str(context.team_id), began + _MINUTE)
        return BoltResponse(status=200, body="")

    app.middleware(limited)
