"""Invitations and forgotten passwords in Chromium, with mails over a real SMTP server."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect
from sqlalchemy.engine import URL

from lib.access.audit import OPERATOR_ACTOR
from lib.access.invitations import invite
from lib.access.viewer import Role
from tests.browser.conftest import Dashboard, running_dashboard
from tests.browser.people import button, furnish, invited
from tests.postoffice import PostOffice, post_office

EMAIL, PASSWORD, NEW = "ana@example.com", "correct horse battery", "staple battery horse"


@pytest.fixture(scope="module")
def office() -> Iterator[PostOffice]:
    with post_office() as office:
        yield office


@pytest.fixture(scope="module")
def mailing(database_url: URL, office: PostOffice, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """A dashboard that sends mails."""
    mail = {"MAIL_HOST": "localhost", "MAIL_PORT": str(office.port), "MAIL_SECURITY": "none"}
    folder = tmp_path_factory.mktemp("mailing")
    with running_dashboard(database_url, folder, **mail, MAIL_FROM="ads@example.org", LOG_LEVEL="DEBUG") as dashboard:
        yield dashboard


class Watched:
    """A page, with what its console complained of and what its forms told of where they come from."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self._requests: list[Request] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("request", self._keep)

    def _keep(self, request: Request) -> None:
        self._requests.append(request)

    @property
    def referers(self) -> list[str]:
        """Where each form that was sent says that it comes from."""
        return [each.all_headers().get("referer", "") for each in self._requests if each.method == "POST"]

    def choose(self, password: str, button: str) -> None:
        """Type a password twice and send the form."""
        self.page.get_by_label("New password").fill(password)
        self.page.get_by_label("The same again").fill(password)
        self.page.get_by_role("button", name=button).click()


@pytest.fixture
def watched(new_context: Callable[..., BrowserContext]) -> Watched:
    return Watched(new_context().new_page())


def test_an_invited_person_chooses_a_password_and_is_in(mailing: Dashboard, watched: Watched) -> None:
    mailing.empty()
    made = mailing.prepare(lambda store: invite(store, OPERATOR_ACTOR, EMAIL, Role.ADMIN))
    page = watched.page
    page.goto(f"{mailing.url}/invitation?token={made.token}")
    expect(page.get_by_label("E-mail")).to_have_value(EMAIL)
    watched.choose(PASSWORD, "Make my account")
    expect(page.get_by_text(f"{EMAIL} · admin")).to_be_visible()
    assert made.token not in page.url
    assert made.token not in mailing.log_text()
    assert watched.referers == [f"{mailing.url}/"]
    assert not [one for one in watched.complaints if "Content Security Policy" in one]


def test_an_invitation_is_mailed_from_the_page_of_people(
    mailing: Dashboard, office: PostOffice, new_context: Callable[..., BrowserContext]
) -> None:
    mailing.empty()
    office.taken.clear()
    house, page = furnish(mailing), new_context().new_page()
    mailing.sign_in(page.context, house.ana)
    house.open(page, "?section=invitations")
    link = invited(page, "dan@example.com")
    expect(page.get_by_text("The invitation was mailed to that address.")).to_be_visible()
    assert (office.taken[0]["to"], office.link()) == ("dan@example.com", link)
    dans = Watched(new_context().new_page())
    dans.page.goto(link)
    dans.choose(PASSWORD, "Make my account")
    dans.page.wait_for_url(f"{mailing.url}/")
    expect(dans.page.get_by_text("dan@example.com · analyst")).to_be_visible()
    assert house.person("dan@example.com").client_slugs == ("acme",)
    office.refuses = "550 no such mailbox"
    try:
        button(page, "Invite someone else").click()
        assert invited(page, "eve@example.com").startswith(f"{mailing.url}/invitation?token=")
        expect(page.get_by_text("The mail server did not take the message.")).to_be_visible()
    finally:
        office.refuses = ""


def test_a_forgotten_password_is_chosen_anew(mailing: Dashboard, office: PostOffice, watched: Watched) -> None:
    mailing.empty()
    mailing.add_user(EMAIL, password=PASSWORD)
    office.taken.clear()
    page = watched.page
    page.goto(f"{mailing.url}/sign-in")
    page.get_by_role("link", name="Forgotten your password?").click()
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_role("button", name="Send me a link").click()
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()
    office.wait_for(1)
    page.goto(office.link())
    watched.choose(NEW, "Change my password")
    expect(page.get_by_role("heading", name="Your password is changed")).to_be_visible()
    page.get_by_role("link", name=re.compile("Sign in")).click()
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(NEW)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text(f"{EMAIL} · admin")).to_be_visible()
    log = mailing.log_text()
    assert not [secret for secret in (office.token(0), PASSWORD, NEW) if secret in log]
    assert watched.referers == [f"{mailing.url}/", f"{mailing.url}/", f"{mailing.url}/sign-in"]
    assert not [one for one in watched.complaints if "Content Security Policy" in one]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_form_fits_a_phone(mailing: Dashboard, new_context: Callable[..., BrowserContext], scheme: str) -> None:
    mailing.empty()
    made = mailing.prepare(lambda store: invite(store, OPERATOR_ACTOR, EMAIL, Role.VIEWER))
    page = new_context(viewport={"width": 360, "height": 740}, color_scheme=scheme).new_page()
    page.goto(f"{mailing.url}/invitation?token={made.token}")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Tab")
    page.keyboard.type("another one, longer")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("The two passwords differ.")
