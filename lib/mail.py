"""Sends mails by the SMTP server of the settings."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr
from typing import Literal

import aiosmtplib
from email_validator import EmailNotValidError, validate_email

from lib.access.issuers import is_loopback
from lib.errors import MailError, SettingsError
from lib.settings import Settings

TIMEOUT_S = 30


@dataclass(frozen=True)
class Letter:
    """What is written to someone: plain text, wrapped by whoever reads it."""

    subject: str
    text: str


@dataclass(frozen=True)
class Postbox:
    """The SMTP server that takes our mails, and what it wants to know; ``sender`` is an address, maybe with a name."""

    host: str
    port: int
    sender: str
    security: Literal["starttls", "tls", "none"]
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def domain(self) -> str:
        """The sender's: what we call ourselves, so that no name of this machine leaves it."""
        return parseaddr(self.sender)[1].rpartition("@")[2]


def postbox_of(settings: Settings) -> Postbox | None:
    """The server of the MAIL settings, ``None`` where none is named; SettingsError where they cannot be used."""
    password = settings.mail_password.get_secret_value()
    if not settings.mail_host:
        if settings.mail_from or settings.mail_user or password:
            raise SettingsError("Mail is half-configured: MAIL_HOST is not set.", "Set it, or none of the MAIL_….")
        return None
    if bool(settings.mail_user) != bool(password):
        raise SettingsError("Mail is half-configured: MAIL_USER and MAIL_PASSWORD go together.", "Set both, or none.")
    if settings.mail_security == "none" and not is_loopback(settings.mail_host):
        raise SettingsError(
            f"MAIL_SECURITY is none, and mails to {settings.mail_host} would cross the network in the clear.",
            "Set it to starttls or tls; none is for a server on this machine.",
        )
    return Postbox(
        settings.mail_host,
        settings.mail_port,
        _sender(settings.mail_from),
        settings.mail_security,
        settings.mail_user,
        password,
    )


def _sender(written: str) -> str:
    name, address = parseaddr(written)
    try:
        plain = validate_email(address, check_deliverability=False, allow_smtputf8=False).ascii_email or ""
        return str(Address(name, addr_spec=plain))
    except (EmailNotValidError, ValueError) as error:
        raise SettingsError("MAIL_FROM is not an e-mail address.", "Write Name <name@example.com>.") from error


def _plain(email: str) -> str:
    """The address as every mail server takes it; a name before the @ that is beyond ASCII stays as it is."""
    try:
        found = validate_email(email, check_deliverability=False)
    except EmailNotValidError:
        return email
    return found.ascii_email or email


async def send(postbox: Postbox, email: str, letter: Letter) -> None:
    """Hand a letter to this address over to the server; MailError where it did not take it."""
    async with _at(postbox) as server:
        await server.send_message(_message(postbox, email, letter))


async def greet(postbox: Postbox) -> None:
    """Sign in at the server and leave again; MailError where it does not let us."""
    async with _at(postbox):
        pass


@asynccontextmanager
async def _at(postbox: Postbox) -> AsyncIterator[aiosmtplib.SMTP]:
    server = aiosmtplib.SMTP(
        hostname=postbox.host,
        port=postbox.port,
        username=postbox.user or None,
        password=postbox.password or None,
        local_hostname=postbox.domain,
        use_tls=postbox.security == "tls",
        start_tls=postbox.security == "starttls",
        tls_context=None if postbox.security == "none" else ssl.create_default_context(),
        timeout=TIMEOUT_S,
    )
    try:
        async with server:
            yield server
    except (aiosmtplib.SMTPException, OSError, UnicodeError) as error:
        raise MailError(
            "The mail server did not take the message.",
            "No mail was sent. Try again later; administrators find the reason in the log.",
        ) from error


def _message(postbox: Postbox, email: str, letter: Letter) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = postbox.sender, _plain(email), letter.subject
    message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain=postbox.domain)
    # So that nobody's absence notice answers.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    return message
