"""People: who may come in, what they see, and who is invited; for administrators."""

import streamlit as st

from dashboard import gate, states
from dashboard.admin import deeds, people

viewer = gate.current_viewer()

with states.errors("People could not be shown"):
    states.only_admins(viewer, people.FOR_OTHERS)
    st.title("People", anchor=False)
    deeds.enter("people")
    deeds.say()
    people.sections(viewer)
