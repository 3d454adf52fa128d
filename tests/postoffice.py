"""A real SMTP server on a loop and in a thread of its own, which keeps what it is given."""

from __future__ import annotations

import asyncio
import datetime as dt
import email
import ipaddress
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.fixtures_processes import until

USER, PASSWORD = "dashboard", "mail password"


@dataclass
class PostOffice:
    """Where it listens, what it took, and whom it was greeted by; ``refuses`` is what it says instead of taking it.

    While ``is_open`` is cleared it answers nobody.
    """

    port: int = 0
    taken: list[EmailMessage] = field(default_factory=list)
    greeted: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    refuses: str = ""
    is_open: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.is_open.set()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        """Keep the message, once the office is open."""
        await asyncio.to_thread(self.is_open.wait, 20)
        if self.refuses:
            return self.refuses
        message = email.message_from_bytes(bytes(envelope.content or b""), policy=default)
        assert envelope.rcpt_tos == [str(message["to"])]
        self.greeted.append(str(session.host_name))
        self.encrypted.append(server.transport is not None and bool(server.transport.get_extra_info("ssl_object")))
        self.taken.append(message)
        return "250 taken"

    def letter(self, number: int = -1) -> str:
        """The text of a message."""
        return str(self.taken[number].get_content()).replace("\r\n", "\n")

    def link(self, number: int = -1) -> str:
        """The link in a message."""
        found = re.search(r"https?://\S+", self.letter(number))
        assert found, self.letter(number)
        return found[0]

    def token(self, number: int = -1) -> str:
        """The token of the link in a message."""
        return self.link(number).partition("?token=")[2]

    def wait_for(self, number: int) -> None:
        """Wait until so many messages were taken."""
        until(lambda: len(self.taken) >= number, f"{number} mails")


def _signed_in(server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: LoginPassword) -> AuthResult:
    is_right = (given.login, given.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=is_right, handled=False)  # the server answers


@contextmanager
def post_office(*, tls: ssl.SSLContext | None = None, starttls: ssl.SSLContext | None = None) -> Iterator[PostOffice]:
    """A server on a free port: encrypted from the start, on demand and then for known users only, or not at all."""
    office, loop = PostOffice(), asyncio.new_event_loop()
    options: dict[str, Any] = {"hostname": "localhost", "loop": loop}
    if starttls is not None:
        known = {"authenticator": _signed_in, "auth_required": True, "auth_require_tls": True}
        options |= {"tls_context": starttls, "require_starttls": True, **known}

    async def open_up() -> asyncio.Server:
        return await loop.create_server(lambda: SMTP(office, **options), "127.0.0.1", 0, ssl=tls)

    async def close(server: asyncio.Server) -> None:
        server.close()
        for task in asyncio.all_tasks(loop) - {asyncio.current_task(loop)}:
            task.cancel()
        await asyncio.sleep(0)

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        server = asyncio.run_coroutine_threadsafe(open_up(), loop).result(20)
        office.port = server.sockets[0].getsockname()[1]
        yield office
        asyncio.run_coroutine_threadsafe(close(server), loop).result(20)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()


@dataclass(frozen=True)
class Certified:
    """A server's side of TLS for localhost, and the file of the authority that vouches for it."""

    server: ssl.SSLContext
    authority: Path


def certified(folder: Path) -> Certified:
    """A certificate for localhost that vouches for itself."""
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "certificate.pem", folder / "key.pem"
    public.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(public, private)
    return Certified(context, public)
