"""Every page, opened by its address, by every role with and without a grant, and by nobody: over Streamlit's own
websocket, so that all that a server sends is looked at, drawn or not."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from benchmarks.session import Session
from dashboard.navigation import PAGES, PageEntry
from lib.access.people import put_person
from lib.access.sessions import create_session
from lib.access.viewer import Role
from lib.store.engine import Store
from tests import factories
from tests.browser.conftest import Dashboard, running_dashboard

CLIENTS = {"acme": 110011, "zebra": 990022}
OF_CLIENT = {"acme": ("acme", "Acme", "110011"), "zebra": ("zebra", "Zebra", "990022", "987654", "987,654", "987.7K")}
"""What tells of a client, wherever it stands."""
WITNESS = "witness"
"""The first part of the address of a person whom only administrators may find."""
NOBODY = ("nobody", None, ())
BARE = ("viewer-bare", Role.VIEWER, ())
GRANTED = ("viewer-granted", Role.VIEWER, ("acme",))
LINKS: tuple[dict[str, str], ...] = (
    {"client": "zebra"},
    {"account": "990022", "period": "last_7"},
    {"client": "zebra", "group_by": "campaign", "metrics": "spend", "order": "-spend", "limit": "100"},
    {"group_by": "date,ad", "metrics": "spend", "filter": "campaign_id=9900220", "chart": "line"},
    {"group_by": "client,account", "metrics": "spend", "having": "spend>900000", "pivot": "client"},
    {"section": "reconciliation", "account": "990022", "breakdown": "country"},
    {"person": f"{WITNESS}@example.com", "group": "1", "run": "1", "page": "1", "q": "z"},
)
"""Parts of addresses that ask for what belongs to the one client, whatever the page makes of them."""
PEOPLE = (
    NOBODY,
    *(
        (f"{role.value}-{'granted' if slugs else 'bare'}", role, slugs)
        for role, slugs in itertools.product(Role, [("acme",), ()])
    ),
)


async def fill(store: Store) -> dict[str, str]:
    """Two clients with numbers of the last days, and everyone's sign-in by name."""
    today = dt.datetime.now(dt.UTC).date()
    async with store.working() as session:
        for slug, account in CLIENTS.items():
            await factories.add_account(
                session, account, await factories.add_client(session, slug), name=f"{slug.title()} main"
            )
            await factories.add_campaign(session, account, account * 10, name=f"{slug.title()} autumn")
            spend = "987654.32" if slug == "zebra" else "12.34"
            days = [today - dt.timedelta(days=back) for back in range(1, 9)]
            rows = [
                factories.insight_row(account, day, account * 100, campaign_id=account * 10, spend=spend)
                for day in days
            ]
            await factories.add_insights(session, rows)
            for day in days:
                await factories.add_slice(session, account, day)
    await put_person(store, f"{WITNESS}@example.com", Role.VIEWER)
    tokens = {"nobody": ""}
    for name, role, slugs in PEOPLE:
        if role is not None:
            person = await put_person(store, f"{name}@example.com", role, slugs=slugs)
            tokens[name] = await create_session(store, person.user_id, "local")
    return tokens


@pytest.fixture(scope="module")
def place(database_url: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Dashboard, dict[str, str]]]:
    """A server and everyone's sign-in by name."""
    with running_dashboard(database_url, tmp_path_factory.mktemp("matrix"), MIRROR_MEMORY_MB="64") as dashboard:
        dashboard.empty()
        yield dashboard, dashboard.prepare(fill)


def sent(dashboard: Dashboard, token: str, entry: PageEntry, *links: dict[str, str]) -> list[str]:
    """All that the server sends to whoever opens this page, by each of these links one after the other."""

    async def look() -> list[bytes]:
        path = "" if entry is PAGES[0] else entry.path
        async with Session(dashboard.url, token, path) as session:
            return [b"".join((await session.rerun(link)).messages) for link in links]

    with ThreadPoolExecutor(1) as pool:
        return [each.decode("utf-8", "replace") for each in pool.submit(lambda: asyncio.run(look())).result()]


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person[0])
@pytest.mark.parametrize("entry", PAGES, ids=lambda entry: entry.path)
def test_a_page_tells_of_no_client_that_is_not_granted(
    place: tuple[Dashboard, dict[str, str]], entry: PageEntry, person: tuple[str, Role | None, tuple[str, ...]]
) -> None:
    dashboard, tokens = place
    plain, *deep = sent(dashboard, tokens[person[0]], entry, {}, *LINKS)
    check(plain, entry, person)
    for link, words in zip(LINKS, deep, strict=True):
        check_link(words, link, entry, person)


@pytest.mark.parametrize("person", [NOBODY, BARE, GRANTED], ids=lambda person: person[0])
@pytest.mark.parametrize("entry", PAGES, ids=lambda entry: entry.path)
def test_a_page_is_gated_where_it_is_the_first_that_a_server_shows(
    place: tuple[Dashboard, dict[str, str]],
    database_url: URL,
    tmp_path: Path,
    entry: PageEntry,
    person: tuple[str, Role | None, tuple[str, ...]],
) -> None:
    _, tokens = place
    with running_dashboard(database_url, tmp_path, MIRROR_MEMORY_MB="0") as dashboard:
        deep, plain = sent(dashboard, tokens[person[0]], entry, LINKS[0], {})
    check_link(deep, LINKS[0], entry, person)
    check(plain, entry, person)


def check_link(
    words: str, link: dict[str, str], entry: PageEntry, person: tuple[str, Role | None, tuple[str, ...]]
) -> None:
    """What this person was sent for the link tells of no client that is not open to them, but for the link's words."""
    _, role, slugs = person
    asked = " ".join(link.values())
    hidden = [] if role is Role.ADMIN else [mark for slug in CLIENTS.keys() - set(slugs) for mark in OF_CLIENT[slug]]
    assert not [mark for mark in hidden if mark not in asked and mark in words]
    if role is Role.ADMIN and entry.path in ("overview", "explore", "data") and "client" in link:
        assert any(mark in words for mark in OF_CLIENT["zebra"] if mark not in asked)
    if role is None or role.rank < entry.role.rank:
        assert WITNESS in asked or WITNESS not in words
    if role is None:
        assert "Sign in to see your clients" in words


def check(words: str, entry: PageEntry, person: tuple[str, Role | None, tuple[str, ...]]) -> None:
    """What this person was sent tells of what is open to them, and of nothing else."""
    _, role, slugs = person
    open_to = set(CLIENTS) if role is Role.ADMIN else set(slugs)
    told = {slug for slug, marks in OF_CLIENT.items() if any(mark in words for mark in marks)}
    assert told <= open_to
    may = role is not None and role.rank >= entry.role.rank
    if not may:
        assert not told
        assert WITNESS not in words
    if role is None:
        assert "Sign in to see your clients" in words
    elif not may:
        assert "administrator" in words.lower() or "manager" in words.lower()
    elif entry.path in ("overview", "explore", "data"):
        assert told or not open_to
    elif entry.path == "people":
        assert WITNESS in words
