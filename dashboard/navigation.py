"""The list of pages. Their files lie outside ``dashboard``, where no address reaches them without the entry script."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from lib.access.viewer import Role, Viewer

FOLDER = Path(__file__).resolve().parent.parent / "pages"


@dataclass(frozen=True)
class PageEntry:
    """One page: its script, its name in the menu, its last part in the address, its icon, and who finds it there.

    The menu only hides: a page that is not for everyone refuses the others itself.
    """

    script: str
    title: str
    path: str
    icon: str
    role: Role = Role.VIEWER


PAGES = (
    PageEntry("overview.py", "Overview", "overview", ":material/monitoring:"),
    PageEntry("explore.py", "Explore", "explore", ":material/query_stats:"),
    PageEntry("data.py", "Data", "data", ":material/fact_check:"),
    PageEntry("clients.py", "Clients", "clients", ":material/storefront:", Role.MANAGER),
    PageEntry("groups.py", "Groups", "groups", ":material/forum:", Role.MANAGER),
    PageEntry("people.py", "People", "people", ":material/group:", Role.ADMIN),
    PageEntry("audit.py", "Audit", "audit", ":material/policy:", Role.ADMIN),
    PageEntry("system.py", "System", "system", ":material/health_and_safety:", Role.ADMIN),
)


def registered(viewer: Viewer | None) -> list[StreamlitPage]:
    """The pages for ``st.navigation``; the first is the one at ``/``. All have their addresses, whoever looks."""
    return [_page(entry, is_shown=viewer is not None and viewer.may(entry.role)) for entry in PAGES]


def page(path: str) -> StreamlitPage:
    """The page at ``path``, for a link to it."""
    return _page(next(entry for entry in PAGES if entry.path == path))


def _page(entry: PageEntry, *, is_shown: bool = True) -> StreamlitPage:
    return st.Page(
        FOLDER / entry.script,
        title=entry.title,
        url_path=entry.path,
        icon=entry.icon,
        default=entry is PAGES[0],
        visibility="visible" if is_shown else "hidden",
    )
