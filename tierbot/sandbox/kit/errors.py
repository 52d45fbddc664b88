"""The two ways in which the sandbox says no: as Slack's API does, and to whoever drives it."""

from typing import Any


class SlackError(Exception):
    """An answer `{"ok": false, "error": code}` of the Web API."""

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


class Undeliverable(Exception):  # noqa: N818  (it is an outcome, not a fault of the program)
    """The app did not take an envelope in time; `reason` is what Slack calls it."""

    def __init__(self, reason: str, *, retry: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry = retry
