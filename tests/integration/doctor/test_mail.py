"""The doctor greets the mail server, and sends nothing."""

from __future__ import annotations

import pytest

from tests.integration.doctor.conftest import Doctor
from tests.postoffice import post_office

pytestmark = pytest.mark.usefixtures("database")
SENDER = "Ads Administrator <ads@example.org>"


def test_a_mail_server_that_takes_us(doctor: Doctor, place: dict[str, str]) -> None:
    assert doctor().states["Mail"] == "skipped"
    with post_office() as office:
        mail = {"MAIL_HOST": "localhost", "MAIL_PORT": str(office.port), "MAIL_SECURITY": "none"}
        place.update(mail, MAIL_FROM=SENDER)
        found = doctor()
        assert (found.states["Mail"], office.taken) == ("ok", [])
    assert found.words["Mail"] == f"localhost:{office.port} takes mails of {SENDER}."


def test_one_that_does_not_is_named(doctor: Doctor, place: dict[str, str]) -> None:
    with post_office() as office:
        place.update(MAIL_HOST="localhost", MAIL_PORT=str(office.port), MAIL_FROM=SENDER)
        place.update(MAIL_USER="dashboard", MAIL_PASSWORD="mail password")
        found = doctor()
    assert (found.states["Mail"], found.code) == ("failed", 1)
    assert f"localhost:{office.port} does not take us" in found.words["Mail"]
    assert "mail password" not in found.everything
    place["MAIL_FROM"] = ""
    found = doctor()
    assert found.states["Mail"] == "failed"
    assert "MAIL_FROM" in found.words["Mail"]
