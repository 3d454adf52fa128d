"""/invitation, /forgotten, /reset and /verify, with mails over a real SMTP server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace

import httpx
import pytest
from sqlalchemy import text

from api.mail_pages import forgotten
from lib.access import mail_links, sessions
from lib.access.attempts import MAIL, SIGN_IN
from lib.access.audit import OPERATOR_ACTOR
from lib.access.invitations import Invited, invite
from lib.access.mail_links import Purpose
from lib.access.people import put_person
from lib.access.viewer import Role
from lib.settings import Settings
from lib.store.engine import Store
from tests.integration.access.conftest import browsing, site
from tests.postoffice import PostOffice, post_office
from tests.serving import arrives, serving

EMAIL, PASSWORD, NEW = "ana@example.com", "correct horse battery", "staple battery horse"
ADDRESSES = ("/invitation", "/forgotten", "/reset", "/verify")


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with post_office() as office:
        yield office


@pytest.fixture
async def http(store: Store, office: PostOffice) -> AsyncIterator[httpx.AsyncClient]:
    """A browser at a dashboard that sends mails."""
    mail = {"mail_host": "localhost", "mail_port": str(office.port), "mail_security": "none"}
    async with browsing(store, **mail, mail_from="ads@example.org") as client:
        yield client


async def ana(store: Store, *, password: str | None = PASSWORD) -> SimpleNamespace:
    person = await put_person(store, EMAIL, Role.ANALYST, password=password)
    return SimpleNamespace(id=person.user_id, token=await sessions.create_session(store, person.user_id, "local"))


async def invited(store: Store, **more: object) -> Invited:
    return await invite(store, OPERATOR_ACTOR, EMAIL, Role.ANALYST, **more)


async def row(store: Store, query: str) -> tuple[object, ...]:
    async with store.working() as session:
        return tuple((await session.execute(text(query))).one())


async def sign_in(http: httpx.AsyncClient, password: str) -> int:
    return (await http.post("/sign-in", data={"email": EMAIL, "password": password})).status_code


async def choose(
    http: httpx.AsyncClient, page: str, token: str, password: str = NEW, again: str = ""
) -> httpx.Response:
    return await http.post(page, data={"token": token, "password": password, "again": again or password})


async def ask(http: httpx.AsyncClient, email: str = EMAIL) -> httpx.Response:
    return await http.post("/forgotten", data={"email": email})


async def test_an_invitation_becomes_an_account_that_is_signed_in(
    store: Store, http: httpx.AsyncClient, clients: dict[str, int]
) -> None:
    made = await invited(store, slugs=["acme"])
    for _ in range(3):
        form = await http.get("/invitation", params={"token": made.token})
        assert form.status_code == 200
        assert f'value="{EMAIL}"' in form.text
        assert form.headers["cache-control"] == "no-store"
        assert form.headers["referrer-policy"] == "strict-origin"
        assert "default-src 'none'" in form.headers["content-security-policy"]
    answer = await choose(http, "/invitation", made.token)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    me = (await http.get("/api/v1/me")).json()["data"]
    assert (me["email"], me["role"], me["account_ids"]) == (EMAIL, "analyst", ["11", "12"])
    again = await choose(http, "/invitation", made.token)
    assert again.status_code == 410
    assert "sign in with it" in again.text
    http.cookies.clear()
    assert await sign_in(http, NEW) == 303


@pytest.mark.parametrize(("password", "again"), [("short", ""), (NEW, "another one"), ("", ""), ("x" * 1001, "")])
async def test_a_password_that_will_not_do_leaves_the_invitation_open(
    store: Store, http: httpx.AsyncClient, password: str, again: str
) -> None:
    made = await invited(store)
    answer = await choose(http, "/invitation", made.token, password, again)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert made.token in answer.text
    assert NEW not in answer.text
    assert (await choose(http, "/invitation", made.token)).status_code == 303


async def test_an_invitation_of_someone_who_is_there_by_now(store: Store, http: httpx.AsyncClient) -> None:
    made = await invited(store)
    async with store.working() as session:
        await session.execute(text("INSERT INTO app_user (email, role) VALUES (:email, 'viewer')"), {"email": EMAIL})
    answer = await choose(http, "/invitation", made.token)
    assert answer.status_code == 409
    assert "There is an account already" in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("page", ["/invitation", "/reset", "/verify"])
@pytest.mark.parametrize("token", ["", "unknown", "x" * 3000, "\x00", "\udcff", '"><script>'])
async def test_other_tokens_open_nothing(http: httpx.AsyncClient, page: str, token: str) -> None:
    query = token.encode("utf-8", "surrogateescape")
    for answer in (await http.get(page, params={"token": query}), await choose(http, page, query)):  # type: ignore[arg-type]  # bytes that are no text
        assert answer.status_code == 410
        assert "<script" not in answer.text
        assert "set-cookie" not in answer.headers


async def test_a_forgotten_password_is_chosen_anew(store: Store, http: httpx.AsyncClient, office: PostOffice) -> None:
    person = await ana(store)
    assert 'href="/forgotten"' in (await http.get("/sign-in")).text
    assert (await http.get("/forgotten")).status_code == 200
    asked = await ask(http, " ANA@example.com ")
    assert asked.status_code == 200
    assert "on its way" in asked.text
    assert (office.taken[0]["to"], len(office.taken)) == (EMAIL, 1)
    assert office.link().startswith("http://localhost:8501/reset?token=")
    token = office.token()
    for _ in range(2):
        form = await http.get(office.link())
        assert form.status_code == 200
        assert form.headers["referrer-policy"] == "strict-origin"
    assert (await choose(http, "/reset", token, "short")).status_code == 422
    done = await choose(http, "/reset", token)
    assert done.status_code == 200
    assert "set-cookie" not in done.headers
    assert "was changed" in office.taken[1]["subject"]
    assert "token" not in office.letter(1)
    assert await sessions.viewer_of(store, person.token) is None
    assert [await sign_in(http, PASSWORD), await sign_in(http, NEW)] == [401, 303]
    assert (await choose(http, "/reset", token, PASSWORD)).status_code == 410
    assert (await http.get(office.link(0))).status_code == 410
    assert await row(store, "SELECT is_verified FROM app_user") == (True,)
    noted = await row(store, "SELECT email, via, after FROM audit_log WHERE action = 'changed person'")
    assert noted == (EMAIL, "sign-in", {"password": "chosen anew by mail", "sign-ins ended": 1})


async def test_of_many_at_once_one_changes_the_password(
    store: Store, http: httpx.AsyncClient, office: PostOffice
) -> None:
    await ana(store)
    await ask(http)
    tries = [choose(http, "/reset", office.token(), f"{NEW} {number}") for number in range(4)]
    answers = [answer.status_code for answer in await asyncio.gather(*tries)]
    assert sorted(answers) == [200, 410, 410, 410]
    assert await sign_in(http, f"{NEW} {answers.index(200)}") == 303


async def test_a_new_password_uses_up_the_other_links(
    store: Store, http: httpx.AsyncClient, office: PostOffice
) -> None:
    person = await ana(store)
    link = await sessions.make_link(store, person.id)
    await ask(http)
    await ask(http)
    assert (await choose(http, "/reset", office.token(0))).status_code == 200
    assert (await http.get("/reset", params={"token": office.token(1)})).status_code == 410
    assert (await http.get("/sign-in", params={"token": link})).status_code == 410


async def test_a_link_expires_and_ends_with_its_person(
    store: Store, http: httpx.AsyncClient, office: PostOffice
) -> None:
    await ana(store)
    await ask(http)
    lasts = "SELECT extract(epoch FROM expires_at - now())::int FROM sign_in_link"
    assert 3590 <= int(str((await row(store, lasts))[0])) <= 3600
    for change in ("app_user SET is_active = false", "sign_in_link SET expires_at = now()"):
        async with store.working() as session:
            await session.execute(text("UPDATE app_user SET is_active = true"))
            await session.execute(text(f"UPDATE {change}"))
        assert (await http.get(office.link())).status_code == 410
        assert (await choose(http, "/reset", office.token())).status_code == 410


async def test_a_link_opens_only_what_it_was_made_for(store: Store, http: httpx.AsyncClient) -> None:
    person = await ana(store)
    tokens = {purpose: await mail_links.make(store, purpose, person.id) for purpose in Purpose}
    plain = await sessions.make_link(store, person.id)
    for purpose, other in ((Purpose.RESET, Purpose.VERIFY), (Purpose.VERIFY, Purpose.RESET)):
        assert (await choose(http, f"/{other}", tokens[purpose])).status_code == 410
        assert (await http.get("/sign-in", params={"token": tokens[purpose]})).status_code == 410
        assert (await choose(http, f"/{purpose}", plain)).status_code == 410
    assert (await choose(http, "/reset", tokens[Purpose.RESET])).status_code == 200


async def test_the_same_answer_whoever_it_was(store: Store, http: httpx.AsyncClient, office: PostOffice) -> None:
    await ana(store)
    await put_person(store, "link-only@example.com", Role.ADMIN)
    await put_person(store, "gone@example.com", Role.ADMIN, password=PASSWORD)
    async with store.working() as session:
        await session.execute(text("UPDATE app_user SET is_active = false WHERE email = 'gone@example.com'"))
    emails = (EMAIL, "nobody@example.com", "link-only@example.com", "gone@example.com", "", "a\x00b", "' OR 1=1 --")
    answers = [await ask(http, email) for email in emails]
    assert len({(answer.status_code, answer.text) for answer in answers}) == 1
    assert [message["to"] for message in office.taken] == [EMAIL]


async def test_the_answer_does_not_wait_for_the_mail(store: Store, office: PostOffice) -> None:
    """Whoever measures learns nothing: until the answer, the same is done for those who are there and are not."""
    await ana(store)
    mail = {"mail_host": "localhost", "mail_port": str(office.port), "mail_security": "none"}
    app = site(store, Settings(_env_file=None, **mail, mail_from="ads@example.org"))
    office.is_open.clear()
    async with serving(app) as server, httpx.AsyncClient(base_url=server.url, headers={"origin": server.url}) as http:
        assert (await ask(http)).status_code == 200
        assert office.taken == []
        assert (await ask(http, "nobody@example.com")).status_code == 200
        office.is_open.set()
        await arrives(lambda: office.taken, "the mail")


async def test_before_the_answer_as_much_is_asked_of_the_database(store: Store) -> None:
    await ana(store)
    asked = []
    for email in (EMAIL, "nobody@example.com"):
        before = store.statements
        await mail_links.with_password(store, email)
        asked.append(store.statements - before)
    assert asked[0] == asked[1]


async def test_too_many_letters_are_refused_for_those_who_are_not_there_too(
    store: Store, http: httpx.AsyncClient, office: PostOffice
) -> None:
    await ana(store)
    most = MAIL.account.amount
    for email in (EMAIL, "nobody@example.com"):
        answers = [await ask(http, email) for _ in range(most + 1)]
        assert [answer.status_code for answer in answers] == [200] * most + [429]
        assert "Try again in 60 minutes." in answers[-1].text
        assert int(answers[-1].headers["retry-after"]) > 3500
    assert len(office.taken) == most
    for number in range(MAIL.address.amount):
        answer = await ask(http, f"{number}@example.com")
    assert answer.status_code == 429


async def test_a_new_password_opens_an_account_that_was_shut(
    store: Store, http: httpx.AsyncClient, office: PostOffice
) -> None:
    await ana(store)
    assert [await sign_in(http, "wrong") for _ in range(SIGN_IN.account.amount)][-1] == 401
    assert await sign_in(http, PASSWORD) == 429
    await ask(http)
    await choose(http, "/reset", office.token())
    assert await sign_in(http, NEW) == 303


async def test_an_address_is_confirmed_after_the_first_sign_in(
    store: Store, http: httpx.AsyncClient, office: PostOffice
) -> None:
    await ana(store)
    assert [await sign_in(http, PASSWORD) for _ in range(3)] == [303, 200, 200]  # the later ones end the one before
    assert len(office.taken) == 1, "once a day"
    assert office.link().startswith("http://localhost:8501/verify?token=")
    for _ in range(2):
        page = await http.get(office.link())
        assert page.status_code == 200
        assert f"Is {EMAIL} yours?" in page.text
    assert await row(store, "SELECT is_verified FROM app_user") == (False,)
    assert (await http.post("/verify", data={"token": office.token()})).status_code == 200
    assert await row(store, "SELECT is_verified FROM app_user") == (True,)
    assert (await http.post("/verify", data={"token": office.token()})).status_code == 410


async def test_whose_address_is_confirmed_is_asked_no_more(
    store: Store, http: httpx.AsyncClient, office: PostOffice
) -> None:
    await ana(store)
    async with store.working() as session:
        await session.execute(text("UPDATE app_user SET is_verified = true"))
    assert await sign_in(http, PASSWORD) == 303
    assert office.taken == []


async def test_a_mail_server_that_is_down_keeps_nobody_out(
    store: Store, http: httpx.AsyncClient, office: PostOffice, caplog: pytest.LogCaptureFixture
) -> None:
    await ana(store)
    office.refuses = "451 later"
    assert await sign_in(http, PASSWORD) == 303
    assert (await ask(http)).status_code == 200
    assert caplog.messages.count("A mail could not be sent.") == 2
    assert "token" not in caplog.text.replace("?token=[redacted]", "")


async def test_without_a_mail_server_the_pages_say_whom_to_ask(store: Store) -> None:
    await ana(store)
    async with browsing(store) as http:
        assert "/forgotten" not in (await http.get("/sign-in")).text
        for answer in (await http.get("/forgotten"), await ask(http)):
            assert "sends no mails" in answer.text
        assert await sign_in(http, PASSWORD) == 303
        token = await mail_links.make(store, Purpose.RESET, (await ana(store)).id)
        assert (await choose(http, "/reset", token)).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
@pytest.mark.parametrize("address", ADDRESSES)
async def test_forms_of_other_sites_are_refused(
    store: Store, http: httpx.AsyncClient, office: PostOffice, address: str, origin: str
) -> None:
    person = await ana(store)
    token = await mail_links.make(store, Purpose.RESET, person.id)
    fields = {"token": token, "password": NEW, "again": NEW, "email": EMAIL}
    answer = await http.post(address, data=fields, headers={"origin": origin})
    assert answer.status_code == 403
    assert office.taken == []
    assert await sign_in(http, PASSWORD) == 303


@pytest.mark.parametrize("address", ADDRESSES)
async def test_a_form_that_is_too_long_is_not_read(http: httpx.AsyncClient, address: str) -> None:
    assert (await http.post(address, data={"password": "x" * 9000})).status_code == 413


async def test_a_lost_database_is_a_sentence(store: Store) -> None:
    lost = Store(store.url.set(database="no_such_database"))
    mail = {"mail_host": "localhost", "mail_from": "ads@example.org"}
    async with browsing(lost, **mail) as http:
        for address in ("/invitation", "/reset", "/verify"):
            answers = (await http.get(address, params={"token": "x"}), await choose(http, address, "x"))
            for answer in (*answers, await ask(http)):
                assert answer.status_code == 503
                assert "The database cannot be reached." in answer.text
    await lost.dispose()


def test_what_is_typed_is_never_markup() -> None:
    assert "<script" not in forgotten(email='"><script>alert(1)</script>', problem="<script>")
