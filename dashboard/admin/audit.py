"""The audit log on a page: what narrows it, its rows, and the whole of it as a file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import streamlit as st

from dashboard import address, bridge, downloads, filters, formats, states, tables
from dashboard.admin import audit_rows, audit_words
from dashboard.admin.audit_view import ACTIONS, PERIODS, SIZES, AuditView
from dashboard.admin.audit_words import Names
from dashboard.shelf import Made, Make
from lib.access.audit_file import write_audit
from lib.access.audit_reading import (
    AuditEntry,
    AuditPage,
    AuditQuestion,
    account_names,
    clients_of_log,
    read_audit,
    read_entry,
)
from lib.access.viewer import Viewer
from lib.insights.export import FORMATS, nameless

_CSV = FORMATS["csv"]
FOR_OTHERS = "It shows who did what. Ask an administrator of this dashboard what you need to know."
"""What people read whom the page is not for."""


def controls(view: AuditView, question: AuditQuestion, viewer: Viewer) -> None:
    """Days, person, action and clients; then the days in words."""
    known = bridge.run(clients_of_log(bridge.store(), viewer))
    names = {one.slug: f"{one.name} (archived)" if one.is_archived else one.name for one in known}
    filters.shown("span", (question.since, question.until))
    with (
        st.container(key="audit_filters"),
        st.container(key="filter_bar", horizontal=True, vertical_alignment="bottom", gap="small"),
    ):
        filters.choice("Period", "period", PERIODS, view.period, words=PERIODS.__getitem__, width=200)
        if view.period == "custom":
            filters.dates(question.since, question.until, max(_today(), question.until))
        filters.text("Person", "person", view.person, "Part of an address", width=220)
        filters.choice("What was done", "action", ACTIONS, view.action, words=ACTIONS.__getitem__, width=190)
        filters.clients(view, names)
        filters.choice("Rows", "limit", SIZES, view.limit, width=80)
        if view.is_narrowed:
            st.button("Clear filters", key="clear_filters", type="tertiary", on_click=address.clear)
    lost = [slug for slug in view.clients if slug not in names]
    st.caption(f"{formats.span(question.since, question.until)} · times and days in UTC")
    if lost:
        st.info(f"There is no client {formats.plain(formats.listed(lost))}.", icon=":material/link_off:")


def question_of(view: AuditView) -> AuditQuestion:
    """What the view asks the log today."""
    return view.question(_today())


def _today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()


def read(view: AuditView, question: AuditQuestion, viewer: Viewer) -> AuditPage:
    """The entries of the view's page; a page too far is the last."""
    store = bridge.store()

    def page_from(first: int) -> AuditPage:
        return bridge.run(read_audit(store, viewer, question, offset=first, limit=view.limit))

    found = page_from((view.page - 1) * view.limit)
    if found.total and not found.entries:
        found = page_from(tables.window(view, found.total)[0])
    return found


def table(view: AuditView, found: AuditPage, viewer: Viewer) -> None:
    """The entries, the newest first, the one that is open, and the way to the others."""
    known = _names(found.entries, viewer)
    if view.entry and view.entry not in {each.id for each in found.entries}:
        _elsewhere(view, viewer)
    if not found.total:
        states.empty(":material/filter_alt_off:", "No match", "Nothing was noted that fits, in these days.")
        if view.is_narrowed:
            st.button("Clear filters", key="clear_no_match", on_click=address.clear)
        return
    audit_rows.rows(view, found.entries, known)
    tables.pager(view, found.total, "Entries")


def _elsewhere(view: AuditView, viewer: Viewer) -> None:
    """The entry that the address names, where newer ones have moved it to another page, or the days have gone by."""
    entry = bridge.run(read_entry(bridge.store(), viewer, view.entry))
    if entry is None:
        st.info("The log has no such entry.", icon=":material/link_off:")
        return
    st.button("Close this entry", key="audit:close", type="tertiary", on_click=address.change)
    audit_rows.panel(entry, _names([entry], viewer))


def _names(entries: Sequence[AuditEntry], viewer: Viewer) -> Names:
    store = bridge.store()
    known = bridge.run(clients_of_log(store, viewer))
    return audit_words.names(known, bridge.run(account_names(store, viewer, audit_words.accounts_in(entries))))


def download(question: AuditQuestion, viewer: Viewer, count: int) -> None:
    """The whole filtered log as CSV, made at the click; taking it is noted too."""
    name = f"audit_{question.since}_{question.until}.{_CSV.extension}"
    st.download_button(
        f"Download CSV ({formats.counted(count, 'entry', 'entries')})",
        maker(question, viewer, name),  # type: ignore[arg-type]  # ``handing_out`` is who calls it
        file_name=name,
        mime=_CSV.media_type,
        key="audit_csv",
        icon=":material/download:",
        help="Every entry that the filters leave, not only those on screen",
        on_click="ignore",
        disabled=not count,
    )


def maker(question: AuditQuestion, viewer: Viewer, name: str) -> Make:
    """What runs on the loop at the click: ``viewer`` must still be signed in, and still an administrator."""

    async def make() -> Made:
        now = await downloads.still_signed_in(viewer)
        with nameless() as file:
            written = await write_audit(bridge.store(), now, question, file)
        return Made(file, written.size, name, _CSV.media_type, viewer)

    return make
