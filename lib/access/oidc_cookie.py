"""The cookies in which ``st.login`` keeps the claims of a sign-in by OIDC, read without Streamlit.

They are signed and may be split; that they are genuine says nothing of their age (``sessions.session_of_oidc`` does).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from itsdangerous import BadData, URLSafeTimedSerializer

COOKIE = "_streamlit_user"
FAILED_COOKIE = "ads_failed"
"""Ours: for a minute it says that a sign-in by redirect came back without success."""
_CHUNKS = re.compile(r"chunks-(\d{1,2})")


def oidc_claims(cookies: Mapping[str, str], secret: str) -> dict[str, Any]:
    """The claims that were signed with ``secret``; empty where there are none."""
    whole = _signed(cookies, COOKIE, secret)
    split = _CHUNKS.fullmatch(whole)
    if split:
        parts = [_signed(cookies, f"{COOKIE}_{number + 1}", secret) for number in range(int(split[1]))]
        whole = "".join(parts) if all(parts) else ""
    try:
        claims = json.loads(whole)
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}


def _signed(cookies: Mapping[str, str], name: str, secret: str) -> str:
    """What the cookie ``name`` says; '' where it is not there or not signed for this name."""
    value = cookies.get(name)
    if not value or not secret:
        return ""
    try:
        said = URLSafeTimedSerializer(secret, salt=name).loads(value)
    except (BadData, UnicodeEncodeError):
        return ""
    return said if isinstance(said, str) else ""
