"""The Content-Security-Policy of each address: what Streamlit's pages and the popup's button need, and nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import streamlit

from lib.errors import SettingsError
from lib.settings import Settings

PACKAGE = "streamlit_auth0"
BUTTON = f"/component/{PACKAGE}.login_button/"
"""Where Streamlit serves the page with the popup's button."""
_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)
Headers = Mapping[str, str]


def policies(settings: Settings) -> dict[str, Headers]:
    """The headers of addresses by what they begin with; the longest beginning counts."""
    found: dict[str, Headers] = {"/": {"content-security-policy": _page(has_button=settings.has_popup)}}
    if settings.has_popup:
        found[BUTTON] = {"content-security-policy": _button(settings), "x-frame-options": "SAMEORIGIN"}
    return found


def _page(*, has_button: bool) -> str:
    """Streamlit puts its styles and those of charts into the page as it runs, so styles cannot be named one by one.

    The scripts of its small components come as blobs of the page's own making, never of what people wrote; the reader
    of its messages is WebAssembly.
    """
    index = Path(streamlit.__file__).parent / "static" / "index.html"
    return _written(
        {
            "default-src": "'none'",
            "script-src": f"'self' blob: 'wasm-unsafe-eval' {_hashes(index)}",
            "style-src": "'self' 'unsafe-inline'",
            "img-src": "'self' data: blob:",
            "font-src": "'self' data:",
            "connect-src": "'self'",
            "worker-src": "'self' blob:",
            "manifest-src": "'self'",
            "frame-src": "'self'" if has_button else "'none'",
            "form-action": "'self'",
            "base-uri": "'none'",
            "frame-ancestors": "'none'",
        }
    )


def _button(settings: Settings) -> str:
    """The button asks Auth0 for the token, and looks there in a hidden frame whether someone is signed in."""
    issuer = settings.popup_issuer.rstrip("/")
    found = find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise SettingsError("The package streamlit-auth0 is missing.", "Install requirements.txt.")
    index = Path(found.origin).parent / "frontend" / "build" / "index.html"
    return _written(
        {
            "default-src": "'none'",
            "script-src": f"'self' {_hashes(index)}",
            "style-src": "'self' 'unsafe-inline'",
            "img-src": "'self' data:",
            "connect-src": f"'self' {issuer}",
            "frame-src": issuer,
            "worker-src": "blob:",
            "form-action": "'none'",
            "base-uri": "'none'",
            "frame-ancestors": "'self'",
        }
    )


@cache
def _hashes(page: Path) -> str:
    """The scripts that stand in ``page`` itself, each by its hash."""
    scripts = _INLINE.findall(page.read_text(encoding="utf-8"))
    digests = [hashlib.sha256(script.encode()).digest() for script in scripts]
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


def _written(directives: Mapping[str, str]) -> str:
    return "; ".join(f"{name} {value}" for name, value in directives.items())
