"""A dashboard without local accounts: people come by their provider, or by a link of the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest
from playwright.sync_api import BrowserContext, expect
from sqlalchemy.engine import URL

from tests.browser.conftest import Dashboard
from tests.browser.single_sign_on import running_behind

ANA = "ana@example.com"
PEOPLE = (
    {"sub": "ana", "email": ANA, "email_verified": True},
    {"sub": "new", "email": "new@x.com", "email_verified": True},
)


@pytest.fixture(scope="module")
def closed(database_url: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    with running_behind(database_url, tmp_path_factory.mktemp("closed"), PEOPLE, LOCAL_ACCOUNTS="no") as running:
        running.empty()
        yield running


def test_a_password_opens_nothing(closed: Dashboard) -> None:
    closed.add_user(ANA, password="correct horse battery")
    with httpx.Client(base_url=closed.url, headers={"origin": closed.url}) as http:
        form = {"email": ANA, "password": "correct horse battery"}
        refused = http.post("/sign-in", data=form)
        assert (refused.status_code, "Nobody has a password here" in refused.text) == (403, True)
        for path in ("/invitation", "/forgotten", "/reset", "/verify"):
            assert http.post(path, data={"token": "x", **form}).status_code == 403
        login = http.post("/api/v1/auth/login", data={"username": ANA, "password": form["password"]})
        assert (login.status_code, login.json()["error"]["message"]) == (
            403, "Nobody has a password here. Ask with a bearer token.",
        )  # fmt: skip
        assert not http.cookies
        for path, there in (("/sign-in?next=/data", "/data"), ("/forgotten", "/"), ("/reset", "/"), ("/verify", "/")):
            assert http.get(path).headers["location"] == there
        assert "sign in with the e-mail address that the invitation was sent to" in http.get("/invitation").text


def test_people_come_by_their_provider_and_are_invited_without_a_link(
    closed: Dashboard, new_context: Callable[..., BrowserContext]
) -> None:
    closed.add_user(ANA)
    page = new_context().new_page()
    page.goto(f"{closed.url}/people?section=invitations")
    button = page.get_by_role("button", name="Sign in with single sign-on")
    expect(button).to_be_visible()
    expect(page.get_by_role("link", name="Sign in with e-mail and password")).to_have_count(0)
    button.click()
    page.get_by_role("button", name="ana", exact=True).click()
    expect(page.get_by_text(f"{ANA} · admin")).to_be_visible()
    page.get_by_label("E-mail").fill("new@x.com")
    page.get_by_role("button", name="Make the invitation").click()
    expect(page.get_by_text("new@x.com is invited until")).to_be_visible()
    expect(page.get_by_text("There is no link: nobody has a password here.")).to_be_visible()
    expect(page.get_by_text("no mail server is set up: tell them yourself.")).to_be_visible()
    other = new_context().new_page()
    other.goto(closed.url)
    other.get_by_role("button", name="Sign in with single sign-on").click()
    other.get_by_role("button", name="new", exact=True).click()
    expect(other.get_by_text("new@x.com · viewer")).to_be_visible()


def test_a_link_of_the_command_line_still_signs_in(
    closed: Dashboard, new_context: Callable[..., BrowserContext]
) -> None:
    page = new_context().new_page()
    page.goto(closed.link(closed.add_user(ANA)))
    expect(page.get_by_text(f"{ANA} · admin")).to_be_visible()
