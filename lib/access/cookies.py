"""Who a browser's cookies stand for: a session of ours, or a sign-in by OIDC."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Literal

from lib.access import sessions
from lib.access.cookie_key import cookie_secret
from lib.access.oidc_cookie import oidc_claims
from lib.access.tokens import token_hash
from lib.access.viewer import Viewer
from lib.settings import Settings
from lib.store.engine import Store

Way = Literal["session", "oidc"]


class CookieSignIns:
    """Looks cookies up in the store; SettingsError where Streamlit's secret cannot be had."""

    def __init__(self, settings: Settings) -> None:
        self._has_oidc = settings.has_oidc
        self._secret = cookie_secret(settings)
        self._max_age = dt.timedelta(hours=settings.session_max_age_hours)

    async def viewer_of(
        self, store: Store, cookies: Mapping[str, str], *, address: str = ""
    ) -> tuple[Viewer, Way] | None:
        """The person, who asks from ``address``, and the way of the sign-in; ``None`` where nobody is signed in.

        AccessError where the OIDC provider vouches for someone who may not come in, SignInEnded among them.
        """
        token = cookies.get(sessions.COOKIE)
        viewer = await sessions.viewer_of(store, token) if token else None
        if viewer is not None:
            return viewer, "session"
        claims = self._claims(cookies)
        if not claims:
            return None
        return await sessions.session_of_oidc(store, claims, self._max_age, address=address), "oidc"

    def hashes(self, cookies: Mapping[str, str]) -> dict[Way, bytes]:
        """What the store knows each sign-in by that the cookies hold, whether it is good or has ended."""
        token, claims = cookies.get(sessions.COOKIE), self._claims(cookies)
        found: dict[Way, bytes] = {"session": token_hash(token)} if token else {}
        return found | ({"oidc": sessions.oidc_hash(claims)} if claims else {})

    def _claims(self, cookies: Mapping[str, str]) -> Mapping[str, Any]:
        return oidc_claims(cookies, self._secret) if self._has_oidc else {}
