"""The page of people: the list, roles and clients, disabling, teams, invitations; and nobody else's eyes on it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from lib.access.invitations import accept
from lib.access.roster import teams_of
from lib.access.viewer import Role
from lib.store.engine import Store
from tests.browser.conftest import Dashboard, Frames
from tests.browser.people import (
    ACME,
    ANA,
    BEN,
    BOLT,
    CYD,
    House,
    add,
    button,
    clear,
    done,
    furnish,
    invited,
    opened,
    pick,
    question,
    row,
    tags,
)
from tests.browser.reruns import settled
from tests.people import signed_in as with_sign_in

SIGN_IN = "Sign in with e-mail and password"
Contexts = Callable[..., BrowserContext]


@pytest.fixture
def house(dashboard: Dashboard) -> House:
    return furnish(dashboard)


@pytest.fixture
def page(house: House, signed_in: Callable[..., Page]) -> Page:
    """The page of people, before Ana."""
    return house.open(signed_in(house.ana))


def teams(house: House) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Each team's people and clients."""

    async def look(store: Store) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
        viewer, _ = await with_sign_in(store, ANA)
        return {team.name: (team.emails, team.client_slugs) for team in await teams_of(store, viewer)}

    return house.dashboard.prepare(look)


def test_everyone_is_listed_and_the_list_is_narrowed_in_the_address(house: House, page: Page) -> None:
    expect(row(page, ANA)).to_contain_text("Admin (you)")
    expect(row(page, ANA)).to_contain_text("Every client")
    expect(row(page, ANA)).to_contain_text("Just now")
    expect(row(page, BEN)).to_contain_text("Viewer")
    expect(row(page, BEN)).to_contain_text(ACME)
    expect(row(page, CYD)).to_contain_text("No client")
    expect(row(page, CYD)).to_contain_text("Never here")
    page.get_by_role("searchbox").fill("acme viewer")
    expect(row(page, CYD)).to_have_count(0)
    expect(row(page, BEN)).to_be_visible()
    page.wait_for_url(re.compile(r"find=acme\+viewer"))
    page.reload()
    expect(row(page, BEN)).to_be_visible()
    expect(row(page, CYD)).to_have_count(0)
    page.get_by_role("searchbox").fill("nobody at all")
    expect(page.get_by_text("Nobody fits. People are found by address, role, team or client.")).to_be_visible()


def test_whoever_cannot_sign_in_is_handed_a_link_that_is_shown_once(
    house: House, page: Page, new_context: Contexts
) -> None:
    house.open(page, f"?open={house.ben}")
    button(opened(page), "Sign-in link").click()
    expect(question(page)).to_contain_text(f"A link that signs {BEN} in once, for 15 minutes.")
    button(question(page), "Cancel").click()
    expect(question(page)).to_have_count(0)
    settled(page)
    assert house.noted("made link") == []
    button(opened(page), "Sign-in link").click()
    button(question(page), "Make the link").click()
    link = opened(page).get_by_test_id("stCode").inner_text().strip()
    assert link.startswith(f"{house.dashboard.url}/sign-in?token=")
    assert [each.subject for each in house.noted("made link")] == [BEN]
    expect(question(page)).to_have_count(0)
    page.get_by_role("searchbox").fill("ben")
    page.wait_for_url(re.compile("find=ben"))
    expect(page.get_by_test_id("stCode")).to_have_count(0)
    bens = new_context().new_page()
    bens.goto(link)
    expect(bens.get_by_text(f"{BEN} · viewer")).to_be_visible()
    assert link.split("token=")[1] not in house.dashboard.log_text()


