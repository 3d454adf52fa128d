"""What Meta did not serve, and where the ads do not add up to its own numbers: tables, and the latter as a file."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import bridge, downloads, formats, states
from dashboard.data import words
from dashboard.frames import Reader
from dashboard.selection import Selection
from dashboard.shelf import Made, Make
from lib.access.viewer import Viewer
from lib.insights.currency import exponent
from lib.insights.export import FORMATS, nameless
from lib.insights.metrics import METRICS
from lib.refresh.incomplete import incomplete_slices
from lib.refresh.reconciliation_file import write_reconciliation

MOST_ROWS = 500
_CSV = FORMATS["csv"]


def incomplete(viewer: Viewer, selection: Selection) -> None:
    """The slices of the period of which Meta did not serve everything, by name."""
    st.subheader("Not served by Meta", anchor=False, help="What was asked for and left out, by day and account")
    span = (selection.since, selection.until)
    asked = {"account_ids": selection.account_ids, "currency": selection.currency, "limit": MOST_ROWS}
    found, total = bridge.run(incomplete_slices(bridge.store(), viewer, *span, **asked))
    if not found:
        st.caption("Nothing is missing from what is stored of this period.")
        return
    now = dt.datetime.now(dt.UTC)
    with st.container(key="data_incomplete"):
        _frame(pd.DataFrame([words.incomplete_row(each, now) for each in found]), {"Day": _day()}, "What is missing")
    _cut(len(found), total)


def reconciled(viewer: Viewer, selection: Selection, numbers: Reader) -> None:
    """How many days are Meta's, and each that is not with both numbers and the likely reason."""
    with st.container(key="reconciled_head", horizontal=True, vertical_alignment="center"):
        st.subheader("Held against Meta", anchor=False, width="stretch")
        place = st.container(width="content")
    found = numbers.reconciliation(selection, MOST_ROWS)
    if not (found.days or found.unknown_days):
        st.caption("No day of this period is stored yet, so there is nothing to compare.")
        return
    st.caption(words.compared(found))
    if not found.no_match_days:
        said = "Every stored day of this period is Meta's own number."
        states.empty(":material/verified:", "Matches Meta", said, of="reconciled")
        return
    with place:
        download(viewer, selection, found.no_match_days)
    shown = found.no_match[:MOST_ROWS]
    with st.container(key="reconciled"):
        columns = words.apart_rows(shown, selection.currency)
        _frame(
            pd.DataFrame(columns),
            _config(columns, selection.currency),
            "Days that are not Meta's own numbers for certain",
        )
    _cut(len(shown), found.no_match_days)
    st.markdown("\n".join(f"- {line}" for line in words.explained(found)))


def _config(columns: dict[tuple[str, str], list[Any]], currency: str | None) -> dict[Any, Any]:
    """By the places of the columns, the hidden index being the first."""
    digits = {words.head(slug, currency): _digits(slug, currency) for slug in words.SHOWN}
    text = st.column_config.TextColumn
    heads = {"Account": text("Account", pinned=True, width=150), "Day": _day(), "Likely reason": text(width=190)}
    return {
        place: heads[name] if not group else st.column_config.NumberColumn(name, format=digits[group], width=96)
        for place, (group, name) in enumerate(columns, start=1)
    }


def _digits(slug: str, currency: str | None) -> str:
    return f"%,.{exponent(currency)}f" if METRICS[slug].format == "money" else "%,d"


def _day() -> Any:
    return st.column_config.DateColumn("Day", format="D MMM YYYY", width=100)


def _frame(data: pd.DataFrame, config: dict[Any, Any], alt: str) -> None:
    height = "content" if len(data) <= 12 else 460
    st.dataframe(data, hide_index=True, height=height, column_config=config, placeholder=formats.MISSING, alt=alt)


def _cut(shown: int, total: int) -> None:
    if shown < total:
        st.caption(f"The first {shown:,} of {total:,}.")


def download(viewer: Viewer, selection: Selection, count: int) -> None:
    """Every day that is no match as CSV, made at the click and logged; nothing for whoever may take no files away."""
    if not downloads.may_take(viewer):
        return
    name = f"reconciliation_{selection.since}_{selection.until}.{_CSV.extension}"
    st.download_button(
        f"Download CSV ({formats.counted(count, 'day')})",
        maker(viewer, selection, name),  # type: ignore[arg-type]  # ``handing_out`` is who calls it
        file_name=name,
        mime=_CSV.media_type,
        key="reconciliation_csv",
        icon=":material/download:",
        help="Every day that differs, with Meta's number beside ours, and those that were not compared",
        on_click="ignore",
    )


def maker(viewer: Viewer, selection: Selection, name: str) -> Make:
    """What runs on the loop at the click: the sign-in of ``viewer`` must still hold."""

    async def make() -> Made:
        now = await downloads.still_signed_in(viewer)
        span, asked = (selection.since, selection.until), selection.account_ids
        with nameless() as file:
            written = await write_reconciliation(
                bridge.store(), now, *span, file, account_ids=asked, currency=selection.currency, via="page"
            )
        return Made(file, written.bytes, name, _CSV.media_type, viewer)

    return make
