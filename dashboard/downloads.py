"""Downloads of the whole result. Each file is written when it is asked for, for a person who is looked up again."""

from __future__ import annotations

import io
from collections.abc import Callable

import streamlit as st

from dashboard import bridge, formats, frames
from dashboard.selection import Selection
from lib.access import sessions
from lib.access.viewer import Viewer
from lib.errors import AccessError
from lib.insights.export import file_name, write_csv
from lib.insights.query import InsightQuery


def csv(label: str, query: InsightQuery, selection: Selection, viewer: Viewer, rows: int) -> None:
    """A button that says how many rows the file has and writes them all when it is clicked."""
    st.download_button(
        f"{label} ({formats.counted(rows, 'row')})",
        writer(query, viewer),
        file_name=name_of(query, selection),
        mime="text/csv",
        key="download_csv",
        icon=":material/download:",
        help="Every row of this result, not only those on screen",
        on_click="ignore",
        disabled=rows == 0,
    )


def writer(query: InsightQuery, viewer: Viewer) -> Callable[[], bytes]:
    """What runs at the click, on a thread without a session: the sign-in of ``viewer`` must still hold."""

    def write() -> bytes:
        now = bridge.run(_still_signed_in(viewer))
        file = io.BytesIO()
        write_csv(frames.reader(now).answer(query), file)
        return file.getvalue()

    return write


async def _still_signed_in(viewer: Viewer) -> Viewer:
    found = await sessions.viewer_of_hash(bridge.store(), viewer.session_hash)
    if found is None:
        raise AccessError("Your sign-in has ended; nothing was written.", "Sign in again.")
    return found


def name_of(query: InsightQuery, selection: Selection) -> str:
    """client_period_grain.csv; one client by its slug, several as all-clients."""
    shown = [client for client in selection.clients if set(client.accounts) & set(selection.accounts)]
    client = shown[0].slug if len(shown) == 1 else ""
    return file_name(query, "csv", client=client, is_sample=selection.has_sample)