def test_a_role_and_clients_are_given_and_taken_back(house: House, page: Page) -> None:
    button(row(page, BEN), BEN).click()
    expect(button(opened(page), "Save")).to_be_disabled()
    pick(page, "Role", "Analyst")
    add(page, "Clients", BOLT)
    expect(page.get_by_text(f"Not saved yet: {BEN} becomes an analyst and also sees {BOLT}.")).to_be_visible()
    button(opened(page), "Save").click()
    expect(done(page)).to_contain_text(f"{BEN} is now an analyst and also sees {BOLT}.")
    expect(row(page, BEN)).to_contain_text("Analyst")
    ben = house.person(BEN)
    assert (ben.role, ben.client_slugs) == (Role.ANALYST, ("acme", "bolt"))
    button(page, "Undo").click()
    expect(done(page)).to_contain_text("Undone.")
    ben = house.person(BEN)
    assert (ben.role, ben.client_slugs) == (Role.VIEWER, ("acme",))
    assert [each.after for each in house.noted("changed person")][-2:] == [
        {"role": "analyst", "clients": ["acme", "bolt"]},
        {"role": "viewer", "clients": ["acme"]},
    ]


def test_taking_a_client_away_asks_first(house: House, page: Page) -> None:
    house.open(page, f"?open={house.ben}")
    clear(page, "Clients")
    button(opened(page), "Save").click()
    expect(question(page)).to_contain_text(f"{BEN} loses {ACME}.")
    button(question(page), "Cancel").click()
    expect(question(page)).to_have_count(0)
    assert house.person(BEN).client_slugs == ("acme",)
    button(opened(page), "Save").click()
    button(question(page), "Save it").click()
    expect(done(page)).to_contain_text(f"{BEN} loses {ACME}.")
    expect(row(page, BEN)).to_contain_text("No client")
    assert house.person(BEN).client_slugs == ()
    button(page, "Undo").click()
    expect(row(page, BEN)).to_contain_text(ACME)
    assert house.person(BEN).client_slugs == ("acme",)


def test_disabling_asks_ends_the_sign_in_and_is_undone(
    house: House, page: Page, signed_in: Callable[..., Page]
) -> None:
    bens = signed_in(house.ben)
    bens.goto(house.dashboard.url)
    expect(bens.get_by_text(f"{BEN} · viewer")).to_be_visible()
    house.open(page, f"?open={house.ben}")
    button(opened(page), "Disable").click()
    expect(question(page)).to_contain_text(f"Disable {BEN}? They are signed out everywhere at once")
    assert house.person(BEN).is_active
    button(question(page), "Disable").click()
    expect(page.get_by_text(f"{BEN} is disabled.")).to_be_visible()
    expect(row(page, BEN)).to_contain_text("Disabled")
    bens.reload()
    expect(bens.get_by_role("link", name=SIGN_IN)).to_be_visible()
    button(page, "Undo").click()
    expect(row(page, BEN)).to_contain_text("Viewer")
    assert house.person(BEN).is_active
    bens.reload()
    expect(bens.get_by_role("link", name=SIGN_IN)).to_be_visible()


def test_whoever_was_disabled_is_enabled_later(house: House, page: Page) -> None:
    house.open(page, f"?open={house.ben}")
    button(opened(page), "Disable").click()
    button(question(page), "Disable").click()
    expect(page.get_by_text(f"{BEN} is disabled.")).to_be_visible()
    house.open(page, f"?open={house.ben}")
    for name in ("See as", "Sign-in link"):
        expect(button(opened(page), name)).to_have_count(0)
    button(opened(page), "Enable").click()
    expect(page.get_by_text(f"{BEN} may come in again.")).to_be_visible()
    assert house.person(BEN).is_active


def test_nobody_changes_themselves(house: House, page: Page) -> None:
    button(row(page, ANA), ANA).click()
    expect(opened(page).get_by_text("This is you")).to_be_visible()
    expect(opened(page).get_by_role("button")).to_have_count(0)
    page.reload()
    expect(opened(page).get_by_text("This is you")).to_be_visible()


