"""The page of clients, and below it which of the pasted words are anywhere in the session."""

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dashboard import gate
from dashboard.admin import clients, deeds
from tests.browser.pasting import NAME, TOKEN

viewer = gate.current_viewer()
deeds.enter("clients")
deeds.say()
clients.listing(viewer, clients.head(viewer))
context = get_script_run_ctx()
state = context.session_state._state if context else None
# The values of boxes stand in the inner state too, in the form that the browser sent them in.
held = repr([getattr(state, name) for name in state.__slots__]) if state else ""
words = [word for word in (TOKEN, NAME) if word in held]
st.write(f"The session holds {' and '.join(words) or 'neither'}.")
