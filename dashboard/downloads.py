"""Downloads of the whole result. Each file is made when it is asked for, for a person who is looked up again, and
logged before it is handed out.
"""

from __future__ import annotations

from typing import BinaryIO

import streamlit as st

from dashboard import bridge, formats
from dashboard.selection import Selection
from dashboard.shelf import Made, Make
from lib.access import sessions
from lib.access.viewer import Role, Viewer
from lib.errors import AccessError
from lib.insights.asking import ask
from lib.insights.engine import Engine
from lib.insights.export import FORMATS, SHEET_ROWS, ExportResult, export_logged, file_name, may_export, nameless
from lib.insights.query import InsightQuery

OFFERED = {
    "csv": "Commas and decimal points, for any program",
    "csv-eu": "Semicolons and decimal commas, for Excel in Europe",
    "xlsx": "Numbers, dates and percents as Excel has them",
    "parquet": "Typed columns, for data tools",
}
"""The formats of a page, and what each is for."""


def menu(query: InsightQuery, selection: Selection, viewer: Viewer, rows: int | None, key: str = "download") -> None:
    """A button that says how many rows the files have (None: more than a page takes), and behind it the formats.

    Whoever may not take files away finds none; whoever looks through the eyes of someone who may, the reason.
    """
    if not may_take(viewer):
        return
    count = "all rows" if rows is None else formats.counted(rows, "row")
    with st.popover(f"Download ({count})", icon=":material/download:", key=key, disabled=rows == 0):
        st.caption("Every row of this result, not only those on screen")
        for name, purpose in OFFERED.items():
            file_name = name_of(query, selection, FORMATS[name].extension)
            st.download_button(
                FORMATS[name].label,
                maker(name, query, viewer, file_name),  # type: ignore[arg-type]  # ``handing_out`` is who calls it
                file_name=file_name,
                mime=FORMATS[name].media_type,
                key=f"{key}_{name}",
                help=purpose,
                on_click="ignore",
                disabled=rows == 0,
                width="stretch",
            )
        _about_sheets(rows)


def may_take(viewer: Viewer) -> bool:
    """Whether downloads are offered; whoever looks through the eyes of someone they are, is told why not here."""
    if viewer.seen_by and viewer.role.rank >= Role.ANALYST.rank:
        whose = formats.plain(viewer.email)
        st.caption(f"{whose} finds the downloads here. Stop looking through their eyes to take files away.")
    return may_export(viewer)


def _about_sheets(rows: int | None) -> None:
    if rows is None:
        st.caption(f"Excel has {SHEET_ROWS:,} rows on a sheet; where there are more, its file has several sheets.")
    elif rows > SHEET_ROWS:
        sheets = -(-rows // SHEET_ROWS)
        st.caption(f"Excel has {SHEET_ROWS:,} rows on a sheet, so its file has {sheets} sheets.")


def maker(name: str, query: InsightQuery, viewer: Viewer, file_name: str) -> Make:
    """What runs on the loop at the click, without a page: the sign-in of ``viewer`` must still hold."""

    async def make() -> Made:
        with nameless() as file:
            result = await _export(name, query, viewer, file)
        return Made(file, result.bytes, file_name, FORMATS[name].media_type, viewer)

    return make


async def _export(name: str, query: InsightQuery, viewer: Viewer, file: BinaryIO) -> ExportResult:
    now = await still_signed_in(viewer)

    async def work(engine: Engine) -> ExportResult:
        file.seek(0)
        file.truncate()
        return await export_logged(bridge.store(), engine, query, now, name, file=file, via="page")

    return await ask(bridge.engine, work)


async def still_signed_in(viewer: Viewer) -> Viewer:
    """The person as they are at the click; AccessError where their sign-in has ended."""
    found = await sessions.viewer_of_hash(bridge.store(), viewer.session_hash)
    if found is None:
        raise AccessError("Your sign-in has ended; nothing was written.", "Sign in again.")
    return found


def name_of(query: InsightQuery, selection: Selection, extension: str) -> str:
    """client_period_grain.csv; one client by its slug, several as all-clients."""
    shown = [client for client in selection.clients if set(client.accounts) & set(selection.accounts)]
    client = shown[0].slug if len(shown) == 1 else ""
    return file_name(query, extension, client=client, is_sample=selection.has_sample)