def test_what_is_refused_is_said_and_nothing_is_changed(house: House, page: Page) -> None:
    house.open(page, f"?open={house.ben}")
    add(page, "Clients", BOLT)
    house.dashboard.add_user("eve@example.com", Role.ADMIN)
    house.dashboard.add_user(ANA, Role.VIEWER)
    button(opened(page), "Save").click()
    expect(page.get_by_text("This page is for administrators")).to_be_visible()
    expect(page.get_by_text(BEN)).to_have_count(0)
    house.dashboard.add_user(ANA, Role.ADMIN)
    assert house.person(BEN).client_slugs == ("acme",)


def test_what_another_administrator_saved_meanwhile_is_not_written_over(house: House, page: Page) -> None:
    house.open(page, f"?open={house.ben}")
    add(page, "Clients", BOLT)
    house.dashboard.add_user(BEN, Role.ANALYST, slugs=["acme"])
    button(opened(page), "Save").click()
    expect(page.get_by_text(f"{BEN} was changed meanwhile by somebody else; nothing was stored.")).to_be_visible()
    assert (house.person(BEN).role, house.person(BEN).client_slugs) == (Role.ANALYST, ("acme",))


def test_a_team_is_made_changed_renamed_removed_and_brought_back(house: House, page: Page) -> None:
    page.get_by_role("radio", name="Teams").click()
    expect(page.get_by_text("There is no team yet.")).to_be_visible()
    button(page, "New team").click()
    button(page, "Make the team").click()
    expect(
        page.get_by_text("A team needs a name of up to 100 printable characters; nothing was stored.")
    ).to_be_visible()
    add(page, "People", CYD)
    add(page, "Clients", BOLT)
    page.get_by_label("Name", exact=True).fill("North")
    button(page, "Make the team").click()
    expect(page.get_by_text("The team North is made.")).to_be_visible()
    expect(row(page, "North")).to_contain_text("1 person")
    assert teams(house) == {"North": ((CYD,), ("bolt",))}

    button(row(page, "North"), "North").click()
    add(page, "People", BEN)
    button(opened(page), "Save").click()
    expect(done(page)).to_contain_text(f"North: with {BEN}.")
    assert teams(house) == {"North": ((BEN, CYD), ("bolt",))}

    button(opened(page), "Rename").click()
    page.get_by_label("Name", exact=True).fill("South")
    page.get_by_label("Name", exact=True).press("Enter")
    settled(page)
    button(page.get_by_test_id("stPopoverBody"), "Rename").click()
    expect(row(page, "South")).to_contain_text("2 people")
    assert list(teams(house)) == ["South"]

    button(opened(page), "Remove").click()
    expect(question(page)).to_contain_text(f"Remove the team South? 2 people in it will lose {BOLT}")
    button(question(page), "Remove the team").click()
    expect(page.get_by_text("The team South is removed.")).to_be_visible()
    assert teams(house) == {}
    button(page, "Undo").click()
    expect(row(page, "South")).to_contain_text("2 people")
    assert teams(house) == {"South": ((BEN, CYD), ("bolt",))}
    house.open(page)
    expect(row(page, CYD)).to_contain_text(BOLT)


def test_taking_someone_out_of_a_team_asks_first(house: House, page: Page) -> None:
    page.get_by_role("radio", name="Teams").click()
    button(page, "New team").click()
    page.get_by_label("Name", exact=True).fill("North")
    page.get_by_label("Name", exact=True).blur()
    add(page, "People", CYD)
    button(page, "Make the team").click()
    button(row(page, "North"), "North").click()
    clear(page, "People")
    button(opened(page), "Save").click()
    expect(question(page)).to_contain_text(f"North: without {CYD}.")
    assert teams(house) == {"North": ((CYD,), ())}
    button(question(page), "Save it").click()
    expect(row(page, "North")).to_contain_text("Nobody yet")
    assert teams(house) == {"North": ((), ())}


def test_a_name_that_another_team_has_is_refused(house: House, page: Page) -> None:
    house.open(page, "?section=teams")
    for name in ("North", "NORTH"):
        button(page, "New team").click()
        page.get_by_label("Name", exact=True).fill(name)
        button(page, "Make the team").click()
        settled(page)
    expect(page.get_by_text("Another team is called North; nothing was changed.")).to_be_visible()
    assert list(teams(house)) == ["North"]


