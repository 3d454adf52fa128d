"""The page of clients against the sandbox: a token becomes a client, and whatever is taken away comes back."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator

import pytest
from cryptography.fernet import Fernet
from playwright.sync_api import BrowserContext, Page, WebSocket, expect
from sqlalchemy import text
from sqlalchemy.engine import URL

from lib.access.viewer import Role
from lib.store.engine import Store
from tests.browser.choosing import choose
from tests.browser.conftest import PATIENCE_MS, Dashboard, Frames, running_dashboard
from tests.browser.pasting import NAME, TOKEN, paste, press
from tests.browser.reruns import settled
from tests.factories import add_account, add_client
from tests.fixtures_sandbox import Sandbox
from tests.leaks import leaks

KEY = Fernet.generate_key()


@pytest.fixture(scope="module")
def running_house(database_url: URL, sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """A dashboard whose new clients speak to the sandbox."""
    chosen = {"TOKEN_KEYS": KEY.decode(), "META_GRAPH_URL": sandbox.url, "LOG_LEVEL": "DEBUG"}
    with running_dashboard(database_url, tmp_path_factory.mktemp("clients"), **chosen) as dashboard:
        yield dashboard


@pytest.fixture
def house(running_house: Dashboard) -> Dashboard:
    """The same with empty tables."""
    running_house.empty()
    return running_house


def rows(house: Dashboard, query: str) -> list[tuple[object, ...]]:
    async def read(store: Store) -> list[tuple[object, ...]]:
        async with store.working() as session:
            return [tuple(row) for row in await session.execute(text(query))]

    return house.prepare(read)


def made(house: Dashboard, sandbox: Sandbox, name: str = "Acme", slug: str = "acme") -> None:
    """A client with the sandbox's first two accounts."""

    async def make(store: Store) -> None:
        async with store.working() as session:
            client_id = await add_client(session, slug, name=name)
            for account in sandbox.accounts[:2]:
                await add_account(session, account.account_id, client_id, name=account.name)
            sealed = Fernet(KEY).encrypt(b"good")
            values = {"id": client_id, "sealed": sealed, "url": sandbox.url}
            await session.execute(
                text("INSERT INTO credential (client_id, token_encrypted) VALUES (:id, :sealed)"), values
            )
            await session.execute(text("UPDATE client SET graph_url = :url WHERE id = :id"), values)

    house.prepare(make)


@pytest.fixture
def opened(house: Dashboard, new_context: Callable[..., BrowserContext]) -> Callable[..., Page]:
    """The page of clients as this person sees it."""

    def open_page(user_id: uuid.UUID, query: str = "", **options: object) -> Page:
        page = new_context(**options).new_page()
        house.sign_in(page.context, user_id)
        page.goto(f"{house.url}/clients{query}")
        settled(page)
        return page

    return open_page


def connect(page: Page, *names: str) -> None:
    for name in names:
        choose(page, "Accounts to connect", re.compile(f"^{re.escape(name)} · "), typed=name)
    page.keyboard.press("Escape")


