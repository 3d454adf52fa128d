"""What the gate's tests look at: a secret on the page, one in a fragment that reruns by itself, and a callback."""

import tempfile

import streamlit as st

from dashboard import gate
from dashboard.shelf import Made

viewer = gate.current_viewer()
st.write("Page secret 424242")


@gate.guarded_fragment(run_every=0.5)
def ticking() -> None:
    st.session_state.ticks = st.session_state.get("ticks", 0) + 1
    st.write(f"Fragment secret 737373, tick {st.session_state.ticks}")


@gate.guarded_fragment()
def still() -> None:
    st.button("Rerun fragment")
    st.write("Still secret 919191")


@gate.guarded_callback
def act() -> None:
    st.session_state.acted = st.session_state.get("acted", 0) + 1


async def export() -> Made:
    content = b"export secret 616161"
    file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 (whoever holds it closes it)
    return Made(file, file.write(content), "export.csv", "text/csv", viewer)


if st.query_params.get("ticking"):
    ticking()
still()
st.button("Act", on_click=act)
st.write(f"Acted {st.session_state.get('acted', 0)} times")
if st.button("Fail"):
    raise ValueError("the inner secret 5150")
gate.draw_sidebar(viewer)
st.download_button("Download", export, file_name="export.csv", on_click="ignore")
