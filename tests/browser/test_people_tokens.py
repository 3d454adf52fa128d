"""The personal tokens in a person's panel: what is told of them, and how an administrator ends one."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page, expect

from lib.access.personal_tokens import NewToken, create_token
from lib.access.viewer import Role
from tests.browser.conftest import Dashboard
from tests.browser.people import ANA, BEN, House, button, done, furnish, opened, question
from tests.browser.reruns import settled

NONE = "There is none; python -m lib token add makes one on the server."
NAME = "Sheet *of* [Q4](http://x)"


@pytest.fixture
def house(dashboard: Dashboard) -> House:
    return furnish(dashboard)


@pytest.fixture
def page(house: House, signed_in: Callable[..., Page]) -> Page:
    return signed_in(house.ana)


def made(house: House, email: str, name: str = "", scope: str = "read") -> NewToken:
    """A token of this person's, made as the command makes it."""
    return house.dashboard.prepare(lambda store: create_token(store, email, name=name, scopes=[scope]))


def asked_by(house: House, token: NewToken) -> int:
    """The status that a program gets that asks by this token."""
    headers = {"authorization": f"Bearer {token.secret}"}
    return httpx.get(f"{house.dashboard.url}/api/v1/me", headers=headers, trust_env=False).status_code


def test_a_token_is_listed_and_revoking_it_asks_first(house: House, page: Page) -> None:
    leaked, other = made(house, BEN, NAME, "write"), made(house, BEN)
    name, ends = f"{NAME} ({str(leaked.info.id)[:8]}…)", leaked.info.expires_at
    assert ends is not None
    assert asked_by(house, leaked) == 200
    house.open(page, f"?open={house.ben}")
    listed = opened(page).locator(".st-key-people_tokens")
    first = listed.locator(f".st-key-people_token_{leaked.info.id}")
    expect(first).to_contain_text(name)
    expect(first).to_contain_text(f"last used just now · ends {ends.day} {ends:%b %Y}")
    second = listed.locator(f".st-key-people_token_{other.info.id}")
    expect(second).to_contain_text("For read · made")
    expect(second).to_contain_text("never used")

    button(first, "Revoke").click()
    expect(question(page)).to_contain_text(
        f"Revoke the token {name} of {BEN}? Every program that asks by it is refused"
    )
    button(question(page), "Cancel").click()
    expect(question(page)).to_have_count(0)
    settled(page)
    assert (asked_by(house, leaked), house.noted("revoked personal token")) == (200, [])

    button(first, "Revoke").click()
    button(question(page), "Revoke it").click()
    expect(done(page)).to_contain_text(f"The token {name} of {BEN} is revoked.")
    expect(first).to_have_count(0)
    expect(second).to_be_visible()
    assert (asked_by(house, leaked), asked_by(house, other)) == (401, 200)
    (note,) = house.noted("revoked personal token")
    assert (note.email, note.via, note.subject) == (ANA, "page", BEN)
    expect(button(done(page), "Undo")).to_have_count(0)


def test_ones_own_token_is_revoked_too_and_the_last_one_leaves_a_sentence(house: House, page: Page) -> None:
    own = made(house, ANA)
    house.open(page, f"?open={house.ana}")
    button(opened(page), "Revoke").click()
    button(question(page), "Revoke it").click()
    expect(opened(page).get_by_text(NONE)).to_be_visible()
    assert asked_by(house, own) == 401


def test_whoever_stopped_being_an_administrator_meanwhile_ends_no_token(house: House, page: Page) -> None:
    token = made(house, BEN)
    house.open(page, f"?open={house.ben}")
    button(opened(page), "Revoke").click()
    expect(question(page)).to_be_visible()
    house.dashboard.add_user("eve@example.com", Role.ADMIN)
    house.dashboard.add_user(ANA, Role.MANAGER)
    button(question(page), "Revoke it").click()
    expect(page.get_by_text("This page is for administrators")).to_be_visible()
    assert (asked_by(house, token), house.noted("revoked personal token")) == (200, [])
