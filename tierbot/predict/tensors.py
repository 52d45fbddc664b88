"""Arrays with a JSON description and a checksum, as safetensors: how models, rows and jobs are kept.

safetensors can hold nothing that runs when it is read, and the checksum finds the bytes that it would not.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from tierbot.domain import TierbotError


class ModelFileError(TierbotError):
    """A model's (or rows') bytes that are damaged, of another format, or made for another encoder."""


def read_tensors(data: bytes, name: str, expected: str) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read arrays and their JSON description from safetensors that `write_tensors` or a classifier wrote.

    Raises ModelFileError, naming the file, if it is damaged, cut short or not of the `expected` format.
    """
    remedy = "Restore the file from a backup or reinstall; `tierbot models rollback` returns to the former model."
    try:
        arrays = load(data)
        size = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + size])["__metadata__"]
        about = json.loads(header["about"])
        checksum = header["sha256"]
    except (SafetensorError, KeyError, TypeError, ValueError) as fault:
        raise ModelFileError(f"{name} is damaged: it cannot be read as safetensors. {remedy}") from fault
    if not isinstance(about, dict) or about.get("format") != expected:
        raise ModelFileError(f"{name} is not of the format {expected}. {remedy}")
    if _checksum(arrays) != checksum:
        raise ModelFileError(f"{name} is damaged: its checksum does not match. {remedy}")
    return arrays, about


def write_tensors(arrays: Mapping[str, NDArray[Any]], about: Mapping[str, Any]) -> bytes:
    """Return arrays as safetensors with a JSON description (its key "format" is required) and a checksum."""
    kept = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    return save(kept, metadata={"about": json.dumps(dict(about), sort_keys=True), "sha256": _checksum(kept)})


def _checksum(arrays: Mapping[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name}:{array.dtype.str}:{array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
