"""The entry script: page settings, the gate, the pages. Pages are listed for strangers too, so that an address
that leads to one still does after the sign-in; nothing of a page runs before."""

from pathlib import Path

import streamlit as st

from dashboard import gate, navigation, seeing, states

# Of an icon that is named by a word, browsers would fetch the picture from elsewhere.
ICON = str(Path(__file__).with_name("icon.svg"))
st.set_page_config(page_title="Ads Administrator", page_icon=ICON, layout="wide", initial_sidebar_state=220)
states.style()
visitor = gate.arrive()
page = st.navigation(navigation.registered(visitor.viewer), position="sidebar" if visitor.viewer else "hidden")
viewer = gate.admit(visitor)
gate.draw_sidebar(viewer)
seeing.banner(viewer)
with gate.present(visitor):
    page.run()
