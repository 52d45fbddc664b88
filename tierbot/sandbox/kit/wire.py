"""Reads JSON from strangers: half a surrogate pair, which no answer could carry, becomes a question mark."""

import json
from typing import Any


def parse_json(raw: bytes | str) -> Any:
    """Parse JSON; raise `ValueError` if it is none."""
    text = raw.decode() if isinstance(raw, bytes) else raw
    value = json.loads(text)
    if "\\ud" in text.lower():
        value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    return value
