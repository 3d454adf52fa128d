"""Parquet and Arrow: typed, exact, with each text as it is."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.insights.export import writer
from tests.unit.insights.export.answers import COLUMNS, TEXTS, TRAPS, row, table, written

SCHEMA = pa.schema(
    [
        ("date", pa.date32()),
        ("ad_id", pa.string()),
        ("ad_name", pa.string()),
        ("currency", pa.string()),
        ("spend", pa.decimal128(38, 6)),
        ("cpa", pa.decimal128(38, 6)),
        ("clicks", pa.int64()),
        ("ctr", pa.decimal128(38, 6)),
        ("roas", pa.decimal128(38, 6)),
    ]
)
ROWS = (row("=1+1"), row(None, spend=None, clicks=None, day=None), row(spend="99999999999999.999999"))


def read(name: str, content: bytes) -> pa.Table:
    if name == "parquet":
        return pq.read_table(io.BytesIO(content))
    with pa.ipc.open_stream(content) as reader:
        return reader.read_all()


@pytest.mark.parametrize("name", ["parquet", "arrow"])
@pytest.mark.parametrize("rows", [ROWS, ()], ids=["rows", "none"])
def test_what_was_written_comes_back(name: str, rows: tuple[tuple[object, ...], ...]) -> None:
    found = read(name, written(name, *rows))
    assert found.schema.equals(SCHEMA)
    assert found.equals(table(rows))


@pytest.mark.parametrize("name", ["parquet", "arrow"])
@given(st.lists(st.one_of(TEXTS, st.sampled_from(TRAPS))))
def test_every_text_comes_back(name: str, names: list[str]) -> None:
    found = read(name, written(name, *(row(each) for each in names)))
    assert found["ad_name"].to_pylist() == names


def test_parquet_gathers_small_parts_into_large_groups() -> None:
    file, part = io.BytesIO(), table([row(f"{number}") for number in range(1000)])
    to = writer("parquet", file, COLUMNS)
    for _ in range(300):
        to.write(part)
    to.close()
    about = pq.ParquetFile(file).metadata
    assert about.num_rows == 300_000
    assert about.num_row_groups == 3
    assert about.row_group(0).column(0).compression == "ZSTD"
