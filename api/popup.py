"""/sign-in/popup: what Auth0's popup button gave to the sign-in page becomes a session and its cookie."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from api.accounts import LocalAccounts, Stores
from api.forms import caller, form_fields
from api.identity import is_ours
from api.leaving import forget, take_over
from lib.access import popup
from lib.access.signing_keys import KeysUnavailable
from lib.errors import AccessError, StoreError
from lib.settings import Settings

ADDRESS = "/sign-in/popup"
ELSEWHERE = "This was sent from another site. Nobody was signed in."
TOO_LONG = "The sign-in was too long to read. Nobody was signed in."


class PopupSignIn:
    """The handler; the settings have a popup."""

    def __init__(self, stores: Stores, settings: Settings) -> None:
        self.stores = stores
        self.base_url = settings.base_url
        self.accounts = LocalAccounts(stores, settings)
        self.tokens = popup.PopupTokens(settings)

    def routes(self) -> list[Route]:
        """The route of the address."""
        return [Route(ADDRESS, self.sign_in, methods=["POST"])]

    async def sign_in(self, request: Request) -> Response:
        """204 and the cookie of a session, or a sentence."""
        if not is_ours(request, self.base_url):
            return _said(ELSEWHERE, 403)
        fields = await form_fields(request)
        if fields is None:
            return _said(TOO_LONG, 413)
        try:
            claims = await self.tokens.verify(fields.get("token", ""))
            session = await popup.sign_in(self.stores(), claims, self.accounts.max_age, address=caller(request))
            response = await self.accounts.backend.transport.get_login_response(session)
            response = await take_over(request, response, self.stores(), self.accounts.sign_ins)
        except AccessError as error:
            return _said(str(error), 403)
        except (KeysUnavailable, StoreError) as error:
            return _said(str(error), 503)
        # The button would else sign in by itself whenever it is drawn, after a sign-out too.
        return forget(request, response, "auth0.", "_legacy_auth0.")


def _said(sentence: str, status: int) -> Response:
    return PlainTextResponse(sentence, status, {"cache-control": "no-store"})
