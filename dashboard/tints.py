"""Tables with coloured cells. Streamlit takes colours from a pandas Styler, and has pandas write every cell as text to
find them: 20 ms for a page of rows. Here the colours are known, so only they are said.
"""

from __future__ import annotations

from collections.abc import Mapping
from weakref import WeakKeyDictionary

import pandas as pd
import pyarrow as pa
from pandas.io.formats.style import Styler
from streamlit import dataframe_util
from streamlit.elements import arrow
from streamlit.elements.lib.pandas_styler_utils import marshall_styler
from streamlit.proto.ArrowData_pb2 import ArrowData

Css = Mapping[tuple[int, int], str]
"""Declarations such as ``color: #075c38`` by the positions of a row and a column."""

_NAME = "tints"
_known: WeakKeyDictionary[Styler, ArrowData] = WeakKeyDictionary()


def tinted(data: pd.DataFrame, css: Css) -> Styler:
    """``data`` with these colours, for ``st.dataframe``."""
    styler = Styler(data, uuid=_NAME).apply(lambda _: _grid(data, css), axis=None)
    known = _known[styler] = ArrowData()
    known.styler.uuid, known.styler.styles, known.styler.display_values = _NAME, _rules(css), _no_words(data)
    return styler


def install() -> None:
    """Let ``st.dataframe`` take the colours as they are known."""
    arrow.marshall_styler = marshall  # type: ignore[attr-defined]  # the name under which the element looks it up


def marshall(proto: ArrowData, styler: Styler, default_uuid: str) -> None:
    """Write the colours of ``styler`` into ``proto``; those of other hands as Streamlit does."""
    known = _known.get(styler)
    if known is None:
        marshall_styler(proto, styler, default_uuid)
    else:
        proto.styler.CopyFrom(known.styler)


def _rules(css: Css) -> str:
    """A rule for each cell's colour, cells of one colour together."""
    cells: dict[str, list[str]] = {}
    for (row, column), declarations in css.items():
        if declarations:
            cells.setdefault(declarations, []).append(f"#T_{_NAME}_row{row}_col{column}")
    return "\n".join(f"{', '.join(names)} {{ {declarations} }}" for declarations, names in cells.items())


def _no_words(data: pd.DataFrame) -> bytes:
    """A table of the same shape without values: the browser then writes each cell by its column's format."""
    schema = pa.Schema.from_pandas(data)
    fields = [pa.field(field.name, pa.string()) for field in schema]
    columns = [pa.nulls(len(data), pa.string())] * len(fields)
    nothing = pa.Table.from_arrays(columns, schema=pa.schema(fields, metadata=schema.metadata))
    return dataframe_util.convert_arrow_table_to_arrow_bytes(nothing)


def _grid(data: pd.DataFrame, css: Css) -> pd.DataFrame:
    """The colours as pandas has them."""
    cells = [[css.get((row, column), "") for column in range(data.shape[1])] for row in range(data.shape[0])]
    return pd.DataFrame(cells, index=data.index, columns=data.columns)
