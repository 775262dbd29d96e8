"""Results as Parquet, streamed: one group of rows is in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
from pyarrow.parquet import ParquetWriter
from sqlalchemy.orm import Session

from semblante.profile_export import row_blocks
from semblante.profiles import Column
from semblante.sink import Sink
from semblante.tables import Job

ROWS_PER_GROUP = 50_000
TYPES = {str: pa.string(), int: pa.int64(), float: pa.float64()}


def parquet_blocks(session: Session, job: Job, columns: Sequence[Column]) -> Iterator[bytes]:
    """Yield the Parquet file of a job's rows, with `columns`, in blocks."""
    schema = pa.schema([pa.field(column.name, TYPES[column.kind]) for column in columns])
    sink = Sink()
    with ParquetWriter(sink, schema, compression="zstd") as writer:
        for block in row_blocks(session, job, columns, ROWS_PER_GROUP):
            arrays = [
                pa.array(values, field.type)
                for values, field in zip(zip(*block, strict=True), schema, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            yield from sink.drain(1)
    yield from sink.drain(1)
