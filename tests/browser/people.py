"""A house with two clients and three people, and how tests read and use the page of people."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

from lib.access.roster import Person, people_of
from lib.access.viewer import Role
from lib.store.engine import Store
from lib.store.models import AuditLog
from tests.browser.choosing import choose
from tests.browser.conftest import Dashboard
from tests.browser.reruns import settled
from tests.factories import add_account, add_client
from tests.people import noted, signed_in

ANA, BEN, CYD = "ana@example.com", "ben@example.com", "cyd@example.com"
ACME, BOLT = "Acme [Holding](http://x)", "Bolt Bikes"


@dataclass(frozen=True)
class House:
    """Ana administers; Ben, a viewer, sees Acme; Cyd, an analyst, sees nothing. The ids are the people's."""

    dashboard: Dashboard
    ana: uuid.UUID
    ben: uuid.UUID
    cyd: uuid.UUID

    def person(self, email: str) -> Person:
        """This person as an administrator is told of them."""

        async def look(store: Store) -> Sequence[Person]:
            viewer, _ = await signed_in(store, ANA)
            return await people_of(store, viewer)

        return next(person for person in self.dashboard.prepare(look) if person.email == email)

    def noted(self, *actions: str) -> list[AuditLog]:
        """What was noted, of these actions where some are named."""
        return self.dashboard.prepare(lambda store: noted(store, *actions))

    def open(self, page: Page, query: str = "") -> Page:
        """Show the page of people at this address."""
        page.goto(f"{self.dashboard.url}/people{query}")
        expect(page.get_by_role("heading", name="People", exact=True)).to_be_visible()
        settled(page)
        return page


def furnish(dashboard: Dashboard) -> House:
    """The clients and people, in a store that was empty."""

    async def clients(store: Store) -> None:
        async with store.working() as session:
            await add_account(session, 11, await add_client(session, "acme", name=ACME), name="Acme account")
            await add_account(session, 22, await add_client(session, "bolt", name=BOLT), name="Bolt account")

    dashboard.prepare(clients)
    return House(
        dashboard,
        dashboard.add_user(ANA, Role.ADMIN),
        dashboard.add_user(BEN, Role.VIEWER, slugs=["acme"]),
        dashboard.add_user(CYD, Role.ANALYST),
    )


def row(page: Page, name: str) -> Locator:
    """The row of the person, team or invitation of this name."""
    rows = page.locator("[class*='st-key-people_rows']").get_by_test_id("stHorizontalBlock")
    return rows.filter(has_text=name).first


def opened(page: Page) -> Locator:
    """What is open under its row."""
    return page.locator(".st-key-people_open")


def done(page: Page) -> Locator:
    """What was done last."""
    return page.locator(".st-key-deed_done")


def question(page: Page) -> Locator:
    """The question that is being asked."""
    return page.locator(".st-key-deed_question")


def button(where: Page | Locator, name: str) -> Locator:
    """The button that says exactly this, beside its icon."""
    return where.get_by_role("button", name=re.compile(rf"(^|\s){re.escape(name)}$"))


def pick(page: Page, label: str, option: str) -> None:
    """Choose an option of a select box."""
    choose(page, label, option)
    settled(page)


def add(page: Page, label: str, option: str) -> None:
    """Choose one more option in a box of several."""
    choose(page, label, option)
    expect(tags(page, label).filter(has_text=option)).to_be_visible()
    page.keyboard.press("Escape")
    settled(page)


def invited(page: Page, email: str) -> str:
    """Invite this person as an analyst of Acme; the link."""
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("E-mail").blur()
    pick(page, "Role", "Analyst")
    add(page, "Clients", ACME)
    button(page, "Make the invitation").click()
    expect(page.get_by_text(f"{email} is invited until")).to_be_visible()
    return page.get_by_test_id("stCode").inner_text().strip()


def clear(page: Page, label: str) -> None:
    """Take everything out of a box of several."""
    _box(page, label).get_by_role("button", name="Clear all").click()
    expect(tags(page, label)).to_have_count(0)
    settled(page)


def tags(page: Page, label: str) -> Locator:
    """What is chosen in a box of several."""
    return _box(page, label).locator("[data-tag]")


def _box(page: Page, label: str) -> Locator:
    return page.get_by_test_id("stMultiSelect").filter(has=page.get_by_text(label, exact=True))
