"""Export Parquet files, and folders as on the Hugging Face Hub: typed Arrow columns, a few thousand rows at a time."""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain, islice
from pathlib import Path
from typing import Any

from tierbot.reports.dataset import COLUMNS, FORMAT, Column, ColumnKind, Row
from tierbot.reports.export.format import ExportFormat, Surroundings

_BATCH = 1000  # rows; with 72 tags about 10 MB
HUB_DATA = "data/train-00000-of-00001.parquet"  # the Hub's own name for a split of one file
_GROUP = 8  # batches in a Parquet row group


def arrow_schema() -> Any:
    """Return the columns as a pyarrow schema. Several readers lack maps, so shares are lists of {tag, value}."""
    import pyarrow as pa  # noqa: PLC0415 - an extra

    moment = pa.timestamp("us", tz="UTC")
    votes = [("trainer", pa.string()), ("says", pa.string()), ("tag", pa.string()), ("at", moment)]
    types = {
        ColumnKind.TEXT: pa.string(),
        ColumnKind.INTEGER: pa.int64(),
        ColumnKind.NUMBER: pa.float64(),
        ColumnKind.TIME: moment,
        ColumnKind.SHARES: pa.list_(pa.struct([("tag", pa.string()), ("value", pa.float64())])),
        ColumnKind.COUNTS: pa.list_(pa.struct([("tag", pa.string()), ("value", pa.int64())])),
        ColumnKind.VOTES: pa.list_(pa.struct(votes)),
    }
    about = {"tierbot": json.dumps({"format": FORMAT})}
    return pa.schema([pa.field(column.name, types[column.kind]) for column in COLUMNS], metadata=about)


def _batches(rows: Iterable[Row]) -> Iterator[Any]:
    import pyarrow as pa  # noqa: PLC0415

    schema, source = arrow_schema(), iter(rows)
    while part := list(islice(source, _BATCH)):
        arrays = [_array(column, [row[column.name] for row in part], schema) for column in COLUMNS]
        yield pa.record_batch(arrays, schema=schema)


def _array(column: Column, values: Sequence[Any], schema: Any) -> Any:
    import pyarrow as pa  # noqa: PLC0415

    kind = schema.field(column.name).type
    if column.kind in {ColumnKind.SHARES, ColumnKind.COUNTS}:
        flat = [list(chain.from_iterable(values)), list(chain.from_iterable(value.values() for value in values))]
    elif column.kind is ColumnKind.VOTES:
        every = list(chain.from_iterable(values))
        flat = [[vote[field.name] for vote in every] for field in kind.value_type]
    else:
        return pa.array(values, type=kind)
    # Build from flat lists, so that pyarrow doesn't have to inspect millions of small dicts.
    inner = kind.value_type
    parts = [pa.array(items, type=inner.field(place).type) for place, items in enumerate(flat)]
    starts = pa.array(list(accumulate(map(len, values), initial=0)), type=pa.int32())
    return pa.ListArray.from_arrays(starts, pa.StructArray.from_arrays(parts, fields=list(inner)), type=kind)


def _write_parquet(rows: Iterable[Row], path: Path, _: Surroundings) -> list[str]:
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import parquet  # noqa: PLC0415

    with parquet.ParquetWriter(path, arrow_schema(), compression="zstd") as writer:
        source = _batches(rows)
        while group := list(islice(source, _GROUP)):
            writer.write_table(pa.Table.from_batches(group), row_group_size=_GROUP * _BATCH)
    return []


def _write_hugging_face(rows: Iterable[Row], path: Path, around: Surroundings) -> list[str]:
    file = path / HUB_DATA
    file.parent.mkdir(parents=True)
    return _write_parquet(rows, file, around)


_LAYOUT = (
    "Shares and counts are lists of `{tag, value}`, votes a list of `{trainer, says, tag, at}`, times UTC timestamps "
    "in microseconds; missing values are null."
)
PARQUET = ExportFormat(
    name="parquet",
    suffix=".parquet",
    about=f"Apache Parquet (zstd). {_LAYOUT}",
    write=_write_parquet,
    columns=COLUMNS,
    packages=("pyarrow",),
)
HUGGING_FACE = ExportFormat(
    name="hf",
    suffix="",
    about=f"A folder for `datasets.load_dataset`, or to upload to the Hugging Face Hub: Parquet in `{HUB_DATA}`, and the "
    f"dataset card. {_LAYOUT}",
    write=_write_hugging_face,
    columns=COLUMNS,
    packages=("pyarrow",),
    folder=True,
)
