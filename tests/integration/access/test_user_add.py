"""``user add``: people, links, and what is refused."""

from __future__ import annotations

import argparse
import asyncio
import io

import pytest
from sqlalchemy import text

from lib.access import sessions
from lib.access.audit import OPERATOR_ACTOR
from lib.access.people import LOCAL_ADMIN, change_person, checked_email, ensure_local_admin, put_person
from lib.access.viewer import Role
from lib.commands import user
from lib.commands.launch import _way_in
from lib.errors import Conflict, UsageError
from lib.store.engine import Store
from tests.people import noted


async def add(store: Store, *words: str) -> int:
    parser = argparse.ArgumentParser()
    user.configure(parser)
    return await user.run(parser.parse_args(["add", *words]), store)


async def people(store: Store) -> list[tuple[str, str]]:
    async with store.working() as session:
        return [tuple(row) for row in await session.execute(text("SELECT email, role FROM app_user"))]


async def test_a_new_person_gets_a_link(
    store: Store, clients: dict[str, int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert await add(store, "ana@example.com", "--role", "viewer", "--client", "zebra", "--client", "acme") == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "Added ana@example.com as viewer, who sees acme, zebra."
    address = said[1].split()[-1]
    assert address.startswith("http://localhost:")
    token = await sessions.redeem_link(store, address.split("/sign-in?token=")[1])
    assert token is not None
    viewer = await sessions.viewer_of(store, token)
    assert viewer is not None
    assert viewer.account_ids == {11, 12, 21}


async def test_a_password_comes_from_stdin(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\nmore"))
    assert await add(store, "ana@example.com", "--role", "admin", "--password-stdin") == 0
    said = capsys.readouterr().out
    assert said == "Added ana@example.com as admin, who sees every client.\n"
    async with store.working() as session:
        hashed = (await session.execute(text("SELECT hashed_password FROM app_user"))).scalar_one()
    assert hashed.startswith("$argon2id$")


async def test_someone_who_exists_is_changed_and_told_what(
    store: Store, clients: dict[str, int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await add(store, "ana@example.com", "--role", "viewer", "--client", "acme")
    capsys.readouterr()
    await add(store, "ANA@example.com", "--role", "analyst", "--client", "zebra")
    said = capsys.readouterr().out
    assert "ana@example.com exists already. Changed: role viewer to analyst; clients now zebra." in said
    await add(store, "ana@example.com", "--role", "analyst")
    assert "Changed: nothing." in capsys.readouterr().out
    token = await sessions.create_session(store, (await _ids(store))[0], "local")
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
    await add(store, "ana@example.com", "--role", "analyst", "--password-stdin")
    assert "new password, 1 sign-in ended" in capsys.readouterr().out
    assert await sessions.viewer_of(store, token) is None
    assert await people(store) == [("ana@example.com", "analyst")]


async def test_the_last_administrator_stays_one(store: Store) -> None:
    await add(store, "boss@example.com", "--role", "admin")
    for role in ("viewer", "manager"):
        with pytest.raises(Conflict, match="the last active administrator; nothing was changed"):
            await add(store, "boss@example.com", "--role", role)
    assert await people(store) == [("boss@example.com", "admin")]
    await add(store, "other@example.com", "--role", "admin")
    await add(store, "boss@example.com", "--role", "viewer")


async def test_of_administrators_that_are_demoted_at_once_one_stays(store: Store) -> None:
    emails = [f"{number}@example.com" for number in range(6)]
    for email in emails:
        await put_person(store, email, Role.ADMIN)
    demoted = (put_person(store, email, Role.VIEWER) for email in emails)
    done = await asyncio.gather(*demoted, return_exceptions=True)
    assert [type(each) for each in done if isinstance(each, Exception)] == [Conflict]
    assert [role for _, role in await people(store)].count("admin") == 1


async def test_changes_at_once_are_noted_from_what_the_one_before_left(store: Store) -> None:
    person = await put_person(store, "ana@example.com", Role.VIEWER)
    roles = (Role.ANALYST, Role.MANAGER, Role.VIEWER) * 2
    await asyncio.gather(
        *(put_person(store, "ana@example.com", role) for role in roles),
        *(change_person(store, OPERATOR_ACTOR, person.user_id, role=role) for role in roles),
    )
    changes = await noted(store, "changed person")
    assert [change.before for change in changes[1:]] == [change.after for change in changes[:-1]]


async def _ids(store: Store) -> list:
    async with store.working() as session:
        return list((await session.execute(text("SELECT id FROM app_user"))).scalars())


async def test_a_viewer_without_clients_is_told(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    await add(store, "ana@example.com", "--role", "viewer")
    assert "sees no client yet" in capsys.readouterr().out


@pytest.mark.parametrize("email", ["ana", "ana@", "@example.com", "a b@example.com", "ana@localhost", "x" * 300])
async def test_what_is_no_address_is_refused(store: Store, email: str) -> None:
    with pytest.raises(UsageError, match="is not an e-mail address"):
        await add(store, email, "--role", "viewer")
    assert await people(store) == []


@pytest.mark.parametrize("email", ["", "  "])
async def test_no_address_is_asked_for(store: Store, email: str) -> None:
    with pytest.raises(UsageError) as refused:
        await add(store, email, "--role", "viewer")
    assert str(refused.value) == "Type an e-mail address. Nothing was stored."


@pytest.mark.parametrize("email", ["x" * 250, "x" * 250 + "@example.com", "\u212a" + "x" * 250 + "@example.com"])
async def test_what_is_no_address_is_quoted_in_part(store: Store, email: str) -> None:
    with pytest.raises(UsageError) as refused:
        await add(store, email, "--role", "viewer")
    assert len(str(refused.value)) < 200
    assert "must" not in str(refused.value)


async def test_an_unknown_client_names_the_known_ones(store: Store, clients: dict[str, int]) -> None:
    with pytest.raises(UsageError, match=r"No client is called acmee\. The clients are acme, zebra\."):
        await add(store, "ana@example.com", "--role", "viewer", "--client", "acme", "--client", "acmee")
    assert await people(store) == []


async def test_no_client_at_all(store: Store) -> None:
    with pytest.raises(UsageError, match="There is no client yet"):
        await add(store, "ana@example.com", "--role", "viewer", "--client", "acme")


@pytest.mark.parametrize("password", ["short\n", "", "\n"])
async def test_a_bad_password_stores_nothing(store: Store, monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(password))
    with pytest.raises(UsageError, match="Nothing was stored"):
        await add(store, "ana@example.com", "--role", "viewer", "--password-stdin")
    assert await people(store) == []


async def test_the_local_admin_is_made_once(store: Store) -> None:
    user_id = await ensure_local_admin(store)
    assert await ensure_local_admin(store) == user_id
    assert await people(store) == [(LOCAL_ADMIN, Role.ADMIN.value)]
    assert checked_email(LOCAL_ADMIN) == LOCAL_ADMIN


async def test_a_disabled_local_admin_is_given_no_link(store: Store) -> None:
    await put_person(store, "ana@example.com", Role.ADMIN)
    user_id = await ensure_local_admin(store)
    link = await _way_in(store.engine.url, "http://localhost:8501")
    assert link.startswith("Open http://localhost:8501/sign-in?token=")
    await change_person(store, OPERATOR_ACTOR, user_id, is_active=False)
    assert await _way_in(store.engine.url, "http://localhost:8501") == (
        "Open http://localhost:8501\nThe local administrator is disabled, so there is no link to sign in."
        f" `python -m lib user enable {LOCAL_ADMIN}` lets them in; others sign in as before."
    )
