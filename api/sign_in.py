"""/sign-in: the one-time link, and the e-mail and password form.

With them come the pages behind links in mails.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api import sign_in_page
from api.accounts import WRONG, LocalAccounts, Stores
from api.by_mail import ByMail
from api.forms import caller, form_fields, page, sent_to
from api.leaving import take_over
from api.middleware import is_same_origin, local_path
from lib.access import sessions
from lib.errors import StoreError, TooManyAttempts
from lib.settings import Settings

LONGEST_TOKEN = 200
GONE = "A sign-in link works once and only for a while."
ASK = f"{GONE} Ask your administrator for a new link, or use your e-mail and password."
ASK_HERE = f"{GONE} Run make run once more, which prints a new one, or use your e-mail and password."
"""For whoever runs all of it on one machine."""


class SignIn:
    """The handlers."""

    def __init__(self, stores: Stores, settings: Settings) -> None:
        self.stores = stores
        self.base_url = settings.base_url
        self.accounts = LocalAccounts(stores, settings)
        self._gone = ASK_HERE if settings.is_embedded else ASK

    def routes(self) -> list[Route]:
        """The routes of the address and of the pages behind links in mails."""
        return [
            Route("/sign-in", self.show, methods=["GET"]),
            Route("/sign-in", self.sign_in, methods=["POST"]),
            *ByMail(self.stores, self.base_url, self.accounts).routes(),
        ]

    async def show(self, request: Request) -> Response:
        """The form, or with ``?token=`` the sign-in that a link stands for."""
        token = request.query_params.get("token")
        try:
            if token is None or request.method == "HEAD":
                return page(self._form(local_path(request.query_params.get("next", "/"))))
            return await self._redeem(request, token)
        except StoreError as error:
            return page(sign_in_page.note("The database cannot be reached", str(error)), 503)

    async def _redeem(self, request: Request, token: str) -> Response:
        good = 0 < len(token) <= LONGEST_TOKEN
        age = self.accounts.max_age
        address = caller(request)
        session = await sessions.redeem_link(self.stores(), token, age, address=address) if good else None
        if session is None:
            response: Response = page(sign_in_page.note("This link has been used or has expired", self._gone), 410)
        else:
            response = sent_to("/", await self.accounts.backend.transport.get_login_response(session))
            response = await take_over(request, response, self.stores(), self.accounts.sign_ins)
        response.headers["referrer-policy"] = "no-referrer"
        return response

    async def sign_in(self, request: Request) -> Response:
        """Check e-mail and password; the same answer whoever it was."""
        if not is_same_origin(request.headers, self.base_url):
            return page(sign_in_page.note("Not signed in", "The form was sent from another site."), 403)
        fields = await form_fields(request)
        if fields is None:
            return page(sign_in_page.note("Not signed in", "The form was too long to read."), 413)
        next_path, email = local_path(fields.get("next", "/")), fields.get("email", "").strip()
        try:
            response = await self.accounts.log_in(email, fields.get("password", ""), caller(request))
            if response is not None:
                response = sent_to(next_path, response)
                return await take_over(request, response, self.stores(), self.accounts.sign_ins)
        except StoreError as error:
            return page(self._form(next_path, email, str(error)), 503)
        except TooManyAttempts as error:
            return page(self._form(next_path, email, str(error)), 429, retry_after=str(error.wait_s))
        return page(self._form(next_path, email, WRONG), 401)

    def _form(self, next_path: str, email: str = "", problem: str = "") -> str:
        has_mail = self.accounts.mailing.is_on
        return sign_in_page.form(next_path, email=email, problem=problem, has_mail=has_mail)
