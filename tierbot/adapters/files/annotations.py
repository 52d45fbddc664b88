"""Read labeled archives to import: the formats of archives.py, Parquet, and Label Studio's exports."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

from tierbot.adapters.files.archives import ReadReport, read_archive
from tierbot.domain.articles.rows import ArchiveError, ArchiveRow, BadRow, is_label_field, row_of

_ARRAY_LIMIT = 512 * 2**20  # bytes: a JSON array is read whole
_PARQUET_BATCH = 500
_DATASET, _DATASET_VERSION = "tierbot-dataset", 1  # the columns of our own exports, see reports/dataset.py


def read_annotations(path: Path, *, now: datetime, report: ReadReport) -> tuple[str, Iterator[ArchiveRow]]:
    """Return the kind of file, for people, and its usable rows; count the others in `report`.

    Recognizes by content: JSON lines and CSV (may be gzipped), Parquet, a JSON array of records, and Label Studio's JSON
    and JSON-MIN. Raises ArchiveError if the file can't be opened or has another format.
    """
    head = _head(path)
    if head.startswith(b"PAR1"):
        return "Parquet", _usable(_parquet(path), now, report)
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"["):
        records = _array(path)
        studio = any(_choices(record) is not None for record in records[:100])
        kind = "Label Studio's JSON" if studio else "a JSON array"
        return kind, _usable(map(_flat, records), now, report)
    return "JSON lines or CSV", read_archive(path, now=now, strict=False, report=report)


def _head(path: Path) -> bytes:
    if str(path) == "-":
        return b""
    try:
        with path.open("rb") as file:
            return file.read(64)
    except OSError as fault:
        raise ArchiveError(f"{path}: cannot be read ({fault.strerror}). Check the path.") from fault


def _usable(records: Iterable[Mapping[str, Any]], now: datetime, report: ReadReport) -> Iterator[ArchiveRow]:
    for number, record in enumerate(records, start=1):
        row = row_of(record, number, now)
        if isinstance(row, BadRow):
            report.count_bad(row)
        else:
            report.rows += 1
            yield row


def _parquet(path: Path) -> Iterator[dict[str, Any]]:
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        from pyarrow import parquet  # noqa: PLC0415
    except ModuleNotFoundError as fault:
        raise ArchiveError(f"{path}: Parquet needs pyarrow. Install it: pip install 'tierbot[export]'.") from fault
    try:
        file = parquet.ParquetFile(path)
        _refuse_newer(path, (file.schema_arrow.metadata or {}).get(b"tierbot"))
        for batch in file.iter_batches(_PARQUET_BATCH):
            for record in batch.to_pylist():
                yield {name: _keyed(value) for name, value in record.items()}
    except (OSError, pa.ArrowException) as fault:
        raise ArchiveError(
            f"{path}: is damaged Parquet ({str(fault)[:120]}). Copy or export the file again."
        ) from fault


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


def _array(path: Path) -> list[dict[str, Any]]:
    try:
        if path.stat().st_size > _ARRAY_LIMIT:
            raise ArchiveError(f"{path}: is a JSON array of over 512 MB. Write one record per line (jq -c '.[]' FILE).")
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as fault:
        raise ArchiveError(f"{path}: is not valid JSON ({str(fault)[:120]}). Export the file again.") from fault
    wrong = next((number for number, record in enumerate(found, start=1) if not isinstance(record, dict)), None)
    if wrong is not None:
        raise ArchiveError(f"{path}: element {wrong} of the array isn't an object. Write each record as an object.")
    return list(found)


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """Return a task as a plain record: its data, with the annotators' choices as tags."""
    chosen = _choices(record)
    if chosen is None:
        return record
    data: dict[str, Any] = record["data"] if isinstance(record.get("data"), dict) else record
    if "aggregator" in data and _is_ours(record):
        return data
    return {**{name: value for name, value in data.items() if not is_label_field(name)}, "tags": chosen}


def _is_ours(task: Mapping[str, Any]) -> bool:
    """Return whether all of a task's annotations are from our own export: then its data has the label they settled to."""
    results = chain.from_iterable(one.get("result") or () for one in task.get("annotations", ()))
    return "annotations" in task and all("trainer" in (part.get("meta") or {}) for part in results)


def _choices(record: Mapping[str, Any]) -> list[str] | None:
    """Return the tags that at least half of a Label Studio task's annotators chose; None for any other record.

    JSON has annotations with results; JSON-MIN has a field per control, a string or {"choices": […]}.
    """
    annotations = record.get("annotations")
    if isinstance(annotations, list) and isinstance(record.get("data"), dict):
        given = [_chosen(one) for one in annotations if isinstance(one, dict) and not one.get("was_cancelled")]
        support = Counter(chain.from_iterable(map(set, given)))
        return [tag for tag, count in support.most_common() if 2 * count >= len(given)]
    if "annotation_id" not in record:
        return None
    several = (value["choices"] for value in record.values() if isinstance(value, dict) and "choices" in value)
    found = list(chain.from_iterable(several))
    return list(map(str, found)) if found else _single(record)


def _single(record: Mapping[str, Any]) -> list[str]:
    # A single choice is a string under its control's name; Label Studio puts it before its own fields.
    names = list(record)
    place = names.index("annotator") if "annotator" in names else len(names)
    value = record[names[place - 1]] if place else None
    return [value] if isinstance(value, str) and names[place - 1] != "id" else []


def _chosen(annotation: Mapping[str, Any]) -> list[str]:
    results = annotation.get("result")
    values = [one.get("value") for one in results if isinstance(one, dict)] if isinstance(results, list) else []
    choices = [value.get("choices") for value in values if isinstance(value, dict)]
    return [str(tag) for some in choices if isinstance(some, list) for tag in some]
