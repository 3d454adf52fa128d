"""The entry script: page settings, the gate, the pages. Pages are listed for strangers too, so that an address
that leads to one still does after the sign-in; nothing of a page runs before."""

from pathlib import Path

import streamlit as st

from dashboard import gate, navigation, states

# Of an icon that is named by a word, browsers would fetch the picture from elsewhere.
ICON = str(Path(__file__).with_name("icon.svg"))
st.set_page_config(page_title="Ads Administrator", page_icon=ICON, layout="wide", initial_sidebar_state=220)
states.style()
visitor = gate.identify()
page = st.navigation(navigation.registered(), position="sidebar" if visitor.viewer else "hidden")
viewer = gate.admit(visitor)
gate.draw_sidebar(viewer)
page.run()
