"""Can people sign in, at an address where nobody listens in."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import httpx

from lib.access.cookie_key import cookie_secret
from lib.access.door import refuse_open_door
from lib.access.issuers import is_loopback
from lib.doctor.finding import Finding, State, failed, of_error, ok, skipped, warning
from lib.errors import SettingsError
from lib.settings import Settings

SIGN_IN = "Sign-in"
TIMEOUT_S = 5.0
_NEEDED = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")


def sign_in(settings: Settings) -> list[Finding]:
    """The provider, the address, the secret behind cookies, and whose access tokens the API takes."""
    checks = {SIGN_IN: _provider, "Address": _address, "Cookie secret": _cookie, "API tokens": _issuers}
    found = [_checked(name, check, settings) for name, check in checks.items()]
    return [found[0], *(_once(one, found[0]) for one in found[1:])]


def _once(finding: Finding, first: Finding) -> Finding:
    """Half a provider is in the way of several checks; it is told of once."""
    return skipped(finding.name, "The sign-in comes first.") if finding.sentence == first.sentence else finding


def _checked(name: str, check: Callable[[str, Settings], Finding], settings: Settings) -> Finding:
    try:
        return check(name, settings)
    except SettingsError as error:
        return of_error(name, error)


def _provider(name: str, settings: Settings) -> Finding:
    services = {settings.popup_issuer.rstrip("/"): "AUTH_POPUP_DOMAIN"} if settings.has_popup else {}
    if settings.has_oidc:
        services[settings.auth_issuer] = "AUTH_ISSUER: it is the address without /.well-known"
    if not services:
        return ok(name, "People sign in with local accounts.")
    found = [_answering(name, issuer, setting) for issuer, setting in services.items()]
    return next((one for one in found if one.state is not State.OK), found[-1])


def _answering(name: str, issuer: str, setting: str) -> Finding:
    remedy = f"Correct {setting}, such as https://TENANT.eu.auth0.com."
    try:
        document = _document(issuer)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return failed(name, f"The provider {issuer} does not answer ({type(error).__name__}).", remedy)
    missing = [word for word in _NEEDED if not isinstance(document.get(word), str)]
    if missing or str(document["issuer"]).rstrip("/") != issuer.rstrip("/"):
        return failed(name, f"What answers at {issuer} is not this provider.", remedy)
    return ok(name, f"The provider {issuer} answers.")


def _document(issuer: str) -> dict[str, object]:
    # Proxies are for the way out, not for this machine.
    is_outside = not is_loopback(urlsplit(issuer).hostname)
    with httpx.Client(timeout=TIMEOUT_S, trust_env=is_outside) as http:
        answer = http.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration").raise_for_status()
    found = answer.json()
    if not isinstance(found, dict):
        raise ValueError("the answer is no JSON object")
    return found


def _address(name: str, settings: Settings) -> Finding:
    refuse_open_door(settings)
    url, host = settings.base_url, urlsplit(settings.base_url).hostname
    if url.startswith("https://"):
        return ok(name, f"People open {url}.")
    if is_loopback(host) and is_loopback(settings.host):
        return ok(name, f"People open {url}, which only this machine reaches.")
    if is_loopback(host):
        return warning(
            name,
            f"HOST is {settings.host}, but links and sign-ins lead to {url}.",
            "Set PUBLIC_URL to the https address that people type.",
        )
    return warning(
        name,
        f"People open {url} without encryption, so others on the way can read their cookies.",
        "Put a proxy with TLS in front and set PUBLIC_URL to its https address.",
    )


def _cookie(name: str, settings: Settings) -> Finding:
    if not settings.has_oidc and not settings.auth_cookie_secret.get_secret_value():
        return skipped(name, "Local accounts need none.")
    is_made_here = settings.is_embedded and not settings.auth_cookie_secret.get_secret_value()
    if is_made_here:
        return ok(name, f"The dashboard keeps one in {settings.data_path}.")
    cookie_secret(settings)
    return ok(name, "AUTH_COOKIE_SECRET is set and long enough.")


def _issuers(name: str, settings: Settings) -> Finding:
    names = [issuer.name for issuer in settings.issuers]
    if not names:
        return ok(name, "The API takes personal tokens and sign-ins alone.")
    return ok(name, f"The API takes access tokens of {', '.join(names)}.")
