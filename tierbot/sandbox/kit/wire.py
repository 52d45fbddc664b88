"""Parse untrusted JSON: lone surrogates, which can't be encoded in an answer, become question marks."""

import json
from typing import Any


def parse_json(raw: bytes | str) -> Any:
    """Parse JSON. Raises ValueError if it is invalid."""
    text = raw.decode() if isinstance(raw, bytes) else raw
    value = json.loads(text)
    if "\\ud" in text.lower():
        value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    return value
