"""Groups: the chats that a bot posts a client's numbers to, for managers and admins."""

import streamlit as st

from dashboard import gate, states
from dashboard.admin import deeds, groups

viewer = gate.current_viewer()

with states.errors("Groups could not be shown"):
    states.only_managers(viewer, groups.FOR_OTHERS)
    st.title("Groups", anchor=False)
    deeds.enter("groups")
    deeds.say()
    groups.listing(viewer)
