"""Read labeled archives to import: the formats of archives.py, Parquet, and JSON arrays as annotation tools write them."""

import json
import zlib
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from gzip import GzipFile
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, cast

from tierbot.adapters.files.archives import ReadReport, read_archive
from tierbot.adapters.files.class_names import class_names, named
from tierbot.domain.articles.annotated import annotated
from tierbot.domain.articles.label_values import LabelError
from tierbot.domain.articles.rows import ArchiveError, ArchiveRow, BadRow, field_of, row_of

_ARRAY_LIMIT = 512 * 2**20  # bytes: a JSON array is read whole
_PARQUET_BATCH = 500
_LOOKED_AT = 100  # records that show which tool wrote a JSON array
_DATASET, _DATASET_VERSION = "tierbot-dataset", 1  # the columns of our own exports, see reports/dataset.py


def read_annotations(path: Path, *, now: datetime, report: ReadReport) -> tuple[str, Iterator[ArchiveRow]]:
    """Return the kind of file, for people, and its usable rows; count the others in `report`.

    Recognizes by content: JSON lines, CSV and JSON arrays of records (may be gzipped), and Parquet. The records may be those
    of annotation tools, see domain/articles/annotated.py. Raises ArchiveError if the file can't be opened or has another
    format.
    """
    head = _head(path)
    if head.startswith(b"PAR1"):
        return "Parquet", _understood(_usable(_parquet(path, report), now, report), report)
    if _text_of(head).lstrip("\ufeff \t\r\n").startswith("["):
        records = _array(path)
        return _kind(records), _understood(_usable(records, now, report), report)
    return "JSON lines or CSV", _understood(read_archive(path, now=now, strict=False, report=report), report)


def _head(path: Path) -> bytes:
    if str(path) == "-":
        return b""
    try:
        with _opened(path) as file:
            return file.read(64)
    except EOFError:
        return b""  # a gzipped file that ends early; who reads it says where
    except OSError as fault:
        raise ArchiveError(f"{path}: cannot be read ({fault.strerror or fault}). Check the path.") from fault


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file to read its bytes, decompressed if it is gzipped."""
    with path.open("rb") as file:
        gzipped = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        yield cast("BinaryIO", GzipFile(fileobj=file)) if gzipped else file


def _text_of(head: bytes) -> str:
    return head.decode("utf-16" if head.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8", errors="ignore")


def _kind(records: Iterable[Mapping[str, Any]]) -> str:
    for record in islice(records, _LOOKED_AT):
        try:
            found = annotated(record, field_of)
        except LabelError:
            continue
        if found:
            return f"{found.tool}'s JSON"
    return "a JSON array"


def _usable(records: Iterable[Mapping[str, Any]], now: datetime, report: ReadReport) -> Iterator[ArchiveRow]:
    for number, record in enumerate(records, start=1):
        row = row_of(record, number, now)
        if isinstance(row, BadRow):
            report.count_bad(row)
        else:
            report.rows += 1
            yield row


def _understood(rows: Iterable[ArchiveRow], report: ReadReport) -> Iterator[ArchiveRow]:
    """Yield the rows whose labels are understood; count the others as bad."""
    for row in rows:
        if row.fault:
            report.rows -= 1
            report.count_bad(BadRow(row.line, row.fault))
        else:
            yield row


def _parquet(path: Path, report: ReadReport) -> Iterator[dict[str, Any]]:
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        from pyarrow import parquet  # noqa: PLC0415
    except ModuleNotFoundError as fault:
        raise ArchiveError(f"{path}: Parquet needs pyarrow. Install it: pip install '.[export]'.") from fault
    number = 0
    try:
        file = parquet.ParquetFile(path)
        metadata = file.schema_arrow.metadata or {}
        _refuse_newer(path, metadata.get(b"tierbot"))
        names = class_names(metadata.get(b"huggingface"))
        for batch in file.iter_batches(_PARQUET_BATCH):
            for record in batch.to_pylist():
                number += 1
                yield {name: named(_keyed(value), names.get(name, ())) for name, value in record.items()}
    except (OSError, pa.ArrowException) as fault:
        if not number:
            raise ArchiveError(
                f"{path}: is damaged Parquet ({str(fault)[:120]}). Copy or export the file again."
            ) from fault
        report.count_bad(
            BadRow(number + 1, f"and those after it are damaged ({str(fault)[:120]}); export the file again")
        )


def _refuse_newer(path: Path, about: bytes | None) -> None:
    """Raise ArchiveError for our own export in a format that this version doesn't know."""
    try:
        form = str(json.loads(about)["format"]) if about else ""
    except (ValueError, TypeError, KeyError):
        return  # another program's metadata under our name
    name, _, version = form.rpartition("/")
    if name == _DATASET and version.isdecimal() and int(version) > _DATASET_VERSION:
        raise ArchiveError(
            f"{path}: was exported by a newer tierbot ({form}; this one reads up to {_DATASET}/{_DATASET_VERSION}). "
            "Upgrade tierbot."
        )


def _keyed(value: Any) -> Any:
    """Return our own exports' [{tag, value}] as a dict, the form of other files."""
    if (
        isinstance(value, list)
        and value
        and all(isinstance(one, dict) and one.keys() == {"tag", "value"} for one in value)
    ):
        return {one["tag"]: one["value"] for one in value}
    return value


def _too_large(path: Path) -> ArchiveError:
    return ArchiveError(f"{path}: is a JSON array of over 512 MB. Write one record per line (jq -c '.[]' FILE).")


def _array(path: Path) -> list[dict[str, Any]]:
    try:
        with _opened(path) as file:
            data = file.read(_ARRAY_LIMIT + 1)
        if len(data) > _ARRAY_LIMIT:
            raise _too_large(path)
        found = json.loads(data)
    except (OSError, EOFError, zlib.error, ValueError, RecursionError) as fault:
        raise ArchiveError(f"{path}: is not valid JSON ({str(fault)[:120]}). Export the file again.") from fault
    wrong = next((number for number, record in enumerate(found, start=1) if not isinstance(record, dict)), None)
    if wrong is not None:
        raise ArchiveError(f"{path}: element {wrong} of the array isn't an object. Write each record as an object.")
    return list(found)
