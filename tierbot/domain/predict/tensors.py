"""Stores models, rows and jobs as safetensors, which never run code, with a JSON description and a checksum."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from tierbot.domain.nouns import TierbotError


class ModelFileError(TierbotError):
    """A file of a model or rows that is damaged, has another format, or was made for another encoder."""


def read_tensors(data: bytes, name: str, expected: str) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read what `write_tensors` wrote. Raises ModelFileError, naming the file, if it is damaged or another format."""
    remedy = "Restore the file from a backup, or reinstall; `tierbot models rollback` returns to the previous model."
    try:
        arrays = load(data)
        size = int.from_bytes(data[:8], "little")
        note = json.loads(json.loads(data[8 : 8 + size])["__metadata__"]["tierbot"])
        about, checksum = note["about"], note["sha256"]
        intact = _checksum(arrays, about) == checksum
    except (SafetensorError, KeyError, TypeError, ValueError) as fault:
        raise ModelFileError(f"{name} is damaged: it can't be read as safetensors. {remedy}") from fault
    if not isinstance(about, dict) or about.get("format") != expected:
        raise ModelFileError(f"{name} doesn't have the format {expected}. {remedy}")
    if not intact:
        raise ModelFileError(f"{name} is damaged: its checksum doesn't match. {remedy}")
    return arrays, about


def write_tensors(arrays: Mapping[str, NDArray[Any]], about: Mapping[str, Any]) -> bytes:
    """Return arrays as safetensors, with a JSON description (which needs the key "format") and a checksum."""
    kept = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    # a single entry, because safetensors writes several in random order, and equal models must have equal bytes
    note = json.dumps({"about": dict(about), "sha256": _checksum(kept, about)}, sort_keys=True)
    return save(kept, metadata={"tierbot": note})


def _checksum(arrays: Mapping[str, NDArray[Any]], about: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(dict(about), sort_keys=True).encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name}:{array.dtype.str}:{array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