def test_a_manager_makes_a_client_of_a_pasted_token(
    house: Dashboard, sandbox: Sandbox, new_context: Callable[..., BrowserContext]
) -> None:
    manager = house.add_user("mara@example.com", Role.MANAGER)
    page, frames = new_context().new_page(), Frames()
    frames.watch(page)
    sent: list[bytes] = []

    def follow(socket: WebSocket) -> None:
        socket.on("framesent", lambda frame: sent.append(frame if isinstance(frame, bytes) else frame.encode()))

    page.on("websocket", follow)
    page.goto(house.link(manager))
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Clients").click()
    expect(page.get_by_text("There is no client yet.")).to_be_visible()
    press(page, "Add a client")
    expect(page.get_by_role("button", name="Add a client")).to_have_count(0)
    paste(page, "expired-1", "Wave & Co")
    expect(page.get_by_text("The pasted token is dead: it expired on")).to_be_visible()
    expect(page.get_by_role("button", name="Ask again")).to_have_count(0)
    expect(page.get_by_role("textbox", name="Name", exact=True)).to_have_value("Wave & Co")
    paste(page, f"  {TOKEN} ")
    expect(page.get_by_text("The token is valid, may read (ads_read) and does not expire.")).to_be_visible()
    expect(page.get_by_role("textbox", name="Name", exact=True)).to_have_value("Wave & Co")
    first, second = sandbox.accounts[1:3]
    connect(page, first.name, second.name)
    press(page, "Create with 2 accounts")
    expect(page.get_by_text("Wave & Co is there, with 2 accounts.")).to_be_visible()
    expect(page.get_by_text(f"act_{first.account_id} · {first.currency} · {first.timezone_name}")).to_be_visible()
    expect(page).to_have_url(f"{house.url}/clients?client=wave-co")
    stored = rows(house, "SELECT slug, state, token_encrypted FROM client JOIN credential ON client_id = id")
    assert [row[:2] for row in stored] == [("wave-co", "valid")]
    assert Fernet(KEY).decrypt(bytes(stored[0][2])).decode() == TOKEN  # type: ignore[call-overload]
    # The browser sends it once and is never sent it; the server writes it nowhere.
    assert sum(TOKEN.encode() in frame for frame in sent) == 1
    assert not frames.contain(TOKEN)
    assert TOKEN not in house.log_text()
    assert any(path.is_file() for path in house.data_dir.rglob("*"))
    assert leaks([house.data_dir], [TOKEN.encode()]) == []


def test_the_pasted_token_is_in_no_session(
    database_url: URL,
    sandbox: Sandbox,
    tmp_path_factory: pytest.TempPathFactory,
    new_context: Callable[..., BrowserContext],
) -> None:
    chosen = {"TOKEN_KEYS": KEY.decode(), "META_GRAPH_URL": sandbox.url}
    folder = tmp_path_factory.mktemp("probe_clients")
    with running_dashboard(database_url, folder, target="tests.browser.probe_clients:app", **chosen) as probe:
        probe.empty()
        page = new_context().new_page()
        page.goto(probe.link(probe.add_user()))
        press(page, "Add a client")
        paste(page, TOKEN, NAME)
        expect(page.get_by_text("The token is valid")).to_be_visible()
        expect(page.get_by_text(f"The session holds {NAME}.")).to_be_visible()
        press(page, "Close")
        expect(page.get_by_text("The token is valid")).to_have_count(0)
        expect(page.get_by_text("The session holds")).to_be_visible()
        expect(page.get_by_text(TOKEN)).to_have_count(0)


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("expired-1", "The pasted token is dead: it expired on"),
        ("forbidden-1", "The pasted token lacks the permission ads_read"),
        ("two words", "What was pasted is no token"),
    ],
)
def test_a_bad_token_makes_no_client(house: Dashboard, opened: Callable[..., Page], token: str, said: str) -> None:
    page = opened(house.add_user())
    press(page, "Add a client")
    paste(page, token, "Acme")
    expect(page.get_by_text(said)).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Create"))).to_have_count(0)
    expect(page.get_by_role("textbox", name="Name", exact=True)).to_have_value("Acme")
    expect(page.get_by_role("textbox", name="Meta token")).to_have_value("")
    assert rows(house, "SELECT count(*) FROM client") == [(0,)]


def test_an_account_is_disconnected_after_a_question_and_undo_brings_it_back(
    house: Dashboard, sandbox: Sandbox, opened: Callable[..., Page]
) -> None:
    made(house, sandbox)
    page = opened(house.add_user(), "?client=acme")
    name = min((account.name for account in sandbox.accounts[:2]), key=str.casefold)
    connected = "SELECT count(*) FROM account WHERE disconnected_at IS NULL"
    press(page, "Disconnect")
    expect(page.get_by_text(f"Disconnect {name}? Its numbers disappear from every page")).to_be_visible()
    press(page, "Cancel")
    expect(page.get_by_text("Its numbers disappear")).to_have_count(0)
    assert rows(house, connected) == [(2,)]
    press(page, "Disconnect")
    press(page, "Disconnect it")
    expect(page.get_by_text(f"{name} is disconnected; its numbers are kept.")).to_be_visible()
    expect(page.get_by_text("1 client with 1 account")).to_be_visible()
    assert rows(house, connected) == [(1,)]
    press(page, "Undo")
    expect(page.get_by_text("1 client with 2 accounts")).to_be_visible()
    assert rows(house, connected) == [(2,)]


