"""What people do by a link in a mail: /invitation, /forgotten, /reset and /verify.

A look at such an address, be it a mail scanner's, changes nothing: what it stands for is done by sending its form.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api import mail_pages
from api.accounts import LocalAccounts, Stores, hashing
from api.forms import caller, form_fields, page, sent_to
from api.leaving import take_over
from api.middleware import is_same_origin
from api.sign_in_page import note
from lib.access import invitations, mail_links
from lib.access.attempts import SIGN_IN, attempts_on
from lib.access.invitations import InvitationOver
from lib.access.mail_links import LinkGone, Purpose
from lib.errors import AccessError, AppError, Conflict, StoreError, TooManyAttempts, UsageError

Handler = Callable[[Request], Awaitable[Response]]
Fields = dict[str, str]
NO_MAIL = "This dashboard sends no mails. Ask your administrator for a link that signs you in."
ON_ITS_WAY = (
    "If there is an account with a password at this address, a link to a new one is on its way. It works for an hour."
    " Look into the spam folder too."
)
DIFFERENT = "The two passwords differ. Nothing was stored; type the new one twice."


class ByMail:
    """The handlers."""

    def __init__(self, stores: Stores, base_url: str, accounts: LocalAccounts) -> None:
        self.stores = stores
        self.base_url = base_url
        self.accounts = accounts

    def routes(self) -> list[Route]:
        """Each address twice: to look at, and to send its form to."""
        handlers: dict[str, tuple[Handler, Callable[[Request, Fields], Awaitable[Response]]]] = {
            "/invitation": (self.show_invitation, self.accept),
            "/forgotten": (self.show_forgotten, self.forgotten),
            "/reset": (self.show_reset, self.reset),
            "/verify": (self.show_verify, self.verify),
        }
        return [
            route
            for path, (show, take) in handlers.items()
            for route in (
                Route(path, self._kept_quiet(show), methods=["GET"]),
                Route(path, self._kept_quiet(self._ours(take)), methods=["POST"]),
            )
        ]

    def _kept_quiet(self, handle: Handler) -> Handler:
        async def quiet(request: Request) -> Response:
            try:
                response = await handle(request)
            except (StoreError, Conflict, AccessError, LinkGone) as error:
                response = _refusal(error)
            # The address holds a token, so nobody is told more of it than the host. With no-referrer browsers would
            # not say either from where the form comes, and a form of ours could not be told from another site's.
            response.headers["referrer-policy"] = "strict-origin"
            return response

        return quiet

    def _ours(self, take: Callable[[Request, Fields], Awaitable[Response]]) -> Handler:
        async def checked(request: Request) -> Response:
            if not is_same_origin(request.headers, self.base_url):
                return page(note("Nothing was changed", "The form was sent from another site."), 403)
            fields = await form_fields(request)
            if fields is None:
                return page(note("Nothing was changed", "The form was too long to read."), 413)
            return await take(request, fields)

        return checked

    async def show_invitation(self, request: Request) -> Response:
        """The form that makes an account."""
        token = request.query_params.get("token", "")
        return page(mail_pages.invitation(token, await self._invited(token)))

    async def _invited(self, token: str) -> str:
        found = await invitations.open_invitation(self.stores(), token)
        if found is None:
            raise InvitationOver
        return found.email

    async def accept(self, request: Request, fields: Fields) -> Response:
        """Make the account and sign its owner in."""
        token = fields.get("token", "")
        email = await self._invited(token)
        try:
            password = _same_twice(fields)
            async with hashing():
                user_id = await invitations.accept(self.stores(), token, password, address=caller(request))
        except Conflict:
            raise
        except UsageError as error:
            return page(mail_pages.invitation(token, email, problem=str(error)), 422)
        response = sent_to("/", await self.accounts.come_in(user_id, caller(request)))
        return await take_over(request, response, self.stores(), self.accounts.sign_ins)

    async def show_forgotten(self, request: Request) -> Response:
        """The form that asks for a link."""
        if not self.accounts.mailing.is_on:
            return page(note("No mail is sent", NO_MAIL))
        return page(mail_pages.forgotten())

    async def forgotten(self, request: Request, fields: Fields) -> Response:
        """Mail a link; the same answer, as soon, whoever it was."""
        mailing, email = self.accounts.mailing, fields.get("email", "").strip()
        if not mailing.is_on:
            return page(note("No mail is sent", NO_MAIL))
        try:
            sending = await mailing.forgotten(email, caller(request))
        except TooManyAttempts as error:
            form = mail_pages.forgotten(email=email, problem=str(error))
            return page(form, 429, retry_after=str(error.wait_s))
        return page(note("Look into your mail", ON_ITS_WAY), background=sending)

    async def show_reset(self, request: Request) -> Response:
        """The form that takes a new password."""
        token = request.query_params.get("token", "")
        known = await mail_links.owner(self.stores(), Purpose.RESET, token)
        return page(mail_pages.reset(token, known.email))

    async def reset(self, request: Request, fields: Fields) -> Response:
        """Change the password, end every sign-in, and tell the person so."""
        token = fields.get("token", "")
        known = await mail_links.owner(self.stores(), Purpose.RESET, token)
        try:
            password = _same_twice(fields)
            async with hashing():
                await mail_links.reset_password(self.stores(), token, password)
        except LinkGone:
            raise
        except UsageError as error:
            return page(mail_pages.reset(token, known.email, problem=str(error)), 422)
        attempts_on(self.stores()).forget(SIGN_IN, known.email)
        told = note("Your password is changed", "Every sign-in of yours has ended. Sign in with the new password.")
        return page(told, background=self.accounts.mailing.changed(known))

    async def show_verify(self, request: Request) -> Response:
        """The button that confirms an address."""
        token = request.query_params.get("token", "")
        known = await mail_links.owner(self.stores(), Purpose.VERIFY, token)
        return page(mail_pages.verify(token, known.email))

    async def verify(self, request: Request, fields: Fields) -> Response:
        """Note that the address is its owner's."""
        known = await mail_links.verify(self.stores(), fields.get("token", ""))
        return page(note("Your address is confirmed", f"{known.email} is yours. There is nothing more to do."))


def _same_twice(fields: Fields) -> str:
    password = fields.get("password", "")
    if password != fields.get("again", ""):
        raise UsageError(DIFFERENT)
    return password


def _refusal(error: AppError) -> Response:
    if isinstance(error, StoreError):
        return page(note("The database cannot be reached", str(error)), 503)
    title = "There is an account already" if isinstance(error, Conflict) else "This link opens nothing"
    return page(note(title, str(error)), 409 if isinstance(error, Conflict) else 410)
