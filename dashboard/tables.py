"""The campaigns table: totals on top, sorted and paged by what the address says, exact numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

import numpy as np
import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from dashboard import address, filters, formats, states, tints, views
from dashboard.frame import Frame
from dashboard.frames import Reader
from dashboard.kpis import missing
from dashboard.selection import Selection
from dashboard.views import View
from lib.insights.currency import exponent
from lib.insights.metrics import METRICS, Metric

COLUMNS = (
    "spend",
    "impressions",
    "link_clicks",
    "link_ctr",
    "link_cpc",
    "purchases",
    "cpa",
    "revenue",
    "roas",
    "cpm",
)
BY = ("client", "account", "campaign")
ROW_PX, HEAD_PX = 35, 38
NUMBER_PX = 104
"""As wide as numbers are."""
LETTER_PX, EDGES_PX = 6.8, 20
TOTAL = "background-color: rgba(26, 148, 132, 0.14)"
"""The row of the totals."""

_TURN = "campaigns_turn"
_SORTS = {"campaign": "name", **{slug: slug for slug in COLUMNS}}
_STATUSES = {
    "ACTIVE": "Active",
    "PAUSED": "Paused",
    "ARCHIVED": "Archived",
    "DELETED": "Deleted",
    "IN_PROCESS": "In process",
    "WITH_ISSUES": "With issues",
}


class Paged(Protocol):
    """A view that shows ``limit`` rows from page ``page`` on."""

    @property
    def limit(self) -> int:
        """Rows on a page."""

    @property
    def page(self) -> int:
        """The page, from 1 on."""


def order_of(view: View) -> str:
    """The order that the query takes."""
    key, descending = views.sort_of(view)
    return f"{'-' if descending else ''}{'campaign' if key == 'name' else key}"


def toolbar(view: View) -> None:
    """Search by name, sort, and how many rows a page has: all of it lives in the address."""
    key, descending = views.sort_of(view)
    slugs = [slug for slug in dict.fromkeys((*COLUMNS, key)) if slug != "name"]
    sorts = {"name": "Campaign", **{slug: METRICS[slug].label for slug in slugs}}
    with st.container(key="table_tools", horizontal=True, vertical_alignment="bottom", gap="small"):
        filters.text("Campaign contains", "name", view.name, "Part of a name", width=220)
        filters.choice(
            "Sort by",
            "sort",
            sorts,
            key,
            words=sorts.__getitem__,
            width=180,
            then=sort_by,
        )
        st.button(
            "Largest first" if descending else "Smallest first",
            key="sort_direction",
            icon=":material/arrow_downward:" if descending else ":material/arrow_upward:",
            help="Turn the order round",
            on_click=sort_by,
        )
        filters.choice("Rows", "limit", views.PAGE_SIZES, view.limit, width=80)


def sort_by(slug: str | None = None) -> None:
    """Sort by ``slug`` in the direction that holds now; without one, turn the order round."""
    address.apply(lambda view: sorted_by(view, slug))


def sorted_by(view: View, slug: str | None) -> View:
    """The same view in another order, from its first row on."""
    key, descending = views.sort_of(view)
    falls = descending if slug else not descending
    return replace(view, sort=f"{'-' if falls else ''}{slug or key}", page=1)


def campaigns(view: View, selection: Selection, numbers: Reader, rows: Frame, totals: Frame) -> None:
    """The page of rows that the view asks for, under the totals of all rows."""
    if rows.is_empty:
        states.no_match(view.name)
        return
    first, last = window(view, len(rows.data))
    drawn_rows = numbers.drawn(
        "campaigns",
        (selection.asked, view.name, view.sort, first, last),
        lambda: styled(table(rows, totals, first, last, numbers.statuses(selection.account_ids))),
    )
    several = rows.data["client_id"].nunique() > 1
    # Browsers do not let go of what a click selected, so each click that was followed makes another table.
    state = f"campaigns_{st.session_state.get(_TURN, 0)}"
    with st.container(key="campaigns_table"):
        st.dataframe(
            drawn_rows,
            key=state,
            hide_index=True,
            on_select=partial(_clicked, state),
            selection_mode="single-column",
            height=HEAD_PX + ROW_PX * min(last - first + 1, 16),
            row_height=ROW_PX,
            placeholder=formats.MISSING,
            column_order=["campaign", *(["client"] if several else []), "account", "status", *COLUMNS],
            column_config=_config(selection.currency, totals),
            alt="Campaigns, the totals of all of them in the first row",
        )
    pager(view, len(rows.data), "Campaigns")


def _clicked(state: str) -> None:
    """A click on a head sorts every row; the browser would sort those on the page, the totals among them."""
    chosen = st.session_state[state].selection.columns
    st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1
    if chosen and chosen[0] in _SORTS:
        address.apply(lambda view: clicked(view, _SORTS[chosen[0]]))


def clicked(view: View, slug: str) -> View:
    """The same view sorted by ``slug``; the other way round where it is sorted by that already."""
    return sorted_by(view, None if slug == views.sort_of(view)[0] else slug)


def styled(table: pd.DataFrame) -> Styler:
    """The first row set off from the rest."""
    return tints.tinted(table, {(0, column): TOTAL for column in range(table.shape[1])})


def window(view: Paged, count: int) -> tuple[int, int]:
    """The positions of the first row of the view's page and of the one after its last; a page too far is the last."""
    pages = max(1, -(-count // view.limit))
    first = (min(view.page, pages) - 1) * view.limit
    return first, min(first + view.limit, count)


def table(rows: Frame, totals: Frame, first: int, last: int, statuses: Mapping[str, str]) -> pd.DataFrame:
    """The totals, then the rows from ``first`` to before ``last``."""
    shown = rows.data.iloc[first:last]
    whole = f"Total of {formats.counted(len(rows.data), 'campaign')}"
    states_of = [status_words(statuses.get(number, "")) for number in shown["campaign_id"]]
    words = {"campaign": [whole, *shown["campaign_name"]], "client": ["", *shown["client_name"]]}
    words |= {"account": ["", *shown["account_name"]], "status": ["", *states_of]}
    return pd.DataFrame({**words, **{slug: _numbers(slug, totals.data.iloc[:1], shown) for slug in COLUMNS}})


def _numbers(slug: str, totals: pd.DataFrame, shown: pd.DataFrame) -> np.ndarray:
    parts = [part[slug].to_numpy("float64", na_value=np.nan) for part in (totals, shown)]
    return np.concatenate(parts) * (100 if METRICS[slug].format == "percent" else 1)


def status_words(status: str) -> str:
    """Meta's status as people say it."""
    return _STATUSES.get(status, status.replace("_", " ").capitalize() or formats.MISSING)


def drawn(values: pd.Series, metric: Metric) -> pd.Series:
    """The values as a column shows them: percents in percent."""
    return values.astype("float64") * 100 if metric.format == "percent" else values.astype("float64")


def _config(currency: str | None, totals: Frame) -> dict[str, object]:
    text = st.column_config.TextColumn
    return {
        "campaign": text("Campaign", pinned=True, width=220),
        "client": text("Client", width=130),
        "account": text("Account", width=140),
        "status": text("Status", width=80),
        **{slug: number_column(METRICS[slug], currency, totals.notes) for slug in COLUMNS},
    }


def number_column(metric: Metric, currency: str | None, notes: Mapping[str, str], label: str = "") -> Any:
    """The column of a metric: its numbers in full, and on its head what a dash means."""
    about = f"{formats.MISSING} means: {missing(metric, notes)}" if metric.parts or metric.slug in notes else None
    head = label or metric.label
    return st.column_config.NumberColumn(
        head, format=digits(metric, currency), help=about, width=wide_enough(head, NUMBER_PX)
    )


def wide_enough(head: str, least: int) -> int:
    """The width in pixels of a column that is at least so wide, and wider where its head would be cut."""
    return max(least, round(LETTER_PX * len(head)) + EDGES_PX)


def digits(metric: Metric, currency: str | None) -> str:
    """The format of a metric's column."""
    return {
        "money": formats.with_currency(f"%,.{exponent(currency)}f", currency),
        "count": "%,d",
        "percent": "%.2f%%",
        "multiple": "%.2fx",
    }[metric.format]


def pager(view: Paged, count: int, what: str) -> None:
    """Which rows are shown, and the way to the others."""
    first, last = window(view, count)
    with st.container(key="pager", horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f"{what} {first + 1:,} to {last:,} of {count:,}", width="content")
        if count > view.limit:
            page = first // view.limit + 1
            _turn("Previous", "previous_page", ":material/chevron_left:", page - 1, off=first == 0)
            _turn("Next", "next_page", ":material/chevron_right:", page + 1, off=last == count)


def _turn(label: str, key: str, icon: str, page: int, *, off: bool) -> None:
    st.button(label, key=key, icon=icon, disabled=off, on_click=address.change, kwargs={"page": page})