def test_more_of_what_the_stored_token_opens_is_connected(
    house: Dashboard, sandbox: Sandbox, opened: Callable[..., Page]
) -> None:
    made(house, sandbox)
    page = opened(house.add_user(), "?client=acme")
    expect(page.get_by_text("Token not tested").first).to_be_visible()
    press(page, "Test")
    expect(page.get_by_text("The token is valid")).to_be_visible()
    expect(page.get_by_text("Token valid")).to_have_count(1)
    more = sandbox.accounts[2]
    connect(page, more.name)
    press(page, "Connect 1 account")
    expect(page.get_by_text("1 account of Acme connected. Refresh fetches the numbers from Meta.")).to_be_visible()
    expect(page.get_by_text("1 client with 3 accounts")).to_be_visible()
    assert (more.account_id, more.currency) in rows(house, "SELECT account_id, currency FROM account")
    press(page, "Refresh")
    expect(page.get_by_text(re.compile("^Refreshed: "))).to_be_visible(timeout=2 * PATIENCE_MS)


def test_a_token_is_replaced_and_put_back(house: Dashboard, sandbox: Sandbox, opened: Callable[..., Page]) -> None:
    made(house, sandbox)

    def stored() -> str:
        ((sealed,),) = rows(house, "SELECT token_encrypted FROM credential")
        return Fernet(KEY).decrypt(bytes(sealed)).decode()  # type: ignore[call-overload]

    page = opened(house.add_user(), "?client=acme")
    press(page, "Replace")
    paste(page, "expired-2")
    expect(page.get_by_text("The pasted token is dead")).to_be_visible()
    expect(page.get_by_role("button", name="Replace the token")).to_have_count(0)
    paste(page, "newer")
    press(page, "Replace the token")
    expect(page.get_by_text("The token of Acme is stored.")).to_be_visible()
    assert stored() == "newer"
    press(page, "Undo")
    expect(page.get_by_text("Undone.")).to_be_visible()
    assert stored() == "good"


def test_an_archived_client_is_gone_for_everyone_and_is_brought_back(
    house: Dashboard, sandbox: Sandbox, opened: Callable[..., Page]
) -> None:
    made(house, sandbox)
    viewer = house.add_user("vic@example.com", Role.VIEWER, slugs=["acme"])
    page = opened(house.add_user(), "?client=acme")
    press(page, "Archive")
    expect(page.get_by_text("The client and its 2 accounts disappear from every page for everyone")).to_be_visible()
    press(page, "Archive it")
    expect(page.get_by_text("Acme is archived; its numbers are kept.")).to_be_visible()
    theirs = opened(viewer)
    theirs.goto(f"{house.url}/overview")
    expect(theirs.get_by_text("No client is open to you yet")).to_be_visible()
    expect(page.get_by_text("0 clients with 0 accounts, 1 archived")).to_be_visible()
    press(page, "Bring back")
    expect(page.get_by_text("Acme is back, as it was.")).to_be_visible()
    expect(page.get_by_text("1 client with 2 accounts")).to_be_visible()
    theirs.reload()
    expect(theirs.get_by_text("Not refreshed yet")).to_be_visible()


def test_a_name_is_changed_and_odd_ones_are_shown_as_they_are(
    house: Dashboard, sandbox: Sandbox, opened: Callable[..., Page]
) -> None:
    made(house, sandbox)
    page = opened(house.add_user(), "?client=acme")
    odd = "Zebra [Holding](http://x) *& $1* <b>"
    press(page, "Rename")
    page.get_by_role("textbox", name="Name", exact=True).fill(odd)
    press(page, "Rename it")
    expect(page.get_by_text(f"Acme is now called {odd}.")).to_be_visible()
    expect(page.get_by_role("button", name=odd)).to_be_visible()
    press(page, "Undo")
    expect(page.get_by_role("button", name="Acme", exact=True)).to_be_visible()
    changes = rows(
        house, "SELECT before ->> 'name', after ->> 'name' FROM audit_log WHERE action = 'changed client' ORDER BY id"
    )
    assert changes == [("Acme", odd), (odd, "Acme")]


