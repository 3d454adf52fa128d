"""Coloured cells: the same rules as Streamlit makes of a Styler, and every cell in its column's own format."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest
from streamlit.elements import arrow
from streamlit.elements.lib.pandas_styler_utils import marshall_styler
from streamlit.proto.ArrowData_pb2 import ArrowData

from dashboard import tints

PLAIN = pd.DataFrame({"campaign": ["Total", "Sale", ""], "spend": [3.5, 1.25, float("nan")]})
LEVELS = PLAIN.set_axis(pd.MultiIndex.from_tuples([("", "campaign"), ("Week 1", "spend")]), axis=1)
COLOURS = {
    (0, 0): "background-color: rgba(26, 148, 132, 0.14)",
    (0, 1): "background-color: rgba(26, 148, 132, 0.14)",
    (2, 1): "color: #075c38",
    (1, 0): "",
}


def read(data: bytes) -> pa.Table:
    return pa.ipc.open_stream(data).read_all()


@pytest.mark.parametrize("data", [PLAIN, LEVELS], ids=["plain", "levels"])
def test_the_rules_are_those_that_streamlit_makes_of_the_same_table(data: pd.DataFrame) -> None:
    ours, streamlits = ArrowData(), ArrowData()
    table = tints.tinted(data, COLOURS)
    tints.marshall(ours, table, "1")
    marshall_styler(streamlits, table, "1")
    assert sorted(ours.styler.styles.splitlines()) == sorted(streamlits.styler.styles.splitlines())
    assert ours.styler.styles.count("#T_") == 3
    assert ours.styler.uuid == streamlits.styler.uuid


@pytest.mark.parametrize("data", [PLAIN, LEVELS], ids=["plain", "levels"])
def test_no_cell_has_words_of_its_own_and_the_shape_is_the_datas(data: pd.DataFrame) -> None:
    proto = ArrowData()
    tints.marshall(proto, tints.tinted(data, COLOURS), "1")
    words, cells = read(proto.styler.display_values), pa.Table.from_pandas(data)
    assert (words.num_rows, words.column_names) == (cells.num_rows, cells.column_names)
    assert words.schema.metadata == cells.schema.metadata
    assert all(column.null_count == words.num_rows for column in words.columns)


def test_tables_that_others_style_are_streamlits() -> None:
    ours, streamlits = ArrowData(), ArrowData()
    styler = PLAIN.style.format({"spend": "{:.1f}"}).set_uuid("fixed")
    tints.marshall(ours, styler, "1")
    marshall_styler(streamlits, styler, "1")
    assert ours == streamlits


def test_streamlit_still_looks_it_up_where_it_is_put(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrow, "marshall_styler", arrow.marshall_styler)
    tints.install()
    assert arrow.marshall_styler is tints.marshall
