"""The names of integer labels: a Parquet file's own (`ClassLabel` of Hugging Face's datasets), or a list in a file."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tierbot.domain.nouns import TierbotError


def class_names(about: bytes | None) -> dict[str, tuple[str, ...]]:
    """Return the names of each column of class labels, from the metadata that Hugging Face's datasets writes into Parquet."""
    try:
        features = json.loads(about or b"{}")["info"]["features"]
        columns = {name: _names(feature) for name, feature in features.items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        return {}  # none, or another program's metadata
    return {name: names for name, names in columns.items() if names}


def _names(feature: Any) -> tuple[str, ...]:
    if isinstance(feature, list):  # how older versions write a list of …
        feature = feature[0]
    inner = feature.get("feature")
    return tuple(map(str, feature.get("names") or ())) if inner is None else _names(inner)


def named(value: Any, names: Sequence[str]) -> Any:
    """Return a class label, or a list of them, by name; -1, which means no label, as None."""
    if isinstance(value, list):
        return [named(one, names) for one in value]
    if not names or not isinstance(value, int):
        return value
    return names[value] if 0 <= value < len(names) else None if value == -1 else value


def read_names(path: Path) -> Mapping[str, str]:
    """Read the names of integer labels, as number → name.

    A file has one name per line, from 0, or JSON: a list, an object {"0": name}, or a model's config.json with `id2label`.
    Raises TierbotError for another file.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        found = json.loads(text) if text.lstrip().startswith(("{", "[")) else text.splitlines()
    except (OSError, ValueError, RecursionError) as fault:
        raise TierbotError(
            f"{path}: cannot be read ({str(fault)[:120]}). Give a file with one name per line."
        ) from fault
    if isinstance(found, dict):
        found = found.get("id2label", found)
    if isinstance(found, list):
        found = {str(number): name for number, name in enumerate(found)}
    if not isinstance(found, dict) or not all(isinstance(name, str) and key.isdecimal() for key, name in found.items()):
        raise TierbotError(f'{path}: has no names of labels. Write one per line, or JSON such as {{"0": "law"}}.')
    return {key: name.strip() for key, name in found.items() if name.strip()}
