"""Export arrays for the Open Bandit Pipeline (context, action, reward, pscore) as one npz without pickles."""

import zipfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from io import BytesIO
from itertools import islice
from operator import itemgetter
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
    """An array of fixed row shape and type that grows on disk."""

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
    vectors: Mapping[str, Any] = {}
    columns: dict[str, tuple[Any, tuple[int, ...], Callable[[Row], Any]]] = {  # type, shape and value of an element
        "context": (np.float32, (around.dimension,), lambda row: vectors[row["article_id"]]),
        "action": (np.int64, (), lambda row: tags.index(row["action"])),
        "reward": (np.float64, (), itemgetter("reward")),
        "pscore": (np.float64, (), itemgetter("propensity")),
        "pi_b": (np.float64, (len(tags), 1), lambda row: [row["policy_probabilities"].get(tag, 0.0) for tag in tags]),
        "probabilities": (np.float64, (len(tags),), lambda row: [row["probabilities"].get(tag, 0.0) for tag in tags]),
        "weight": (np.float64, (), itemgetter("weight")),
        "round": (np.int64, (), itemgetter("round")),
        "post_id": ("<U32", (), itemgetter("post_id")),  # ids are 16 hex digits
    }
    source, unrewarded, unembedded = iter(rows), 0, 0
    with ExitStack() as stack:
        arrays = {
            name: _Growing(stack.enter_context(TemporaryFile(dir=path.parent)), dtype, shape)
            for name, (dtype, shape, _) in columns.items()
        }
        while part := list(islice(source, _BATCH)):
            rewarded = [row for row in part if row["reward"] is not None]
            vectors = around.embeddings(list({row["article_id"] for row in rewarded}))
            usable = [row for row in rewarded if row["article_id"] in vectors]
            unrewarded += len(part) - len(rewarded)
            unembedded += len(rewarded) - len(usable)
            if usable:
                for name, (_, _, value) in columns.items():
                    arrays[name].extend([value(row) for row in usable])
        _zip(arrays, tags, path)
    notes = [f"Left out {unrewarded} rows without a reward."] if unrewarded else []
    if unembedded:
        notes.append(f"Left out {unembedded} rows whose articles have no embedding from the current encoder.")
    return notes


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
    "Also `probabilities` (n, n_actions), the model's p; `weight`, `round`, `post_id`. Rows without a reward "
    "are left out.",
    write=_write,
)
