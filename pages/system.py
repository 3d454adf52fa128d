"""System: whether everything is as it has to be, for administrators."""

import streamlit as st

from dashboard import gate, states, system

viewer = gate.current_viewer()

with states.errors():
    states.only_admins(viewer, system.FOR_OTHERS)
    st.title("System", anchor=False)
    checks = st.container(key="checks")
    left, right = st.columns(2, gap="large")
    with left:
        system.mirror()
    with right:
        system.parts()
    system.exports(viewer)
    with checks:
        system.checks()
