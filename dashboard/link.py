"""The Copy link button: the address of the window, as it is at the click, into the clipboard."""

from __future__ import annotations

import streamlit as st

_HTML = '<button type="button"><b aria-live="polite">Copy link</b></button>'
_CSS = """
button {
  box-sizing: border-box; min-height: 2.5rem; padding: 0 0.75rem; white-space: nowrap; cursor: pointer;
  font: 400 0.875rem var(--st-font); color: var(--st-text-color);
  background: var(--st-background-color); border: 1px solid var(--st-border-color);
  border-radius: var(--st-button-radius, 8px);
}
button b { font-weight: 400; }
button:hover, button:focus-visible { border-color: var(--st-primary-color); color: var(--st-primary-color); }
button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
"""
# Without https the browser has no clipboard to write to; the old command still copies a selected box.
_JS = """
export default function ({ parentElement }) {
  const button = parentElement.querySelector("button"), words = button.querySelector("b");
  const copied = (text) => {
    const box = document.body.appendChild(document.createElement("textarea"));
    box.value = text; box.select();
    const done = document.execCommand("copy");
    box.remove(); button.focus();
    return done;
  };
  button.onclick = async () => {
    const text = window.location.href;
    let done = false;
    try { await navigator.clipboard.writeText(text); done = true; } catch { done = copied(text); }
    words.textContent = done ? "Copied" : "Copy it from the address bar";
    setTimeout(() => { words.textContent = "Copy link"; }, 2000);
  };
}
"""
_component = st.components.v2.component("copy_link", html=_HTML, css=_CSS, js=_JS)


def copy_button() -> None:
    """A colleague who opens the copied address sees the same view, with their own grants."""
    with st.container(key="copy_link", width="content"):
        _component(key="copy_link_button", width="content", height="content")
