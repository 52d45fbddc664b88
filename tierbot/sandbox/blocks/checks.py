"""Check single fields of Block Kit: presence, length, type. Findings carry a JSON pointer, as Slack's do."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

MAX_URL = 3000


def kind_of(item: dict[str, Any]) -> str:
    """Return an object's `type`, or "" if it isn't a string."""
    kind = item.get("type")
    return kind if isinstance(kind, str) else ""


class Findings:
    """The errors found so far, and the block ids seen."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.block_ids: set[str] = set()

    def add(self, text: str, where: str) -> None:
        """Add one finding."""
        self.messages.append(f"{text} [json-pointer:{where}]")

    def require(self, item: dict[str, Any], key: str, where: str) -> None:
        """Check that a field is present."""
        if key not in item:
            self.add(f"missing required field: {key}", where)

    def unknown(self, item: dict[str, Any], allowed: Iterable[str], where: str) -> None:
        """Reject fields unknown to Slack."""
        for key in sorted(set(item) - set(allowed)):
            self.add(f"no more than the allowed properties are supported: {key}", where)

    def string(self, item: dict[str, Any], key: str, where: str, *, longest: int, required: bool = False) -> str | None:
        """Check a string of up to `longest` characters."""
        value = item.get(key)
        if value is None:
            if required:
                self.add(f"missing required field: {key}", where)
            return None
        if not isinstance(value, str):
            self.add("must be a string", f"{where}/{key}")
            return None
        if len(value) > longest:
            self.add(f"must be less than {longest + 1} characters", f"{where}/{key}")
        if required and not value:
            self.add("must be more than 0 characters", f"{where}/{key}")
        return value

    def url(self, item: dict[str, Any], key: str, where: str, *, required: bool = False) -> None:
        """Check an http(s) URL."""
        value = self.string(item, key, where, longest=MAX_URL, required=required)
        if not value:
            return
        try:
            parts = urlsplit(value)
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in {"http", "https"} or not parts.netloc or any(c.isspace() for c in value):
            self.add("must be a valid http or https url", f"{where}/{key}")

    def array(self, item: dict[str, Any], key: str, where: str, *, most: int, least: int = 1) -> list[Any] | None:
        """Check a list of `least` to `most` items and return it, or None if it is missing or not a list."""
        value = item.get(key)
        if value is None:
            return None
        if not isinstance(value, list):
            self.add("must be an array", f"{where}/{key}")
            return None
        if len(value) > most:
            self.add(f"no more than {most} items allowed", f"{where}/{key}")
        if len(value) < least:
            self.add(f"no fewer than {least} items required", f"{where}/{key}")
        return value

    def text(
        self,
        item: dict[str, Any],
        key: str,
        where: str,
        *,
        longest: int,
        kinds: tuple[str, ...] = ("plain_text", "mrkdwn"),
        required: bool = False,
    ) -> None:
        """Check a text object."""
        value = item.get(key)
        if value is None:
            if required:
                self.add(f"missing required field: {key}", where)
            return
        self.text_object(value, f"{where}/{key}", longest=longest, kinds=kinds)

    def text_object(
        self, value: Any, where: str, *, longest: int, kinds: tuple[str, ...] = ("plain_text", "mrkdwn")
    ) -> None:
        """Check a text object's own fields."""
        if not isinstance(value, dict):
            self.add("must be an object", where)
            return
        kind = value.get("type")
        if kind not in kinds:
            self.add(f"must be one of: {', '.join(kinds)}", f"{where}/type")
            return
        allowed = {"type", "text", "emoji"} if kind == "plain_text" else {"type", "text", "verbatim"}
        self.unknown(value, allowed, where)
        self.string(value, "text", where, longest=longest, required=True)

    def claim_block_id(self, block: dict[str, Any], where: str) -> None:
        """Check a block id and that it is unique."""
        value = self.string(block, "block_id", where, longest=255)
        if value is None:
            return
        if value in self.block_ids:
            self.add(f"`block_id` already exists: {value}", f"{where}/block_id")
        self.block_ids.add(value)
