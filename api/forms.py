"""What the plain pages have in common: how a form is read, and how an answer is sent."""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import HTMLResponse, Response

from api import sign_in_page

FORM_BYTES = 8192


async def form_fields(request: Request) -> dict[str, str] | None:
    """The last value of each field; ``None`` where there is more than a form would send."""
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > FORM_BYTES:
                return None
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    except (ClientDisconnect, ValueError):
        return None
    return {name: values[-1] for name, values in fields.items()}


def caller(request: HTTPConnection) -> str:
    """The address that the request came from, as the server knows it; '' where it came by a socket without one."""
    return request.client.host if request.client else ""


def page(html: str, status: int = 200, *, background: BackgroundTask | None = None, **headers: str) -> HTMLResponse:
    """A plain page, which nobody keeps; ``background`` is done once it was sent."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    always = {"content-security-policy": sign_in_page.POLICY, "cache-control": "no-store"}
    return HTMLResponse(html, status, {**always, **named}, background=background)


def sent_to(path: str, response: Response) -> Response:
    """``response``, with its cookies, as the way to ``path``."""
    response.status_code = 303
    response.headers["location"] = path
    response.headers["cache-control"] = "no-store"
    return response
