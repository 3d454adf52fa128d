"""Mails over a real SMTP server: encrypted or not, taken or refused, and the settings that name it."""

from __future__ import annotations

import aiosmtplib
import pytest

from lib.errors import MailError, SettingsError
from lib.mail import Letter, Postbox, postbox_of, send
from lib.settings import Settings
from tests.postoffice import PASSWORD, USER, Certified, certified, post_office

TO, FROM = "ana@example.com", "Ads Administrator <ads@example.org>"
LETTER = Letter("Grüße from here", "One line.\n\nhttp://localhost:8501/reset?token=" + "a" * 43 + "\n")


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Certified:
    return certified(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def _trusted(tls: Certified, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tls.authority))


def settings(**values: object) -> Settings:
    return Settings(_env_file=None, **values)


async def test_a_letter_arrives_as_it_was_written() -> None:
    with post_office() as office:
        await send(Postbox("localhost", office.port, FROM, "none"), TO, LETTER)
    (message,) = office.taken
    assert (message["from"], message["to"], message["subject"]) == (FROM, TO, LETTER.subject)
    assert message.get_content_type() == "text/plain"
    assert office.letter() == LETTER.text
    assert message["auto-submitted"] == "auto-generated"
    assert message["message-id"].endswith("@example.org>")
    assert message["date"]
    assert office.greeted == ["example.org"]


async def test_domains_with_letters_of_all_scripts_are_written_as_mail_servers_take_them() -> None:
    with post_office() as office:
        server = {"mail_host": "localhost", "mail_port": office.port, "mail_security": "none"}
        postbox = postbox_of(settings(**server, mail_from="Größe <ads@exämple.com>"))
        assert postbox is not None
        await send(postbox, "ana@müller.example.com", LETTER)
    (message,) = office.taken
    assert (message["from"], message["to"]) == ("Größe <ads@xn--exmple-cua.com>", "ana@xn--mller-kva.example.com")
    assert office.greeted == ["xn--exmple-cua.com"]


async def test_an_address_that_the_server_cannot_be_told_is_a_sentence() -> None:
    with post_office() as office:
        for sender, receiver in ((FROM, "größe@example.com"), ("größe@exämple.com", TO), (FROM, "a\ud800@example.com")):
            with pytest.raises(MailError, match="No mail was sent"):
                await send(Postbox("localhost", office.port, sender, "none"), receiver, LETTER)
    assert office.taken == []


@pytest.mark.usefixtures("_trusted")
async def test_a_server_that_wants_encryption_and_a_password(tls: Certified) -> None:
    with post_office(starttls=tls.server) as office:
        await send(Postbox("localhost", office.port, FROM, "starttls", USER, PASSWORD), TO, LETTER)
        assert office.encrypted == [True]
        with pytest.raises(MailError, match="did not take the message") as refused:
            await send(Postbox("localhost", office.port, FROM, "starttls", USER, "wrong"), TO, LETTER)
        assert isinstance(refused.value.__cause__, aiosmtplib.SMTPAuthenticationError)
        assert len(office.taken) == 1


@pytest.mark.usefixtures("_trusted")
async def test_a_server_that_is_encrypted_from_the_start(tls: Certified) -> None:
    with post_office(tls=tls.server) as office:
        await send(Postbox("localhost", office.port, FROM, "tls"), TO, LETTER)
        assert office.encrypted == [True]


async def test_nothing_is_said_to_a_server_that_nobody_vouches_for(tls: Certified) -> None:
    with post_office(starttls=tls.server) as office:
        with pytest.raises(MailError):
            await send(Postbox("localhost", office.port, FROM, "starttls", USER, PASSWORD), TO, LETTER)
        assert office.taken == []


async def test_where_encryption_is_wanted_nothing_is_sent_without() -> None:
    with post_office() as office:
        with pytest.raises(MailError):
            await send(Postbox("localhost", office.port, FROM, "starttls"), TO, LETTER)
        assert office.taken == []


@pytest.mark.parametrize("answer", ["451 later", "550 never", "421 too busy"])
async def test_a_refusal_is_a_sentence_without_the_letter(answer: str) -> None:
    with post_office() as office:
        office.refuses = answer
        with pytest.raises(MailError) as refused:
            await send(Postbox("localhost", office.port, FROM, "none"), TO, LETTER)
    assert str(refused.value).startswith("The mail server did not take the message. No mail was sent.")
    assert "token" not in repr(refused.value.__cause__)


async def test_nobody_there_is_a_sentence_too() -> None:
    with post_office() as office:
        port = office.port
    with pytest.raises(MailError):
        await send(Postbox("localhost", port, FROM, "none"), TO, LETTER)


def test_without_a_server_there_is_no_postbox() -> None:
    assert postbox_of(settings()) is None


def test_the_settings_of_a_postbox() -> None:
    found = postbox_of(settings(mail_host="smtp.example.com", mail_user="u", mail_password="p", mail_from=FROM))
    assert found == Postbox("smtp.example.com", 587, FROM, "starttls", "u", "p")
    assert "'p'" not in repr(found)


@pytest.mark.parametrize("written", ["a@example.com\nBcc: b@example.com", "a@example.com, b@example.com"])
def test_there_is_one_sender(written: str) -> None:
    found = postbox_of(settings(mail_host="smtp.example.com", mail_from=written))
    assert found is not None
    assert found.sender == "a@example.com"


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"mail_from": FROM}, "MAIL_HOST"),
        ({"mail_user": "u", "mail_password": "p"}, "MAIL_HOST"),
        ({"mail_host": "smtp.example.com"}, "MAIL_FROM"),
        ({"mail_host": "smtp.example.com", "mail_from": "Ads"}, "MAIL_FROM"),
        ({"mail_host": "smtp.example.com", "mail_from": FROM, "mail_user": "u"}, "MAIL_PASSWORD"),
        ({"mail_host": "smtp.example.com", "mail_from": FROM, "mail_password": "p"}, "MAIL_USER"),
        ({"mail_host": "smtp.example.com", "mail_from": FROM, "mail_security": "none"}, "MAIL_SECURITY"),
    ],
)
def test_half_a_postbox_is_refused_by_name(values: dict[str, object], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        postbox_of(settings(**values))
