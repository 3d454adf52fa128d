"""A sign-out in one window of a browser is seen in its others at once; the page behind ``/auth/logout`` tells them."""

from __future__ import annotations

import streamlit as st

_JS = """
export default function () {
  const channel = new BroadcastChannel("sign-out");
  channel.onmessage = () => window.location.reload();
  return () => channel.close();
}
"""
_listener = st.components.v2.component("sign_out_listener", html="<span hidden></span>", js=_JS)


def listen() -> None:
    """Draw nothing, and open the page anew when a window of this browser signs out."""
    _listener(key="gate_leaving", width=1, height=1)
