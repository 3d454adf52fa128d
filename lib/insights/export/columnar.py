"""Parquet and the stream of Arrow: typed columns, ids as text, money and ratios as exact decimals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from lib.errors import SumTooLarge
from lib.insights.answer import Column
from lib.insights.export.formats import Part, schema_of

GROUP_ROWS = 131_072
"""Rows of a row group, or twice as many: they are in memory at once."""


class ParquetEncoder:
    """Compressed with zstd. The file's footer comes with ``close``: without it nobody can read the file."""

    def __init__(self, file: BinaryIO, columns: Sequence[Column]) -> None:
        self._schema = schema_of(columns)
        self._to = pq.ParquetWriter(file, self._schema, compression="zstd")
        self._waiting: list[pa.Table] = []

    def write(self, part: Part) -> None:
        """Add the rows of ``part``."""
        self._waiting.append(_typed(part, self._schema))
        if sum(table.num_rows for table in self._waiting) >= GROUP_ROWS:
            self._write_waiting()

    def close(self) -> None:
        """Write what waits, and the footer."""
        self._write_waiting()
        self._to.close()

    def abort(self) -> None:
        """Forget what waits. Pyarrow writes a footer even then, which the closed sink swallows."""
        self._waiting = []

    def _write_waiting(self) -> None:
        if self._waiting:
            self._to.write_table(pa.concat_tables(self._waiting), row_group_size=2 * GROUP_ROWS)
            self._waiting = []


class ArrowEncoder:
    """Arrow's IPC stream; its last bytes say that it is whole."""

    def __init__(self, file: BinaryIO, columns: Sequence[Column]) -> None:
        self._schema = schema_of(columns)
        self._to = pa.ipc.new_stream(file, self._schema)

    def write(self, part: Part) -> None:
        """Add the rows of ``part``."""
        self._to.write_table(_typed(part, self._schema))

    def close(self) -> None:
        """Write the end of the stream."""
        self._to.close()

    def abort(self) -> None:
        """Nothing was held back."""


def _typed(part: Part, schema: pa.Schema) -> pa.Table:
    table = pa.Table.from_batches([part]) if isinstance(part, pa.RecordBatch) else part
    try:
        return table.select(schema.names).cast(schema)
    except pa.ArrowInvalid as error:  # a count beyond 64 bits: only text has room for it
        raise SumTooLarge from error