def test_an_invitation_shows_its_link_once_and_makes_a_person(house: House, page: Page) -> None:
    button(page, "Invite someone").click()
    expect(page.get_by_text("No invitation is open.")).to_be_visible()
    link = invited(page, "dan@example.com")
    assert link.startswith(f"{house.dashboard.url}/invitation?token=")
    expect(page.get_by_text("No mail was sent")).to_be_visible()
    expect(row(page, "dan@example.com")).to_contain_text(ACME)
    button(page, "Invite someone else").click()
    expect(page.get_by_label("E-mail")).to_have_value("")
    expect(tags(page, "Clients")).to_have_count(0)
    expect(page.get_by_text("token=")).to_have_count(0)
    expect(row(page, "dan@example.com")).to_contain_text("In 7 days")
    token = link.split("token=")[1]
    assert token not in house.dashboard.log_text()
    house.dashboard.prepare(lambda store: accept(store, token, "correct horse battery"))
    house.open(page)
    expect(row(page, "dan@example.com")).to_contain_text("Analyst")
    house.open(page, "?section=invitations")
    page.get_by_text("Earlier invitations (1)").click()
    expect(row(page, "dan@example.com")).to_contain_text("Used")


def test_who_is_there_is_not_invited_and_what_was_typed_stays(house: House, page: Page) -> None:
    house.open(page, "?section=invitations")
    for email, said in ((BEN, f"{BEN} is there already; nothing was stored."), ("nobody", "is not an e-mail address")):
        page.get_by_label("E-mail").fill(email)
        button(page, "Make the invitation").click()
        expect(page.get_by_text(said)).to_be_visible()
        expect(page.get_by_label("E-mail")).to_have_value(email)
    assert house.noted("invited") == []


def test_a_revoked_invitation_is_offered_again(house: House, page: Page) -> None:
    house.open(page, "?section=invitations")
    invited(page, "dan@example.com")
    button(row(page, "dan@example.com"), "Revoke").click()
    expect(question(page)).to_contain_text("Revoke the invitation of dan@example.com?")
    button(question(page), "Revoke it").click()
    expect(page.get_by_text("The invitation of dan@example.com is revoked.")).to_be_visible()
    expect(page.get_by_text("No invitation is open.")).to_be_visible()
    page.get_by_text("Earlier invitations (1)").click()
    button(row(page, "dan@example.com"), "Invite again").click()
    expect(page.get_by_label("E-mail")).to_have_value("dan@example.com")
    expect(tags(page, "Clients")).to_have_text([ACME])
    button(page, "Make the invitation").click()
    expect(page.get_by_text("dan@example.com is invited until")).to_be_visible()
    assert [each.action for each in house.noted("invited", "revoked invitation")] == [
        "invited",
        "revoked invitation",
        "invited",
    ]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST, Role.MANAGER])
def test_nobody_else_sees_it_also_by_its_address(house: House, new_context: Contexts, role: Role) -> None:
    someone = house.dashboard.add_user("eve@example.com", role, slugs=["acme"])
    page, frames = new_context().new_page(), Frames()
    frames.watch(page)
    house.dashboard.sign_in(page.context, someone)
    page.goto(house.dashboard.url)
    expect(page.get_by_text("eve@example.com")).to_be_visible()
    expect(page.get_by_test_id("stSidebarNavLink").filter(has_text="People")).to_have_count(0)
    for section in ("people", "teams", "invitations"):
        page.goto(f"{house.dashboard.url}/people?section={section}&open={house.ben}")
        expect(page.get_by_text("This page is for administrators")).to_be_visible()
        settled(page)
    # Addresses have their full stops escaped on the way.
    assert frames.contain("eve@example")
    assert not any(frames.contain(words) for words in ("ben@example", "cyd@example", "ana@example", "Bolt"))
