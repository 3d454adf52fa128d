"""Where a browser goes at a sign-out, so that the sign-in service forgets the person too."""

from __future__ import annotations

import logging
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from lib.access.issuers import is_loopback
from lib.settings import Settings

TIMEOUT_S = 5.0
_log = logging.getLogger(__name__)


class WaysOut:
    """The addresses that end a sign-in at its provider and come back to the dashboard."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._end_session = ""

    async def of(self, provider: str | None) -> str:
        """The address for someone who came by ``provider`` (as the sign-in says it); ``/`` where none is to be told."""
        settings = self._settings
        if provider == "popup" and settings.has_popup:
            return self._auth0(settings.popup_issuer, settings.auth_popup_client_id)
        if provider != "oidc" or not settings.has_oidc:
            return "/"
        # Auth0's other address asks the person whether they mean it.
        if (urlsplit(settings.auth_issuer).hostname or "").endswith(".auth0.com"):
            return self._auth0(settings.auth_issuer, settings.auth_client_id)
        end = await self._end()
        back = {"client_id": settings.auth_client_id, "post_logout_redirect_uri": settings.base_url}
        return _with(end, back) if end else "/"

    def _auth0(self, issuer: str, client_id: str) -> str:
        named = {"client_id": client_id, "returnTo": self._settings.base_url}
        return f"{issuer.rstrip('/')}/v2/logout?{urlencode(named)}"

    async def _end(self) -> str:
        """The provider's address for it, asked for once; '' where there is none or it does not say."""
        if not self._end_session:
            try:
                self._end_session = await _end_session(self._settings.auth_issuer.rstrip("/"))
            except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
                _log.warning("Where %s ends sign-ins was not found out: %r", self._settings.auth_issuer, error)
        return self._end_session


async def _end_session(issuer: str) -> str:
    is_outside = not is_loopback(urlsplit(issuer).hostname)
    async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=is_outside) as http:
        answer = (await http.get(f"{issuer}/.well-known/openid-configuration")).raise_for_status()
    document = answer.json()
    found = document.get("end_session_endpoint", "") if isinstance(document, dict) else ""
    if not isinstance(found, str) or urlsplit(found).scheme not in ("https", "http"):
        raise ValueError("it names no end_session_endpoint")
    return found


def _with(address: str, more: dict[str, str]) -> str:
    parts = urlsplit(address)
    return parts._replace(query=urlencode({**dict(parse_qsl(parts.query)), **more})).geturl()
