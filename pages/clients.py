"""Clients: whom the agency serves, the tokens that open their accounts, and the accounts; for managers and admins."""

import streamlit as st

from dashboard import gate, refreshing, states
from dashboard.admin import clients, deeds

viewer = gate.current_viewer()

with states.errors("Clients could not be shown"):
    states.only_managers(viewer, clients.FOR_OTHERS)
    st.title("Clients", anchor=False)
    deeds.enter("clients")
    deeds.say()
    refreshing.panel(viewer)
    found = clients.head(viewer)
    clients.listing(viewer, found)
