"""The list of pages. Their files lie outside ``dashboard``, where no address reaches them without the entry script."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

FOLDER = Path(__file__).resolve().parent.parent / "pages"


@dataclass(frozen=True)
class PageEntry:
    """One page: its script, its name in the menu, its last part in the address, and its icon."""

    script: str
    title: str
    path: str
    icon: str


PAGES = (PageEntry("overview.py", "Overview", "overview", ":material/monitoring:"),)


def registered() -> list[StreamlitPage]:
    """The pages for ``st.navigation``; the first is the one at ``/``."""
    return [
        st.Page(FOLDER / entry.script, title=entry.title, url_path=entry.path, icon=entry.icon, default=number == 0)
        for number, entry in enumerate(PAGES)
    ]
