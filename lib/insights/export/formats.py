"""The formats of a file, and what all of their writers promise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, TypeAlias

import pyarrow as pa

from lib.insights.answer import Column

PIECE_ROWS = 32_768
"""Rows that are encoded at a time: what a writer needs of memory does not grow with the answer."""

Part: TypeAlias = pa.Table | pa.RecordBatch


@dataclass(frozen=True)
class Format:
    """``label`` is what people choose it by; ``is_text`` tells that a terminal can show it."""

    name: str
    label: str
    extension: str
    media_type: str
    is_text: bool = False


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        each.name: each
        for each in (
            Format("csv", "CSV", "csv", "text/csv", is_text=True),
            Format("csv-eu", "Excel CSV (EU)", "csv", "text/csv", is_text=True),
            Format("xlsx", "Excel", "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
            Format("parquet", "Parquet", "parquet", "application/vnd.apache.parquet"),
            Format("json", "JSON", "json", "application/json", is_text=True),
            Format("arrow", "Arrow stream", "arrow", "application/vnd.apache.arrow.stream"),
        )
    }
)
"""Every format by its name."""


class Encoder(Protocol):
    """Turns parts of one answer into the bytes of a format."""

    def write(self, part: Part) -> None:
        """Add the rows of ``part``, whose columns are those of ``schema_of``."""

    def close(self) -> None:
        """Write the end."""

    def abort(self) -> None:
        """Let go of what is held back; what is written from here on reaches nobody."""


def schema_of(columns: Sequence[Column]) -> pa.Schema:
    """The Arrow schema of an answer with these columns."""
    return pa.schema([pa.field(column.key, column.type) for column in columns])


def pieces(part: Part) -> Iterator[pa.RecordBatch]:
    """The part in batches of at most ``PIECE_ROWS`` rows, none of them empty."""
    table = pa.Table.from_batches([part]) if isinstance(part, pa.RecordBatch) else part
    yield from (batch for batch in table.to_batches(max_chunksize=PIECE_ROWS) if batch.num_rows)
