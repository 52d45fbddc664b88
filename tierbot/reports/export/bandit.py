"""Exports arrays for the Open Bandit Pipeline: context, action, reward, pscore, in one npz without pickles."""

import zipfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from io import BytesIO
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from tierbot.reports.dataset import Row
from tierbot.reports.export.format import ExportFormat, Surroundings

_BATCH = 500
_COPY = 2**20


class _Growing:
    """An array that grows on disk: rows of one shape and type, appended."""

    def __init__(self, file: IO[bytes], dtype: Any, shape: tuple[int, ...] = ()) -> None:
        self._file, self._dtype, self._shape = file, np.dtype(dtype), shape
        self.rows = 0

    def extend(self, rows: Any) -> None:
        array = np.ascontiguousarray(rows, dtype=self._dtype).reshape(-1, *self._shape)
        self._file.write(array.tobytes())
        self.rows += len(array)

    def copy_to(self, target: IO[bytes]) -> None:
        """Write the array as a .npy file."""
        shape = (self.rows, *self._shape)
        about = {"descr": np.lib.format.dtype_to_descr(self._dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(target, about)
        self._file.seek(0)
        while part := self._file.read(_COPY):
            target.write(part)


def _write(rows: Iterable[Row], path: Path, around: Surroundings) -> list[str]:
    tags = [tag.id for tag in around.tags]
    place = {tag: number for number, tag in enumerate(tags)}
    source, unrewarded, unread = iter(rows), 0, 0
    with ExitStack() as stack:

        def growing(dtype: Any, *shape: int) -> _Growing:
            return _Growing(stack.enter_context(TemporaryFile(dir=path.parent)), dtype, shape)

        arrays = {
            "context": growing(np.float32, around.dimension),
            "action": growing(np.int64),
            "reward": growing(np.float64),
            "pscore": growing(np.float64),
            "pi_b": growing(np.float64, len(tags), 1),
            "probabilities": growing(np.float64, len(tags)),
            "weight": growing(np.float64),
            "round": growing(np.int64),
            "post_id": growing("<U32"),  # ids are 16 hex digits
        }
        while part := list(islice(source, _BATCH)):
            rewarded = [row for row in part if row["reward"] is not None]
            vectors = around.embeddings(list({row["article_id"] for row in rewarded}))
            usable = [row for row in rewarded if row["article_id"] in vectors]
            unrewarded += len(part) - len(rewarded)
            unread += len(rewarded) - len(usable)
            for name, values in _columns(usable, place, vectors):
                arrays[name].extend(values)
        _zip(arrays, tags, path)
    notes = [f"{unrewarded} rows have no reward and were left out."] if unrewarded else []
    if unread:
        notes.append(f"{unread} rows were left out: their articles were not embedded by the encoder that is set now.")
    return notes


def _columns(rows: list[Row], place: dict[str, int], vectors: Any) -> Iterator[tuple[str, Any]]:
    if not rows:
        return
    yield "context", np.stack([vectors[row["article_id"]] for row in rows])
    yield "action", [place[row["action"]] for row in rows]
    yield "pi_b", _matrix(rows, "policy_probabilities", place)
    yield "probabilities", _matrix(rows, "probabilities", place)
    for name, column in (("reward", "reward"), ("pscore", "propensity"), ("weight", "weight"), ("round", "round")):
        yield name, [row[column] for row in rows]
    yield "post_id", [row["post_id"] for row in rows]


def _matrix(rows: list[Row], column: str, place: dict[str, int]) -> NDArray[np.float64]:
    found = np.zeros((len(rows), len(place)))
    for number, row in enumerate(rows):
        for tag, value in row[column].items():
            if tag in place:
                found[number, place[tag]] = value
    return found


def _zip(arrays: dict[str, _Growing], tags: list[str], path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as npz:
        for name, array in arrays.items():
            with npz.open(f"{name}.npy", "w", force_zip64=True) as target:
                array.copy_to(target)
        single: dict[str, NDArray[Any]] = {
            "action_names": np.array(tags, dtype=np.str_),
            "n_rounds": np.array(arrays["action"].rows),
            "n_actions": np.array(len(tags)),
        }
        for name, value in single.items():
            data = BytesIO()
            np.save(data, value, allow_pickle=False)
            npz.writestr(f"{name}.npy", data.getvalue())


OPEN_BANDIT = ExportFormat(
    name="obp",
    suffix=".npz",
    about="Arrays named as in the Open Bandit Pipeline's `BanditFeedback` (`numpy.load`, no pickles): `n_rounds`, "
    "`n_actions`; `context` (n, d) float32, the articles' sentence embeddings; `action` (n,), an index into "
    "`action_names`; `reward` (n,) in [0, 1]; `pscore` (n,), the propensity; `pi_b` (n, n_actions, 1), the policy's π. "
    "Beside them `probabilities` (n, n_actions), the model's p; `weight`, `round`, `post_id`. Rows without a reward "
    "are left out.",
    write=_write,
    columns=False,
)
