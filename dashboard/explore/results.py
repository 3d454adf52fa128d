"""The answer as a table: totals on top, a click on a head sorts, a click on a name opens it, pages of rows."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from dashboard import address, filters, formats, tables, tints, views
from dashboard.explore import arranging, changes, crossed, grid, opening, queries, words
from dashboard.explore.asking import Answer
from dashboard.explore.grid import Column
from dashboard.explore.marks import text_of
from dashboard.explore.view import ExploreView, write
from dashboard.selection import Selection
from dashboard.tables import HEAD_PX, ROW_PX
from lib.insights.metrics import METRICS

_MOST_HIGH = 20
_TOO_MANY = (
    f"There are more than {queries.MOST_ROWS:,} groups, too many to turn one dimension into columns. Group by fewer "
    "dimensions, add a filter, keep a top, or leave out the columns; a file has all groups as rows."
)


@dataclass(frozen=True)
class Sheet:
    """A page of rows as it is drawn. ``targets`` has what a click on each of its names opens, by dimension.

    ``count`` is the number of all rows, ``left_out`` that of the columns which found no room.
    """

    cells: Styler
    config: dict[Any, Any]
    targets: list[dict[str, str]]
    count: int
    left_out: int

    @property
    def height(self) -> int:
        """In pixels."""
        heads = self.cells.columns.nlevels
        return HEAD_PX * heads + ROW_PX * min(len(self.cells.index), _MOST_HIGH)


def table(answer: Answer) -> list[dict[str, str]]:
    """Draw the page of rows that the view asks for, under the totals of all rows; what a click on their names opens.

    Of a pivot without all its groups some cells would look empty that are not: then there is a sentence, and no row.
    """
    view = answer.view
    if view.pivot and answer.is_cut:
        st.warning(_TOO_MANY, icon=":material/cut:")
        return []
    sheet = answer.drawn("sheet", lambda: _sheet(answer), grid.theme("greenTextColor"))
    _draw(answer, sheet)
    if view.group_by:
        _foot(view, sheet.count)
    _remarks(answer, sheet.left_out)
    return sheet.targets


def _sheet(answer: Answer) -> Sheet:
    view = answer.view
    rows, columns, left_out = crossed.columns(answer) if view.pivot else _flat(answer)
    first, last = tables.window(view, len(rows))
    shown = rows.iloc[first:last] if view.group_by else rows.iloc[:0]
    has_groups = any(column.group for column in columns)
    return Sheet(
        cells=tints.tinted(_frame(columns, has_groups=has_groups), _css(columns)),
        # Columns of several levels are configured by their place, where the hidden index is the first.
        config={(place if has_groups else column.key): column.config for place, column in enumerate(columns, start=1)},
        targets=[
            {name: text_of(row[words.id_column_of(name)]) for name in view.rows} for row in shown.to_dict("records")
        ],
        count=len(rows),
        left_out=left_out,
    )


def _foot(view: ExploreView, count: int) -> None:
    with st.container(key="table_foot", horizontal=True, vertical_alignment="center", gap="small"):
        tables.pager(view, count, "Rows")
        filters.choice("Rows", "limit", views.PAGE_SIZES, view.limit, width=115, words=_per_page, is_labelled=False)


def _flat(answer: Answer) -> tuple[pd.DataFrame, list[Column], int]:
    view, data = answer.view, answer.data
    first, last = tables.window(view, len(data))
    # Without dimensions the only row is the total itself.
    shown = data.iloc[first:last] if view.group_by else data.iloc[:0]
    total = answer.total.iloc[0]
    deltas = changes.of_answer(answer, shown)
    columns = grid.dimensions(answer, shown, total_words(answer, len(data)))
    for slug in view.metrics:
        columns += grid.of_metric(answer, slug, shown[slug], _float(total[slug]), deltas.get(slug))
    return data, columns, 0


def total_words(answer: Answer, count: int) -> str:
    """Total of 23 rows; just Total without dimensions."""
    if not answer.view.group_by:
        return "Total"
    if answer.is_cut:
        return f"Total of the first {count:,} rows" if answer.view.having else "Total of all rows"
    return f"Total of {formats.counted(count, 'row')}"


def _draw(answer: Answer, sheet: Sheet) -> None:
    view = answer.view
    # A click says which row of which view it was on, so another view is another table.
    state = f"explore_table_{zlib.crc32(address.query_of(write(view)).encode())}"
    with st.container(key="results"):
        st.dataframe(
            sheet.cells,
            key=state,
            hide_index=True,
            height=sheet.height,
            row_height=ROW_PX,
            placeholder=formats.MISSING,
            column_config=sheet.config,
            on_select=partial(_clicked, state, answer.selection, sheet.targets),
            selection_mode=["single-cell", "single-column"],
            alt=alt(view),
        )


def _frame(columns: list[Column], *, has_groups: bool) -> pd.DataFrame:
    data = pd.DataFrame({place: column.values for place, column in enumerate(columns)})
    heads = [(column.group, column.key) for column in columns] if has_groups else [column.key for column in columns]
    data.columns = pd.MultiIndex.from_tuples(heads) if has_groups else pd.Index(heads)
    return data


def _css(columns: list[Column]) -> dict[tuple[int, int], str]:
    """The colours of the cells, by row and column; the totals in the first row are set off."""
    css = {(row, place): style for place, column in enumerate(columns) for row, style in enumerate(column.styles)}
    for place in range(len(columns)):
        css[0, place] = f"{tables.TOTAL}; {css.get((0, place), '')}"
    return css


def alt(view: ExploreView) -> str:
    """What the table holds, for those who hear it."""
    listed = formats.listed([words.metric(slug) for slug in view.metrics], 6)
    across = f", a column for each {words.dimension(view.pivot).lower()}" if view.pivot else ""
    return f"{listed} {words.by(view.rows)}{across}, the totals in the first row"


def _clicked(state: str, selection: Selection, targets: list[dict[str, str]]) -> None:
    """A head sorts; a name in a row opens what it names."""
    chosen = st.session_state[state]["selection"]
    if chosen["columns"]:
        key = chosen["columns"][0].split(":")[0].split("|")[0]
        address.apply(lambda view: arranging.sorted_by(view, key) if key in (*view.rows, *view.metrics) else view)
    elif chosen["cells"]:
        row, key = chosen["cells"][0]
        if 1 <= row <= len(targets) and key in targets[row - 1]:
            value = targets[row - 1][key]
            address.apply(lambda view: opening.clicked(view, selection, key, value))


def _per_page(rows: int) -> str:
    return f"{rows} rows"


def _float(value: object) -> float:
    return float("nan") if pd.isna(value) else float(value)  # type: ignore[arg-type, call-overload]


def _remarks(answer: Answer, left_out: int) -> None:
    view = answer.view
    if answer.is_cut:
        st.warning(
            f"There are more than {queries.MOST_ROWS:,} rows; the page has the first of them. A file holds them all.",
            icon=":material/cut:",
        )
    if any(name in opening.NEXT for name in view.rows):
        st.caption("Click a name to open it, the head of a column to sort by it.")
    if left_out:
        what = formats.counted(left_out, "column")
        st.caption(f"{what} found no room here. Choose longer steps of time, or keep a top.")
    for slug in view.metrics:
        if slug in answer.frame.notes and answer.data[slug].isna().any():
            st.caption(f"{METRICS[slug].label}: {answer.frame.notes[slug]}.")
