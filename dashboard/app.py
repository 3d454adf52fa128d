"""The entry script: page settings, the gate, the pages. Pages are listed for strangers too, so that an address
that leads to one still does after the sign-in; nothing of a page runs before."""

import streamlit as st

from dashboard import gate, navigation

st.set_page_config(page_title="Ads Administrator", layout="wide")
visitor = gate.identify()
page = st.navigation(navigation.registered(), position="sidebar" if visitor.viewer else "hidden")
viewer = gate.admit(visitor)
gate.draw_sidebar(viewer)
page.run()
