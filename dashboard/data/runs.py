"""The refreshes of late, and under the one that is open how far each of its accounts came."""

from __future__ import annotations

import datetime as dt
import uuid
from functools import partial

import pandas as pd
import streamlit as st

from dashboard import address, bridge, filters, formats, refreshing, states, tables
from dashboard.data import words
from dashboard.data.view import SIZES, DataView
from lib.access.viewer import Viewer
from lib.refresh.askers import askers
from lib.refresh.progress import RunProgress, history, progress

HEADS = ("Begun (UTC)", "What", "How it ended", "Slices", "How much")
WIDTHS = (1.2, 2.1, 2.3, 0.9, 2.7)


def listing(view: DataView, viewer: Viewer) -> None:
    """One row a refresh, the newest first; a click anywhere on one opens it."""
    st.subheader("Refreshes", anchor=False)
    store = bridge.store()
    first = (view.page - 1) * view.limit
    found, total = bridge.run(history(store, viewer, offset=first, limit=view.limit))
    if not found and total:
        first, _ = tables.window(view, total)
        found, total = bridge.run(history(store, viewer, offset=first, limit=view.limit))
    if not found:
        said = "Nothing was fetched for your accounts so far."
        states.empty(":material/sync_disabled:", "No refresh yet", said, of="runs")
        return
    elsewhere = None if view.run in {str(run.run_id) for run in found} else _elsewhere(view, viewer)
    shown = [*([elsewhere] if elsewhere else []), *found]
    who = bridge.run(askers(store, viewer, [run.run_id for run in shown]))
    now = dt.datetime.now(dt.UTC)
    with st.container(key="run_rows", gap=None):
        with st.container(key="run_heads"):
            for column, word in zip(st.columns(WIDTHS), HEADS, strict=True):
                column.caption(word)
        for run in shown:
            _row(run, who.get(run.run_id, ""), now, is_open=view.run == str(run.run_id))
    _foot(view, total)


def _elsewhere(view: DataView, viewer: Viewer) -> RunProgress | None:
    """The refresh that the address names, where newer ones have moved it to another page."""
    if not view.run:
        return None
    found = bridge.run(progress(bridge.store(), viewer, uuid.UUID(view.run)))
    if found is None:
        st.info("The refresh that this address asks for is not there, or it is not open to you.")
    return found


def _row(run: RunProgress, who: str, now: dt.datetime, *, is_open: bool) -> None:
    at, what, ended, slices, much = st.columns(WIDTHS, vertical_alignment="top")
    with at:
        st.button(
            words.when(run.started_at, now),
            key=f"run:row:{run.run_id}",
            type="tertiary",
            icon=":material/expand_more:" if is_open else ":material/chevron_right:",
            on_click=address.apply,
            args=(partial(DataView.toggled, run=str(run.run_id)),),
        )
    what.html(f"<span>{formats.breakable(words.what(run, who))}</span>")
    ended.markdown(words.ended(run))
    slices.text(words.slices(run))
    much.text(words.counts(run))
    if is_open:
        _panel(run)


def _panel(run: RunProgress) -> None:
    """Its accounts, and for each that failed why and what to do."""
    with st.container(key="run_open", border=True):
        for account in run.accounts:
            if account.failure:
                refreshing.refused(account.failure, account.name)
        rows = words.run_accounts(run)
        st.dataframe(
            pd.DataFrame(rows),
            hide_index=True,
            height="content" if len(rows) <= 10 else 420,
            column_config={"Account": st.column_config.TextColumn(pinned=True, width=180)},
            alt="How far each account of this refresh came",
        )


def _foot(view: DataView, total: int) -> None:
    with st.container(key="table_foot", horizontal=True, vertical_alignment="center", gap="small"):
        tables.pager(view, total, "Refreshes")
        filters.choice("Rows", "limit", SIZES, view.limit, width=140, words=_per_page, is_labelled=False)


def _per_page(size: int) -> str:
    return f"{size} per page"
