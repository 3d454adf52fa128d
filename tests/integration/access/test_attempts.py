"""How often one may try to sign in: for each account, and from each address; over the page and the API alike."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from sqlalchemy import text

from api.accounts import manager_of
from lib.access import attempts
from lib.access.attempts import SIGN_IN, UNREADABLE, Attempts, network_of
from lib.access.mail_links import with_password
from lib.access.people import put_person
from lib.access.viewer import Role
from lib.errors import TooManyAttempts
from lib.settings import Settings
from lib.store.engine import Store
from tests.integration.access.conftest import HOST, site
from tests.serving import serving
from tests.unit.access.test_addresses import DISGUISES, MIKA

EMAIL, PASSWORD, WRONG = "ana@example.com", "correct horse battery", "wrong"
ACCOUNT, ADDRESS = SIGN_IN.account.amount, SIGN_IN.address.amount
From = Callable[[str], httpx.AsyncClient]


@pytest.fixture
async def coming_from(store: Store) -> AsyncIterator[From]:
    """Browsers at an address each, of one server with one person."""
    await put_person(store, EMAIL, Role.ANALYST, password=PASSWORD)
    app = site(store, Settings(_env_file=None))
    clients: list[httpx.AsyncClient] = []

    def browser(address: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app, client=(address, 40000))
        clients.append(httpx.AsyncClient(transport=transport, base_url=HOST, headers={"origin": HOST}))
        return clients[-1]

    yield browser
    for client in clients:
        await client.aclose()


async def submit(http: httpx.AsyncClient, password: str = WRONG, email: str = EMAIL) -> httpx.Response:
    return await http.post("/sign-in", data={"email": email, "password": password})


async def log_in(http: httpx.AsyncClient, password: str = WRONG, email: str = EMAIL) -> httpx.Response:
    return await http.post("/api/v1/auth/login", data={"username": email, "password": password})


async def test_an_account_is_shut_after_too_many_whatever_the_password(coming_from: From) -> None:
    here = coming_from("192.0.2.1")
    assert [(await submit(here)).status_code for _ in range(ACCOUNT)] == [401] * ACCOUNT
    answer = await submit(here, PASSWORD)
    assert answer.status_code == 429
    assert "too many attempts" in answer.text
    assert "Try again in 15 minutes." in answer.text
    assert 14 * 60 < int(answer.headers["retry-after"]) <= 15 * 60
    assert f'value="{EMAIL}"' in answer.text
    assert "set-cookie" not in answer.headers
    elsewhere = await submit(coming_from("192.0.2.2"), PASSWORD)
    assert elsewhere.status_code == 429


async def test_the_page_and_the_api_count_together(coming_from: From) -> None:
    here = coming_from("192.0.2.1")
    for number in range(ACCOUNT):
        assert (await (submit if number % 2 else log_in)(here)).status_code == 401
    answer = await log_in(here, PASSWORD)
    assert answer.status_code == 429
    error = answer.json()["error"]
    assert (error["code"], error["details"]) == ("too_many_requests", None)
    assert error["message"] == "There were too many attempts. Nothing was changed. Try again in 15 minutes."
    assert 14 * 60 < int(answer.headers["retry-after"]) <= 15 * 60
    assert answer.headers["cache-control"] == "no-store"


async def test_unknown_people_are_shut_out_alike(coming_from: From) -> None:
    here = coming_from("192.0.2.1")
    answers: dict[str, list[str]] = {}
    for email in (EMAIL, "nobody@example.com"):
        for _ in range(ACCOUNT + 1):
            answer = await submit(here, email=email)
            told = answer.text.replace(email, "…")
            answers.setdefault(email, []).append(f"{answer.status_code} {told}")
    known, unknown = answers.values()
    assert known == unknown


async def test_another_way_to_write_the_address_is_the_same_account(coming_from: From) -> None:
    here = coming_from("192.0.2.1")
    written = [EMAIL, EMAIL.upper(), f" {EMAIL}", "ANA@Example.com"]
    for number in range(ACCOUNT):
        await submit(here, email=written[number % len(written)])
    assert (await submit(here, PASSWORD)).status_code == 429


@pytest.mark.parametrize("disguise", DISGUISES)
async def test_what_is_counted_apart_reaches_nobody(store: Store, coming_from: From, disguise: str) -> None:
    await put_person(store, MIKA, Role.VIEWER, password=PASSWORD)
    here = coming_from("192.0.2.1")
    assert (await submit(here, PASSWORD, disguise)).status_code == 401
    async with store.gatekeeping() as session:
        assert await manager_of(session).user_db.get_by_email(disguise) is None
    assert await with_password(store, disguise) is None
    assert (await submit(here, PASSWORD, MIKA.upper())).status_code == 303


async def test_a_success_clears_the_accounts_count(coming_from: From) -> None:
    here = coming_from("192.0.2.1")
    for _ in range(2):
        for _ in range(ACCOUNT - 1):
            assert (await submit(here)).status_code == 401
        assert (await submit(here, PASSWORD)).status_code == 303
        here.cookies.clear()


def test_an_office_signs_in_from_one_address() -> None:
    tried = Attempts()
    for number in range(ADDRESS * 2):
        tried.begin(SIGN_IN, f"{number}@example.com", "192.0.2.1")
        tried.succeeded(SIGN_IN, f"{number}@example.com", "192.0.2.1")


async def test_one_who_has_an_account_cannot_go_on_guessing_others(coming_from: From) -> None:
    here = coming_from("192.0.2.1")
    seen = []
    for number in range(ADDRESS + 1):
        seen.append((await submit(here, email=f"guess{number}@example.com")).status_code)
        if number % 5 == 0:
            await submit(here, PASSWORD)
    assert seen == [401] * ADDRESS + [429]
    assert (await submit(here, PASSWORD)).status_code == 429
    assert (await submit(coming_from("192.0.2.2"), PASSWORD)).status_code == 303


async def test_many_at_once_are_counted_too(coming_from: From) -> None:
    here = coming_from("192.0.2.1")
    answers = await asyncio.gather(*(submit(here) for _ in range(ACCOUNT * 2)))
    assert sorted(answer.status_code for answer in answers) == [401] * ACCOUNT + [429] * ACCOUNT


async def test_each_attempt_is_noted_with_its_address_and_of_what_was_refused_the_first(
    store: Store, coming_from: From
) -> None:
    here = coming_from("192.0.2.1")
    for _ in range(ACCOUNT + 3):
        await submit(here)
    await submit(coming_from("192.0.2.2"), email="nobody@example.com")
    async with store.working() as session:
        query = (
            "SELECT email, address, count(*) FROM audit_log WHERE action = 'sign-in failed' GROUP BY 1, 2 ORDER BY 1"
        )
        noted = [tuple(row) for row in (await session.execute(text(query))).all()]
    assert noted == [(EMAIL, "192.0.2.1", ACCOUNT + 1), ("nobody@example.com", "192.0.2.2", 1)]


def test_the_first_refusal_of_a_while_is_told_from_those_after_it() -> None:
    tried = Attempts()

    def refusals(emails: list[str]) -> list[bool]:
        found = []
        for email in emails:
            try:
                tried.begin(SIGN_IN, email, "192.0.2.1")
            except TooManyAttempts as error:
                found.append(error.is_first)
        return found

    assert refusals([EMAIL] * (ACCOUNT + 3)) == [True, False, False]
    left = ADDRESS - ACCOUNT - 3
    assert refusals([f"{number}@example.com" for number in range(left + 3)]) == [True, False, False]


async def test_behind_a_proxy_the_address_is_the_one_that_the_proxy_saw(store: Store) -> None:
    app = site(store, Settings(_env_file=None))
    async with (
        serving(app, proxy_headers=True, forwarded_allow_ips="127.0.0.1") as server,
        httpx.AsyncClient(base_url=server.url, headers={"origin": server.url}) as http,
    ):
        for made_up in ("", "203.0.113.1, ", "127.0.0.1, 203.0.113.2, "):
            http.headers["x-forwarded-for"] = f"{made_up}192.0.2.1"
            assert (await submit(http)).status_code == 401
    async with store.working() as session:
        assert (await session.execute(text("SELECT DISTINCT address FROM audit_log"))).scalars().all() == ["192.0.2.1"]


async def test_what_the_database_could_not_answer_is_no_attempt(store: Store, coming_from: From) -> None:
    lost = Store(store.url.set(database="no_such_database"))
    transport = httpx.ASGITransport(site(lost, Settings(_env_file=None)), client=("192.0.2.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url=HOST, headers={"origin": HOST}) as http:
        assert {(await submit(http)).status_code for _ in range(ACCOUNT + 2)} == {503}
    await lost.dispose()


async def test_two_stores_count_apart(store: Store) -> None:
    assert attempts.attempts_on(store) is attempts.attempts_on(store)
    other = Store(store.url)
    assert attempts.attempts_on(other) is not attempts.attempts_on(store)
    await other.dispose()


def test_when_the_time_is_over_one_may_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tried, now = Attempts(), time.time()
    for _ in range(ACCOUNT):
        tried.begin(SIGN_IN, EMAIL, "192.0.2.1")
    with pytest.raises(TooManyAttempts, match="15 minutes"):
        tried.begin(SIGN_IN, EMAIL, "192.0.2.1")
    monkeypatch.setattr(time, "time", lambda: now + 14 * 60 + 30)
    with pytest.raises(TooManyAttempts, match="in a minute"):
        tried.begin(SIGN_IN, EMAIL, "192.0.2.1")
    monkeypatch.setattr(time, "time", lambda: now + 15 * 60 + 1)
    tried.begin(SIGN_IN, EMAIL, "192.0.2.1")


@pytest.mark.parametrize(
    ("address", "counts_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("testclient", UNREADABLE),
        ("192.0.2.7:4431", UNREADABLE),
        ("[2001:db8::1]:443", UNREADABLE),
        ("<script>", UNREADABLE),
    ],
)
def test_who_counts_as_one_address(address: str, counts_as: str) -> None:
    assert network_of(address) == counts_as


def test_without_an_address_only_the_account_counts() -> None:
    tried = Attempts()
    for number in range(ADDRESS + 1):
        tried.begin(SIGN_IN, f"{number}@example.com", "")
