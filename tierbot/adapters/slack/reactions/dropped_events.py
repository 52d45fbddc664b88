"""Slack drops events beyond 30,000 an hour, and says so once a minute: what was missed is found by reconciliation."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from slack_bolt import App, BoltContext, BoltResponse

_TYPE = "app_rate_limited"  # a request of its own kind, to which no app subscribes
_MINUTE = timedelta(minutes=1)


def register(app: App, missed: Callable[[str, datetime], None]) -> None:
    """Tell `missed` of each workspace whose events were dropped, and when the limited minute ends."""

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
