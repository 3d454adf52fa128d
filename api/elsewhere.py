"""What stands behind the links of mails where nobody has a password here: people sign in at their provider."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from api.forms import page
from api.sign_in_page import note

NO_PASSWORDS = "Nobody has a password here: sign in as the first page says. Nothing was changed."
INVITED = "You need no password here: sign in with the e-mail address that the invitation was sent to."


def elsewhere() -> list[Route]:
    """The addresses of the pages behind links in mails."""
    paths = ("/forgotten", "/reset", "/verify")
    return [
        Route("/invitation", _invited, methods=["GET"]),
        *(Route(path, _to_the_first_page, methods=["GET"]) for path in paths),
        *(Route(path, _refused, methods=["POST"]) for path in ("/invitation", *paths)),
    ]


async def _invited(_: Request) -> Response:
    return page(note("You are invited", INVITED))


async def _to_the_first_page(_: Request) -> Response:
    return RedirectResponse("/", 303)


async def _refused(_: Request) -> Response:
    return page(note("Not signed in", NO_PASSWORDS), 403)
