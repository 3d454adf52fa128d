"""The banner over every page while an administrator looks through another person's eyes."""

from __future__ import annotations

from typing import NoReturn

import streamlit as st

from dashboard import bridge, formats, gate, navigation
from lib.access.seeing import see_as_oneself
from lib.access.viewer import Viewer


def banner(viewer: Viewer) -> None:
    """Whose eyes these are, and the way back; nothing for whoever looks for themselves."""
    if not viewer.seen_by:
        return
    with st.container(key="seeing_as", horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(
            f":material/visibility: You see the numbers that **{formats.plain(viewer.email)}** sees"
            f" ({viewer.role.value}). You only look: nothing can be changed.",
            width="stretch",
        )
        if st.button("Stop", key="seeing_stop", icon=":material/visibility_off:"):
            _stop()


def _stop() -> NoReturn:
    """One's own eyes again, back at the person."""
    viewer = gate.current_viewer()
    bridge.run(see_as_oneself(bridge.store(), viewer))
    # What was chosen with the other's eyes is not for one's own.
    st.session_state.clear()
    st.switch_page(navigation.page("people"), query_params={"open": str(viewer.user_id)} if viewer.seen_by else None)
