"""Auth0's popup button on the sign-in page, and the way of what it gives to ``/sign-in/popup``.

The package ``streamlit-auth0`` draws the button and asks Auth0; its own look at the token is never used.
"""

from __future__ import annotations

import streamlit as st

from lib.access.bearer import LONGEST
from lib.settings import Settings

_HTML = '<p role="alert"></p>'
_CSS = "p { margin: 0; font: 400 1rem var(--st-font); color: var(--st-red-text-color, var(--st-text-color)); }"
# The answer brings the cookie, which no script reads; what was open before the sign-in is then opened with it.
_JS = """
const sent = new Set();
export default async function ({ data, parentElement }) {
  if (!data.token || sent.has(data.token)) return;
  sent.add(data.token);
  const words = parentElement.querySelector("p");
  words.textContent = "";
  let answer;
  try {
    answer = await fetch("/sign-in/popup", { method: "POST", body: new URLSearchParams({ token: data.token }) });
  } catch {
    words.textContent = "The dashboard does not answer. Nobody was signed in; sign in again.";
    return;
  }
  if (answer.status === 204) {
    // Windows that stand on a sign-in which this one has ended are opened anew too.
    new BroadcastChannel("sign-out").postMessage("");
    window.location.reload();
  } else words.textContent = await answer.text();
}
"""
_handover = st.components.v2.component("popup_handover", html=_HTML, css=_CSS, js=_JS)


def draw(settings: Settings) -> None:
    """The button, and what is said where its sign-in is refused."""
    # Streamlit serves the package's button only where a page is what first imports it.
    from streamlit_auth0 import _login_button as button

    setup = {"clientId": settings.auth_popup_client_id, "domain": settings.auth_popup_domain}
    token = button(auth_setup=setup, key="gate_popup", default=None)
    is_token = isinstance(token, str) and len(token) <= LONGEST
    _handover(data={"token": token if is_token else ""}, key="gate_popup_handover", width="stretch", height="content")
