"""Audit: who did what, and when; for administrators."""

import streamlit as st

from dashboard import address, gate, states
from dashboard.admin import audit
from dashboard.admin.audit_view import PAGE

viewer = gate.current_viewer()

with states.errors("The audit log could not be read"):
    states.only_admins(viewer, audit.FOR_OTHERS)
    view = address.current(PAGE)
    st.title("Audit", anchor=False)
    question = audit.question_of(view)
    audit.controls(view, question, viewer)
    found = audit.read(view, question, viewer)
    audit.table(view, found, viewer)
    audit.download(question, viewer, found.total)
