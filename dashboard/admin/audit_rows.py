"""The rows of the audit log, and under the one that is open all that the log holds of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import partial
from html import escape

import streamlit as st

from dashboard import address, formats
from dashboard.admin import audit_words
from dashboard.admin.audit_view import AuditView
from dashboard.admin.audit_words import Names
from lib.access.audit_reading import AuditEntry

HEADS = ("When (UTC)", "Who", "What was done", "To what", "What changed")
WIDTHS = (1.25, 1.75, 1.35, 1.9, 3.3)


def rows(view: AuditView, entries: Sequence[AuditEntry], known: Names) -> None:
    """One row an entry, the newest first; a click anywhere on one opens it."""
    now = dt.datetime.now(dt.UTC)
    with st.container(key="audit_rows", gap=None):
        with st.container(key="audit_heads"):
            for column, word in zip(st.columns(WIDTHS), HEADS, strict=True):
                column.caption(word)
        for entry in entries:
            _row(view, entry, known, now)


def _row(view: AuditView, entry: AuditEntry, known: Names, now: dt.datetime) -> None:
    is_open = view.entry == entry.id
    at, who, did, what, change = st.columns(WIDTHS, vertical_alignment="top")
    with at:
        opener(entry, audit_words.when(entry.at, now), is_open=is_open)
    for column, words in (
        (who, audit_words.who(entry)),
        (did, audit_words.did(entry)),
        (what, audit_words.to_what(entry, known)),
        (change, formats.short(audit_words.change(entry, known), 160)),
    ):
        if words:
            column.html(f"<span>{formats.breakable(words)}</span>")
    if is_open:
        panel(entry, known)


def opener(entry: AuditEntry, words: str, *, is_open: bool) -> None:
    """The button that opens and closes an entry; its reach is the whole row."""
    st.button(
        words,
        key=f"audit:row:{entry.id}",
        type="tertiary",
        icon=":material/expand_more:" if is_open else ":material/chevron_right:",
        on_click=address.apply,
        args=(partial(AuditView.toggled, entry=entry.id),),
    )


def panel(entry: AuditEntry, known: Names) -> None:
    """Everything of an entry, one line a field."""
    said = "".join(
        f"<dt>{escape(line.label)}</dt><dd>{formats.breakable(line.words)}</dd>"
        for line in audit_words.facts(entry, known)
    )
    with st.container(key="audit_open", border=True):
        st.html(f"<dl>{said}</dl>")
