"""What the policies of pages allow: ourselves, and for the popup's button the tenant, and nobody else."""

from __future__ import annotations

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from api.middleware import SecurityHeaders
from dashboard.policy import BUTTON, policies
from lib.settings import Settings

POPUP = {"auth_popup_domain": "t.eu.auth0.com", "auth_popup_client_id": "spa"}


def read(policy: str) -> dict[str, list[str]]:
    """The sources by directive."""
    return {name: sources for name, *sources in (directive.split() for directive in policy.split("; "))}


def settings(**values: str) -> Settings:
    return Settings(_env_file=None, **values)


def test_without_the_popup_nothing_is_framed_and_nobody_else_is_asked() -> None:
    known = policies(settings())
    assert known.keys() == {"/"}
    page = read(known["/"]["content-security-policy"])
    assert (page["default-src"], page["frame-src"], page["frame-ancestors"]) == (["'none'"], ["'none'"], ["'none'"])
    assert not {"'unsafe-inline'", "'unsafe-eval'", "data:", "https:", "*"} & set(page["script-src"])
    assert not [source for sources in page.values() for source in sources if "//" in source]


def test_only_the_popups_button_is_framed_and_asks_the_tenant() -> None:
    known = policies(settings(**POPUP))
    page, button = (read(known[start]["content-security-policy"]) for start in ("/", BUTTON))
    assert page["frame-src"] == ["'self'"]
    assert page["connect-src"] == ["'self'"]
    assert (button["frame-src"], button["frame-ancestors"]) == (["https://t.eu.auth0.com"], ["'self'"])
    assert button["connect-src"] == ["'self'", "https://t.eu.auth0.com"]
    assert any(source.startswith("'sha256-") for source in button["script-src"])
    assert not {"'unsafe-inline'", "'unsafe-eval'", "blob:"} & set(button["script-src"])


@pytest.mark.parametrize(
    ("path", "framed"), [("/", "DENY"), ("/explore", "DENY"), (f"{BUTTON}index.html", "SAMEORIGIN")]
)
async def test_each_address_has_the_headers_of_its_longest_beginning(path: str, framed: str) -> None:
    known = policies(settings(**POPUP))
    app = Starlette(
        routes=[Route("/{rest:path}", lambda request: PlainTextResponse("said"))],
        middleware=[Middleware(SecurityHeaders, secure_cookies=True, policies=known)],
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        headers = (await client.get(path)).headers
        strict = (await client.get("/api/v1/me")).headers["content-security-policy"]
    own = known[BUTTON if path.startswith(BUTTON) else "/"]
    assert headers["content-security-policy"] == own["content-security-policy"]
    assert headers["x-frame-options"] == framed
    assert strict == "default-src 'none'; frame-ancestors 'none'"