def test_a_manager_chooses_what_is_fetched_and_undoes_it(
    house: Dashboard, sandbox: Sandbox, opened: Callable[..., Page]
) -> None:
    made(house, sandbox)
    chosen = "SELECT breakdowns, attribution_windows FROM client"
    page = opened(house.add_user("mara@example.com", Role.MANAGER, slugs=["acme"]), "?client=acme")
    expect(page.get_by_text("What is chosen here appears with the next refresh.")).to_be_visible()
    choose(page, "Breakdowns", "Country")
    choose(page, "Breakdowns", "Age and gender")
    page.keyboard.press("Escape")
    choose(page, "Attribution windows", "1 day after a click")
    page.keyboard.press("Escape")
    press(page, "Save choice")
    said = "Acme is fetched with Age and gender, Country and 1 day after a click from the next refresh on."
    expect(page.get_by_text(said)).to_be_visible()
    assert rows(house, chosen) == [(["age_gender", "country"], ["1d_click"])]
    # Saved over by somebody else, who is not written over by a page that shows what was before.
    stale = opened(house.add_user(), "?client=acme")
    press(page, "Undo")
    expect(page.get_by_text("Undone.")).to_be_visible()
    assert rows(house, chosen) == [([], [])]
    choose(stale, "Breakdowns", "Region")
    stale.keyboard.press("Escape")
    press(stale, "Save choice")
    expect(stale.get_by_text("What is fetched for Acme was changed meanwhile by somebody else")).to_be_visible()
    assert rows(house, chosen) == [([], [])]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST])
def test_nobody_below_manager_finds_it_also_by_its_address(
    house: Dashboard, sandbox: Sandbox, opened: Callable[..., Page], role: Role
) -> None:
    made(house, sandbox)
    page = opened(house.add_user("ben@example.com", role, slugs=["acme"]), "?client=acme")
    expect(page.get_by_text("This page is for managers and administrators")).to_be_visible()
    expect(page.get_by_test_id("stSidebarNavLink").filter(has_text="Clients")).to_have_count(0)
    for name in ("Add a client", "Save choice"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)


def test_a_manager_learns_nothing_of_other_clients(
    house: Dashboard, sandbox: Sandbox, new_context: Callable[..., BrowserContext]
) -> None:
    made(house, sandbox, "Confidential Ltd", "confidential")
    manager = house.add_user("mara@example.com", Role.MANAGER)
    page, frames = new_context().new_page(), Frames()
    frames.watch(page)
    page.goto(house.link(manager))
    page.goto(f"{house.url}/clients?client=confidential")
    expect(page.get_by_text("is not there, or it is not open to you")).to_be_visible()
    press(page, "Add a client")
    paste(page, "good", "Mine")
    expect(page.get_by_text("The token is valid")).to_be_visible()
    settled(page)
    assert not frames.contain("Confidential")


def test_who_is_no_manager_any_more_does_nothing_by_a_page_that_is_still_open(
    house: Dashboard, sandbox: Sandbox, opened: Callable[..., Page]
) -> None:
    made(house, sandbox)
    page = opened(house.add_user("mara@example.com", Role.MANAGER, slugs=["acme"]), "?client=acme")
    press(page, "Archive")
    expect(page.get_by_role("button", name="Archive it")).to_be_visible()
    house.add_user("mara@example.com", Role.ANALYST, slugs=["acme"])
    press(page, "Archive it")
    expect(page.get_by_text("This page is for managers and administrators")).to_be_visible()
    assert rows(house, "SELECT archived_at FROM client") == [(None,)]


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_window(
    house: Dashboard, sandbox: Sandbox, opened: Callable[..., Page], width: int
) -> None:
    made(house, sandbox, "A client whose name goes on and on, GmbH & Co. KG, Niederlassung Süd", "long")
    page = opened(house.add_user(), "?client=long", viewport={"width": width, "height": 844})
    press(page, "Test")
    expect(page.get_by_text("The token is valid")).to_be_visible()
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    inside = "box => box.getBoundingClientRect().right <= window.innerWidth && box.getBoundingClientRect().left >= 0"
    for button in page.locator(".stMainBlockContainer button:visible").all():
        assert button.evaluate(inside), button.text_content()
