"""The sandbox's errors: refusals by Slack's API, and deliveries that the app did not acknowledge."""

from collections.abc import Mapping
from typing import Any, TypeVar

T = TypeVar("T")


class SlackError(Exception):
    """A Web API answer `{"ok": false, "error": code}`."""

    def __init__(self, code: str, *, messages: list[str] | None = None, **extra: Any) -> None:
        super().__init__(code)
        self.code = code
        self.messages = messages or []
        self.extra = extra

    def body(self) -> dict[str, Any]:
        """Return the JSON body that Slack would send."""
        body: dict[str, Any] = {"ok": False, "error": self.code, **self.extra}
        if self.messages:
            body["errors"] = self.messages
            body["response_metadata"] = {"messages": [f"[ERROR] {text}" for text in self.messages]}
        return body


def get_or_refuse(known: Mapping[str, T], key: str, error: str) -> T:
    """Return what is known by `key`. Raises SlackError(error) if there is nothing."""
    if key not in known:
        raise SlackError(error)
    return known[key]


class Undeliverable(Exception):  # noqa: N818  (an outcome, not a bug)
    """The app did not acknowledge an envelope in time. `reason`: Slack's name for why."""

    def __init__(self, reason: str, *, retry: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry = retry
