"""Read the arguments of a Web API call, and raise Slack's errors for bad ones."""

import json
from typing import Any, TypeVar

from tierbot.sandbox.kit.errors import SlackError

T = TypeVar("T")

_MAX_PAGE = 1000


def parse_json(raw: bytes | str) -> Any:
    """Parse untrusted JSON. Lone surrogates, which an answer can't contain, become question marks. Raises ValueError."""
    text = raw.decode() if isinstance(raw, bytes) else raw
    value = json.loads(text)
    if "\\ud" in text.lower():
        value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    return value


class Args:
    """The arguments of one call, whether they came as form fields or as JSON."""

    def __init__(self, values: dict[str, Any], *, token: str = "") -> None:
        self._values = values
        self.token = token

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None

    def text(self, name: str, default: str = "") -> str:
        """Return a string argument."""
        value = self._values.get(name)
        return default if value is None else str(value)

    def need(self, name: str, error: str = "invalid_arguments") -> str:
        """Return a required string argument. Raises SlackError(error) if it is missing or empty."""
        value = self.text(name)
        if not value:
            raise SlackError(error, messages=[f"missing required field: {name}"])
        return value

    def flag(self, name: str) -> bool:
        """Return a boolean argument, by default False."""
        return self.text(name).lower() in {"1", "true", "yes"}

    def integer(self, name: str, default: int = 0) -> int:
        """Return an integer argument."""
        try:
            return int(self.text(name) or default)
        except ValueError:
            raise SlackError("invalid_arguments", messages=[f"{name} must be an integer"]) from None

    def json(self, name: str, error: str = "invalid_arguments") -> Any:
        """Return a structured argument, parsed if it came as a string; `None` when absent or empty."""
        value = self._values.get(name)
        if isinstance(value, str):
            if not value.strip():
                return None
            try:
                return parse_json(value)
            except ValueError:
                raise SlackError(error, messages=[f"{name} is not valid JSON"]) from None
        return value

    def names(self, name: str) -> list[str]:
        """Return a comma-separated argument as a list."""
        value = self._values.get(name)
        if isinstance(value, list):
            return [str(item) for item in value]
        return [item.strip() for item in self.text(name).split(",") if item.strip()]

    def page(self, items: list[T], most: int = _MAX_PAGE) -> tuple[list[T], str]:
        """Return the page selected by `cursor` and `limit`, and the next cursor ("" on the last page).

        most: the most objects on a page, whatever `limit` asks for.
        """
        limit = self.integer("limit", 100)
        if not 1 <= limit <= _MAX_PAGE:
            raise SlackError("invalid_limit")
        limit = min(limit, most)
        cursor = self.text("cursor")
        start = 0
        if cursor:
            prefix, _, number = cursor.partition("-")
            if prefix != "next" or not number.isdigit():
                raise SlackError("invalid_cursor")
            start = int(number)
        more = start + limit < len(items)
        return items[start : start + limit], f"next-{start + limit}" if more else ""
