"""The campaigns table: totals on top, sorted and paged by what the address says, exact numbers."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from dashboard import filters, formats, states, views
from dashboard.frames import Frame
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
_ROW, _HEAD = 35, 38
_STATUSES = {
    "ACTIVE": "Active",
    "PAUSED": "Paused",
    "ARCHIVED": "Archived",
    "DELETED": "Deleted",
    "IN_PROCESS": "In process",
    "WITH_ISSUES": "With issues",
}


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
        )
        st.button(
            "Largest first" if descending else "Smallest first",
            key="sort_direction",
            icon=":material/arrow_downward:" if descending else ":material/arrow_upward:",
            help="Turn the order round",
            on_click=filters.sort_by,
        )
        filters.choice("Rows", "limit", views.PAGE_SIZES, view.limit, width=80)


def campaigns(view: View, selection: Selection, rows: Frame, totals: Frame, statuses: dict[str, str]) -> None:
    """The page of rows that the view asks for, under the totals of all rows."""
    if rows.is_empty:
        states.no_match(view.name)
        return
    first, last = window(view, len(rows.data))
    shown = _columns(rows.data.iloc[first:last], statuses)
    whole = _total_row(totals, len(rows.data))
    table = pd.concat([whole, shown], ignore_index=True)
    several = rows.data["client_id"].nunique() > 1
    st.dataframe(
        styled(table),
        key="campaigns_table",
        hide_index=True,
        height=_HEAD + _ROW * min(len(table), 16),
        row_height=_ROW,
        placeholder=formats.MISSING,
        column_order=["campaign", *(["client"] if several else []), "account", "status", *COLUMNS],
        column_config=_config(selection.currency, totals),
        alt="Campaigns, the totals of all of them in the first row",
    )
    _pager(view, len(rows.data))


def styled(table: pd.DataFrame) -> Styler:
    """The first row set off from the rest."""

    def row_style(row: pd.Series) -> list[str]:
        return ["background-color: rgba(26, 148, 132, 0.14)" if row.name == 0 else ""] * len(row)

    return table.style.apply(row_style, axis=1)


def window(view: View, count: int) -> tuple[int, int]:
    """The positions of the first row of the view's page and of the one after its last; a page too far is the last."""
    pages = max(1, -(-count // view.limit))
    first = (min(view.page, pages) - 1) * view.limit
    return first, min(first + view.limit, count)


def _columns(data: pd.DataFrame, statuses: dict[str, str]) -> pd.DataFrame:
    names = {"campaign": data["campaign_name"], "client": data["client_name"], "account": data["account_name"]}
    status = data["campaign_id"].map(lambda number: status_words(statuses.get(number, "")))
    return pd.DataFrame({**names, "status": status, **{slug: _drawn(data[slug], METRICS[slug]) for slug in COLUMNS}})


def status_words(status: str) -> str:
    """Meta's status as people say it."""
    return _STATUSES.get(status, status.replace("_", " ").capitalize() or formats.MISSING)


def _total_row(totals: Frame, count: int) -> pd.DataFrame:
    numbers = {slug: _drawn(totals.data[slug], METRICS[slug]) for slug in COLUMNS}
    words = {"campaign": f"Total of {formats.counted(count, 'campaign')}", "client": "", "account": "", "status": ""}
    return pd.DataFrame({**words, **numbers}, index=totals.data.index)


def _drawn(values: pd.Series, metric: Metric) -> pd.Series:
    return values.astype("float64") * 100 if metric.format == "percent" else values.astype("float64")


def _config(currency: str | None, totals: Frame) -> dict[str, object]:
    text = st.column_config.TextColumn
    return {
        "campaign": text("Campaign", pinned=True, width=220),
        "client": text("Client", width=130),
        "account": text("Account", width=140),
        "status": text("Status", width=80),
        **{slug: _number(METRICS[slug], currency, totals) for slug in COLUMNS},
    }


def _number(metric: Metric, currency: str | None, totals: Frame) -> object:
    digits = {
        "money": formats.with_currency(f"%,.{exponent(currency)}f", currency),
        "count": "%,d",
        "percent": "%.2f%%",
        "multiple": "%.2fx",
    }
    about = f"{formats.MISSING} means: {missing(metric, totals.notes)}" if metric.parts else None
    return st.column_config.NumberColumn(metric.label, format=digits[metric.format], help=about, width=104)


def _pager(view: View, count: int) -> None:
    first, last = window(view, count)
    with st.container(key="pager", horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f"Campaigns {first + 1:,} to {last:,} of {count:,}", width="content")
        if count > view.limit:
            page = first // view.limit + 1
            _turn("Previous", "previous_page", ":material/chevron_left:", page - 1, off=first == 0)
            _turn("Next", "next_page", ":material/chevron_right:", page + 1, off=last == count)


def _turn(label: str, key: str, icon: str, page: int, *, off: bool) -> None:
    st.button(label, key=key, icon=icon, disabled=off, on_click=filters.change, kwargs={"page": page})
