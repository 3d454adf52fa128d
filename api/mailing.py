"""Mails of the local accounts. They go out once the page is sent: nobody learns by waiting who has an account."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable

from starlette.background import BackgroundTask

from lib import mail
from lib.access import letters, mail_links
from lib.access.attempts import MAIL, VERIFICATION, attempts_on
from lib.access.mail_links import Known, Purpose
from lib.errors import MailError, StoreError, TooManyAttempts
from lib.settings import Settings
from lib.store.engine import Store

_log = logging.getLogger(__name__)


class Mailing:
    """Sends them where the settings name a mail server; SettingsError where they name half of one."""

    def __init__(self, stores: Callable[[], Store], settings: Settings) -> None:
        self._stores = stores
        self._base_url = settings.base_url
        self._postbox = mail.postbox_of(settings)

    @property
    def is_on(self) -> bool:
        """Whether mails are sent at all."""
        return self._postbox is not None

    async def forgotten(self, email: str, address: str) -> BackgroundTask:
        """What sends this person, if there is one with a password, the link to a new one.

        TooManyAttempts where it was asked for too often, whether or not there is such a person.
        """
        store = self._stores()
        attempts_on(store).begin(MAIL, email, address)
        return BackgroundTask(self._reset, await mail_links.with_password(store, email))

    async def _reset(self, known: Known | None) -> None:
        if known is not None:
            await self._send_link(known, Purpose.RESET, letters.reset)

    def changed(self, known: Known) -> BackgroundTask:
        """What tells this person that their password was changed."""
        return BackgroundTask(self._send, known, letters.changed(self._base_url))

    def confirming(self, user_id: uuid.UUID) -> BackgroundTask | None:
        """What asks this person to confirm their address, unless that was done, once a day."""
        return BackgroundTask(self._confirm, user_id) if self.is_on else None

    async def _confirm(self, user_id: uuid.UUID) -> None:
        try:
            known = await mail_links.unverified(self._stores(), user_id)
            if known is not None:
                attempts_on(self._stores()).begin(VERIFICATION, known.email)
                await self._send_link(known, Purpose.VERIFY, letters.verification)
        except TooManyAttempts:
            return
        except StoreError:
            _log.exception("An address could not be looked up to be confirmed.")

    async def _send_link(self, known: Known, purpose: Purpose, letter: Callable[[str, str], mail.Letter]) -> None:
        try:
            token = await mail_links.make(self._stores(), purpose, known.user_id)
        except StoreError:
            _log.exception("A link for a mail could not be made.")
        else:
            await self._send(known, letter(self._base_url, token))

    async def _send(self, known: Known, letter: mail.Letter) -> None:
        if self._postbox is None:
            return
        try:
            await mail.send(self._postbox, known.email, letter)
        except MailError:
            _log.exception("A mail could not be sent.")
