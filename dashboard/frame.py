"""One answer as a DataFrame, in the kinds of columns that pages draw."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import pandas as pd
import pyarrow as pa

from lib.errors import AppError
from lib.insights.run import InsightAnswer


@dataclass(frozen=True)
class Frame:
    """One answer. ``data`` has a column a key: money and ratios as float64 for drawing, None where there is no value.

    ``first`` holds the exact values of the first row. ``error`` is set where this is an older
    answer that stands in for one that failed; ``loaded_at`` is when the numbers were read.
    """

    data: pd.DataFrame
    first: Mapping[str, int | Decimal | None]
    notes: Mapping[str, str]
    engine: str
    loaded_at: dt.datetime
    error: AppError | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no row answered."""
        return self.data.empty


def to_frame(answer: InsightAnswer) -> Frame:
    """The answer as a DataFrame of plain columns: ids as text, days as dates, numbers as numbers."""
    data = pd.DataFrame({column.key: _series(answer.table[column.key], column.kind) for column in answer.columns})
    first = dict(zip(answer.table.column_names, answer.first, strict=True)) if answer.first else {}
    return Frame(data, first, answer.notes, answer.engine, dt.datetime.now(dt.UTC))


def _series(values: pa.ChunkedArray, kind: str) -> pd.Series:
    if kind in ("money", "percent", "multiple"):
        # Arrow's own step from decimals to floats is off by a bit: 117759.66 would be 117759.65999999999.
        return values.cast(pa.string()).cast(pa.float64()).to_pandas()
    if kind == "count":
        return values.cast(pa.int64()).to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    if kind == "date":
        return pd.Series(values.to_pandas(date_as_object=False)).astype("datetime64[ns]")
    return pd.Series(values.fill_null("").to_pylist(), dtype="str")
