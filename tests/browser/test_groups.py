"""The page of groups: chats are added, switched off, changed, removed and put back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import text

from lib.access.viewer import Role
from lib.store.engine import Store
from tests.browser.choosing import choose
from tests.browser.conftest import Dashboard, Frames
from tests.browser.holding import Holding
from tests.browser.pasting import press
from tests.browser.reruns import DRAWN, settled
from tests.factories import add_client

GROUPS = "SELECT slug, title, channel_id, is_active FROM chat_group JOIN client ON client.id = client_id ORDER BY title"
Rows = list[tuple[object, ...]]


async def acme_and_bolt(store: Store) -> None:
    async with store.working() as session:
        await add_client(session, "acme")
        await add_client(session, "bolt", name="Bolt *& Co*")
        await session.execute(
            text(
                "INSERT INTO chat_group (client_id, title, channel_id)"
                " SELECT id, 'Plans of ' || slug, 'C' || slug FROM client"
            )
        )


def stored(dashboard: Dashboard) -> Rows:
    async def read(store: Store) -> Rows:
        async with store.working() as session:
            return [tuple(row) for row in await session.execute(text(GROUPS))]

    return dashboard.prepare(read)


def opened(dashboard: Dashboard, page: Page) -> Page:
    page.goto(f"{dashboard.url}/groups")
    settled(page)
    return page


def fill(page: Page, title: str, channel: str, client: str | None = None) -> None:
    settled(page)
    if client is not None:
        choose(page, "Client", client)
    page.get_by_role("textbox", name="Title").fill(title)
    page.get_by_role("textbox", name="Channel id").fill(channel)


def test_a_group_is_added_changed_removed_and_put_back(dashboard: Dashboard, signed_in: Callable[..., Page]) -> None:
    dashboard.prepare(acme_and_bolt)
    page = opened(dashboard, signed_in())
    expect(page.get_by_text("2 groups")).to_be_visible()
    expect(page.get_by_text("no such bot is part of this product yet")).to_be_visible()
    press(page, "Add a group")
    expect(page.get_by_role("button", name="Add a group")).to_have_count(0)
    fill(page, "Daily *numbers*", "-1001234567890")
    press(page, "Add it")
    expect(page.get_by_text("No client was chosen; nothing was stored.")).to_be_visible()
    fill(page, "Daily *numbers*", "-1001234567890", "Bolt *& Co*")
    press(page, "Add it")
    expect(page.get_by_text("Daily *numbers* is added.")).to_be_visible()
    assert ("bolt", "Daily *numbers*", "-1001234567890", True) in stored(dashboard)
    press(page, "Daily *numbers*")
    fill(page, "Weekly", "C0999", "Acme")
    press(page, "Save")
    expect(page.get_by_text("Weekly is saved.")).to_be_visible()
    assert ("acme", "Weekly", "C0999", True) in stored(dashboard)
    press(page, "Weekly")
    press(page, "Remove")
    expect(page.get_by_text("Remove Weekly? Nothing changes in the chat itself.")).to_be_visible()
    assert len(stored(dashboard)) == 3
    press(page, "Remove it")
    expect(page.get_by_text("Weekly is removed.")).to_be_visible()
    assert len(stored(dashboard)) == 2
    press(page, "Undo")
    expect(page.get_by_text("3 groups")).to_be_visible()
    assert ("acme", "Weekly", "C0999", True) in stored(dashboard)


def test_a_group_is_switched_off_and_on(dashboard: Dashboard, signed_in: Callable[..., Page]) -> None:
    dashboard.prepare(acme_and_bolt)
    page = opened(dashboard, signed_in())
    page.get_by_text("Active", exact=True).first.click()
    expect(page.get_by_text("Plans of acme is switched off.")).to_be_visible()
    expect(page.get_by_text("2 groups, 1 of them switched off")).to_be_visible()
    assert [row[3] for row in stored(dashboard)] == [False, True]
    press(page, "Undo")
    expect(page.get_by_text("2 groups, 1 of them")).to_have_count(0)
    expect(page.get_by_text("2 groups", exact=True)).to_be_visible()
    settled(page)
    assert [row[3] for row in stored(dashboard)] == [True, True]


def test_a_channel_id_that_is_taken_or_none_is_refused_and_what_was_typed_stays(
    dashboard: Dashboard, signed_in: Callable[..., Page]
) -> None:
    dashboard.prepare(acme_and_bolt)
    page = opened(dashboard, signed_in())
    press(page, "Add a group")
    client: str | None = "Acme"
    for channel, said in (
        ("Cbolt", "The group Plans of bolt has this channel id"),
        ("a b", "A channel id is one word"),
    ):
        fill(page, "Other", channel, client)
        press(page, "Add it")
        expect(page.get_by_text(said)).to_be_visible()
        expect(page.get_by_role("textbox", name="Title")).to_have_value("Other")
        client = None  # the one that was chosen stays
    assert len(stored(dashboard)) == 2


def test_what_was_refused_is_in_sight_however_far_down_one_is(
    dashboard: Dashboard, signed_in: Callable[..., Page]
) -> None:
    async def many(store: Store) -> None:
        await acme_and_bolt(store)
        more = "INSERT INTO chat_group (client_id, title, channel_id) SELECT id, 'Z' || n, 'Z' || n"
        async with store.working() as session:
            await session.execute(text(f"{more} FROM client, generate_series(10, 49) n WHERE slug = 'acme'"))

    dashboard.prepare(many)
    page = opened(dashboard, signed_in())
    press(page, "Z49")
    fill(page, "Other", "a b")
    press(page, "Save")
    expect(page.get_by_text("A channel id is one word")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("heading", name="Groups", exact=True)).not_to_be_in_viewport()


def test_while_a_refusal_is_drawn_the_form_stands_once(dashboard: Dashboard, signed_in: Callable[..., Page]) -> None:
    dashboard.prepare(acme_and_bolt)
    page, line = signed_in(), Holding()
    page.route_web_socket("**/stream", line.between)
    opened(dashboard, page)
    press(page, "Add a group")
    fill(page, "Other", "a b", "Acme")
    settled(page)
    line.is_on = True
    press(page, "Add it")
    line.whole_answer(page)
    line.release(line.drawn())
    expect(page.get_by_text("A channel id is one word")).to_be_visible()
    page.evaluate(DRAWN)
    expect(page.get_by_role("textbox", name="Title")).to_have_count(1, timeout=2000)
    line.end()


def test_a_manager_sees_the_groups_of_their_clients_alone(
    dashboard: Dashboard, new_context: Callable[..., BrowserContext]
) -> None:
    dashboard.prepare(acme_and_bolt)
    page, frames = new_context().new_page(), Frames()
    frames.watch(page)
    dashboard.sign_in(page.context, dashboard.add_user("mara@example.com", Role.MANAGER, slugs=["acme"]))
    opened(dashboard, page)
    expect(page.get_by_text("1 group", exact=True)).to_be_visible()
    press(page, "Add a group")
    fill(page, "Mine", "Cbolt", "Acme")
    press(page, "Add it")
    expect(page.get_by_text("This channel id cannot be used; nothing was stored.")).to_be_visible()
    assert not frames.contain("Plans of bolt")
    assert not frames.contain("Bolt *")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST])
def test_nobody_below_manager_finds_it_also_by_its_address(
    dashboard: Dashboard, signed_in: Callable[..., Page], role: Role
) -> None:
    dashboard.prepare(acme_and_bolt)
    page = opened(dashboard, signed_in(dashboard.add_user("ben@example.com", role, slugs=["acme"])))
    expect(page.get_by_text("This page is for managers and administrators")).to_be_visible()
    expect(page.get_by_text("Plans of acme")).to_have_count(0)


def test_on_a_phone_nothing_is_wider_than_the_window(dashboard: Dashboard, signed_in: Callable[..., Page]) -> None:
    dashboard.prepare(acme_and_bolt)
    page = opened(dashboard, signed_in(viewport={"width": 390, "height": 844}))
    press(page, "Add a group")
    fill(page, "A title that is rather long for a chat of everyone", "19:meeting_" + "x" * 60 + "@thread.v2", "Acme")
    press(page, "Add it")
    expect(page.get_by_text("3 groups")).to_be_visible()
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
