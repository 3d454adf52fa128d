"""/sign-in: the one-time link, and the e-mail and password form.

With them come the pages behind links in mails.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from api import sign_in_page
from api.accounts import WRONG, LocalAccounts, Stores
from api.by_mail import ByMail
from api.elsewhere import NO_PASSWORDS, elsewhere
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
        self._has_passwords = settings.local_accounts
        self._gone = ASK_HERE if settings.is_embedded else ASK

    def routes(self) -> list[Route]:
        """The routes of the address and of the pages behind links in mails."""
        by_mail = ByMail(self.stores, self.base_url, self.accounts)
        return [
            Route("/sign-in", self.show, methods=["GET"]),
            Route("/sign-in", self.sign_in, methods=["POST"]),
            *(by_mail.routes() if self._has_passwords else elsewhere()),
        ]

    async def show(self, request: Request) -> Response:
        """The form, or with ``?token=`` the sign-in that a link stands for, or the button that asks for it."""
        token = request.query_params.get("token")
        try:
            if token is None or request.method == "HEAD":
                there = local_path(request.query_params.get("next", "/"))
                return page(self._form(there)) if self._has_passwords else RedirectResponse(there, 303)
            return await (self._redeem(request, token) if _is_opened_here(request) else self._offer(token))
        except StoreError as error:
            return page(sign_in_page.note("The database cannot be reached", str(error)), 503)

    async def _offer(self, token: str) -> Response:
        """The button for this link; a look, be it a preview's, uses nothing up."""
        email = await sessions.owner_of_unused(self.stores(), token) if _is_readable(token) else None
        response = self._over() if email is None else page(sign_in_page.link(token, email))
        # As with links in mails: no-referrer would hide from where the form comes, and the default tells the token.
        response.headers["referrer-policy"] = "strict-origin"
        return response

    async def _redeem(self, request: Request, token: str) -> Response:
        age, address = self.accounts.max_age, caller(request)
        good = _is_readable(token)
        session = await sessions.redeem_link(self.stores(), token, age, address=address) if good else None
        if session is None:
            response = self._over()
        else:
            response = sent_to("/", await self.accounts.backend.transport.get_login_response(session))
            response = await take_over(request, response, self.stores(), self.accounts.sign_ins)
        response.headers["referrer-policy"] = "no-referrer"
        return response

    def _over(self) -> Response:
        return page(sign_in_page.note("This link has been used or has expired", self._gone), 410)

    async def sign_in(self, request: Request) -> Response:
        """Check e-mail and password, with the same answer whoever it was; or use the link up that the button is for."""
        if not is_same_origin(request.headers, self.base_url):
            return page(sign_in_page.note("Not signed in", "The form was sent from another site."), 403)
        fields = await form_fields(request)
        if fields is None:
            return page(sign_in_page.note("Not signed in", "The form was too long to read."), 413)
        take = self._by_link if "token" in fields else self._by_password
        return await take(request, fields)

    async def _by_password(self, request: Request, fields: dict[str, str]) -> Response:
        if not self._has_passwords:
            return page(sign_in_page.note("Not signed in", NO_PASSWORDS), 403)
        next_path, email = local_path(fields.get("next", "/")), fields.get("email", "").strip()
        try:
            response = await self.accounts.log_in(email, fields.get("password", ""), caller(request))
            if response is None:
                return page(self._form(next_path, email, WRONG), 401)
            response = sent_to(next_path, response)
            return await take_over(request, response, self.stores(), self.accounts.sign_ins)
        except StoreError as error:
            return page(self._form(next_path, email, str(error)), 503)
        except TooManyAttempts as error:
            return page(self._form(next_path, email, str(error)), 429, retry_after=str(error.wait_s))

    async def _by_link(self, request: Request, fields: dict[str, str]) -> Response:
        try:
            return await self._redeem(request, fields["token"])
        except StoreError as error:
            return page(sign_in_page.note("The database cannot be reached", str(error)), 503)

    def _form(self, next_path: str, email: str = "", problem: str = "") -> str:
        has_mail = self.accounts.mailing.is_on
        return sign_in_page.form(next_path, email=email, problem=problem, has_mail=has_mail)


def _is_readable(token: str) -> bool:
    return 0 < len(token) <= LONGEST_TOKEN


def _is_opened_here(request: Request) -> bool:
    """Whether a person opens the address in this browser: by typing it, from a terminal or a program, or from a page
    of ours. Previews, programs, look-aheads and other sites are not that, nor is who does not say."""
    said = request.headers
    is_page = (said.get("sec-fetch-mode"), said.get("sec-fetch-dest")) == ("navigate", "document")
    is_ahead = "sec-purpose" in said or "purpose" in said
    return is_page and said.get("sec-fetch-site") in ("none", "same-origin") and not is_ahead
