"""Every function of the repositories while nobody is known: as the app's role, and as the gate's with what it needs.

Arguments are found by the parameters' names; a function with a new name of a parameter has to be given a value here.
"""

from __future__ import annotations

import datetime as dt
import importlib
import inspect
import pkgutil
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from lib.access.people import put_person
from lib.access.viewer import Role
from lib.errors import StoreError
from lib.store import repositories
from lib.store.engine import Store
from lib.store.models import Base, Campaign, Invitation
from lib.store.repositories.audit import Wanted
from lib.store.repositories.periods import Period
from lib.store.repositories.queue import Hold
from lib.store.repositories.slices import NewSlice
from tests import factories
from tests.roles import app_alone

ACCOUNT, DAY = 110011, dt.date(2026, 1, 5)
MARKS = ("acme", "Acme", str(ACCOUNT), "sealed")
HOUR = dt.timedelta(hours=1)
NOBODYS = uuid.uuid4()
VALUES: dict[str, Any] = {
    "account_id": ACCOUNT,
    "account_ids": frozenset({ACCOUNT}),
    "address": "192.0.2.1",
    "app_id": "1",
    "asks": ["asked:110011::"],
    "breakdown": "",
    "columns": ("account_id", "date", "ad_id"),
    "date": DAY,
    "dates": [DAY],
    "difference": {"spend_micros": 1},
    "fetched_at": dt.datetime(2100, 1, 1, tzinfo=dt.UTC),
    "lines": [],
    "most_days": 7,
    "before": dt.datetime(2100, 1, 1, tzinfo=dt.UTC),
    "period": Period(ACCOUNT, "account", DAY, DAY),
    "periods": [Period(ACCOUNT, "account", DAY, DAY)],
    "period_ended": True,
    "rows_a_day": 1,
    "table": "insight",
    "at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    "creative_id": ACCOUNT * 20,
    "described": {"name": "Changed"},
    "digest": b"digest",
    "better": "better",
    "entries": [{"email": "ana@example.com", "action": "exported", "via": "page", "subject": ""}],
    "email": "ana@example.com",
    "emails": ["ana@example.com"],
    "expires_at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    "expires_in": HOUR,
    "graph_url": "https://example.com",
    "group_id": 1,
    "idle": HOUR,
    "ids": [ACCOUNT * 10],
    "invitation_id": NOBODYS,
    "invited_by": "ana@example.com",
    "issuer": "https://example.com/",
    "hold": Hold(1, 1, 0),
    "lasts": HOUR,
    "limit": 10,
    "message": "Changed",
    "model": Campaign,
    "name": "Acme",
    "names": ["Acme"],
    "new_hash": b"new",
    "offset": 0,
    "page": None,
    "part": "act_110011",
    "pictures": [
        {"account_id": ACCOUNT, "creative_id": 1, "content": b"", "content_type": "image/png", "source_key": "/2"}
        | {"fetched_at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)}
    ],
    "provider": "local",
    "role": "viewer",
    "rows": [{"account_id": ACCOUNT, "campaign_id": 1, "name": "Changed", "seen_at": factories.NOW}],
    "run_id": NOBODYS,
    "scopes": ["read"],
    "seal": lambda: b"changed",
    "sealed_token": b"sealed",
    "scope": "account:110011",
    "reason": "Changed",
    "since": DAY,
    "stalled_s": 20.0,
    "worker_id": 1,
    "slug": "acme",
    "state": "dead",
    "subject": "subject",
    "team_id": 1,
    "team_ids": [],
    "token_hash": b"hash",
    "token_id": NOBODYS,
    "until": DAY,
    "user_ids": [],
    "view_id": NOBODYS,
    "channel_id": "C1",
}
_EXPORT = {"via": "page", "format": "csv", "rows": 1, "size": 1, "sha256": "", "engine": "postgres", "question": ""}
OWN: dict[str, dict[str, Any]] = {
    "clients.free_slug": {"name": "Other"},
    "exports.add_export": {"values": {"user_id": NOBODYS, "email": "ana@example.com", **_EXPORT}},
    "identities.bind": {"subject": "another"},
    "invitations.add_invitation": {"digest": b"new"},
    "people.add_link": {"token_hash": b"new"},
    "people.add_session": {"token_hash": b"new"},
    "personal_tokens.add_token": {"digest": b"new"},
    "teams.add_team": {"name": "Another"},
    "groups.add_group": {"values": {"client_id": 1, "title": "Changed", "channel_id": "C2"}},
    "groups.change_group": {"values": {"title": "Changed"}},
    "groups.group_titled": {"title": "Acme chat"},
    "standing.replace_hash": {"hashed": ""},
    "pauses.keep": {"until": dt.datetime(2100, 1, 1, tzinfo=dt.UTC)},
    "runs.end_accounts": {"state": "failed"},
    "runs.write_account": {"values": {"state": "failed"}},
    "views.add_view": {"values": {"name": "Changed", "page": "explore", "address": "", "client_ids": []}},
}
"""Functions that take other values under a name."""
NEEDED_BY_THE_GATE = {
    "audit.add_entries": "who came, went or failed to come is noted",
    "links.owner_of_link": "the page behind a mailed link says whose it is",
    "people.add_link": "a link is made for whoever asked for it by mail",
    "people.add_session": "a sign-in is stored",
    "people.email_of_link": "a link that is used a second time is noted under its person",
    "people.exchange_session": "the popup's ID token becomes a session, once",
    "people.find_user": "e-mail and password are looked at, a reset is asked for",
    "people.provider_of": "the way out leads to where one came from",
    "people.revoke_session": "a sign-out ends the session",
    "people.use_link": "a link signs in once",
    "standing.hashed_password_held": "nobody is signed in by a password that was changed a moment ago",
    "standing.replace_hash": "an old kind of hash is replaced once the password was seen",
    "personal_tokens.touch": "the last use of a token is noted",
}
"""What may be asked or done while nobody is known, and why."""
COMES_WITH_IT = {
    "people.revoke_sessions_of": "ending sign-ins, one by one or all",
    "standing.locked_user": "finding a person, by another key",
    "standing.role_held": "finding a person, by another key",
    "teams.users_by_email": "finding people, several at once",
}
"""What the same rights let happen; the gate does not do it."""
NOTHING = ("", "None", "False", "0", "'other'")
"""What is said where there is nothing to be seen: ``other`` is the slug that a new client of that name would get."""


def functions() -> Iterator[Any]:
    for module in pkgutil.iter_modules(repositories.__path__):
        found = vars(importlib.import_module(f"{repositories.__name__}.{module.name}"))
        for name, function in found.items():
            is_own = getattr(function, "__module__", "").endswith(f"repositories.{module.name}")
            is_async = inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
            if is_own and is_async and not name.startswith("_"):
                yield pytest.param(function, id=f"{module.name}.{name}")


OF_PEOPLE = (
    "INSERT INTO team_member (team_id, user_id) VALUES (:team, :user)",
    "INSERT INTO team_grant (team_id, client_id) VALUES (:team, :client)",
    "INSERT INTO user_identity (issuer, subject, user_id) VALUES ('https://example.com/', 'subject', :user)",
    "INSERT INTO user_session (token_hash, user_id, provider, expires_at)"
    " VALUES ('hash', :user, 'local', now() + interval '1 day')",
    "INSERT INTO sign_in_link (token_hash, user_id, expires_at)"
    " VALUES ('hash', :user, now() + interval '1 day'), ('digest', :user, now() + interval '1 day')",
    "INSERT INTO personal_token (id, user_id, name, token_hash, scopes)"
    " VALUES (:id, :user, 'Acme', 'digest', '{read}')",
    "INSERT INTO invitation (id, email, role, client_ids, token_hash, invited_by, expires_at)"
    " VALUES (:id, 'ana@example.com', 'viewer', '{}', 'digest', 'ana@example.com', now() + interval '1 day')",
)
"""A person in a team, with all that opens a door to them."""


@pytest.fixture
async def filled(store: Store) -> dict[str, Any]:
    """A client with an account, numbers, a token, a chat and a run, and a person; values for the parameters."""
    async with store.working() as session:
        client_id = await factories.add_client(session, "acme")
        await factories.add_account(session, ACCOUNT, client_id, name="Acme main")
        await factories.add_campaign(session, ACCOUNT, ACCOUNT * 10, name="Acme autumn")
        await factories.put_creative(session, ACCOUNT, ACCOUNT * 20, thumbnail_url="https://example.com/acme.png")
        columns = "account_id, creative_id, content, content_type, source_key, fetched_at"
        picture = f"INSERT INTO creative_picture ({columns}) VALUES (:account, :id, 'acme', 'image/png', '/old', now())"
        await session.execute(text(picture), {"account": ACCOUNT, "id": ACCOUNT * 20})
        await factories.add_insights(session, [factories.insight_row(ACCOUNT, DAY, 1, spend="12.34")])
        await factories.add_slice(session, ACCOUNT, DAY)
        values = {"client_id": client_id, "token": b"sealed"}
        await session.execute(
            text("INSERT INTO credential (client_id, token_encrypted) VALUES (:client_id, :token)"), values
        )
        chat = "INSERT INTO chat_group (client_id, title, channel_id) VALUES (:client_id, 'Acme chat', 'C1')"
        await session.execute(text(chat), values)
        run = (await session.execute(text("INSERT INTO refresh_run DEFAULT VALUES RETURNING id"))).scalar_one()
        listed = "INSERT INTO refresh_run_account (account_id, run_id) VALUES (:account, :run)"
        await session.execute(text(listed), {"account": ACCOUNT, "run": run})
    person = await put_person(store, "ana@example.com", Role.VIEWER, slugs=["acme"])
    async with store.working() as session:
        team = (await session.execute(text("INSERT INTO team (name) VALUES ('Acme') RETURNING id"))).scalar_one()
        for statement in OF_PEOPLE:
            named = {"user": person.user_id, "client": client_id, "team": team, "id": NOBODYS}
            await session.execute(text(statement), {name: named[name] for name in named if f":{name}" in statement})
    slice_ = NewSlice(ACCOUNT, DAY, ("account_id", "date", "ad_id"), [], {}, factories.NOW, account_day_ended=True)
    promised = Invitation(role="viewer", client_ids=[client_id], team_ids=[])
    return VALUES | {
        "client_id": client_id,
        "client_ids": [client_id],
        "invitation": promised,
        "new": slice_,
        "news": [slice_],
        "owner_id": person.user_id,
        "requested_by": person.user_id,
        "run_id": run,
        "sealed": {client_id: b"changed"},
        "seen_as_id": person.user_id,
        "user_id": person.user_id,
        "values": {"name": "Changed"},
        "team_id": team,
        "team_ids": [team],
        "user_ids": [person.user_id],
        "is_sample": False,
        "wanted": Wanted(DAY, dt.date(2100, 1, 1)),
    }


async def state(store: Store) -> dict[str, list[Any]]:
    """All rows of every table."""
    names = [table.name for table in Base.metadata.sorted_tables if table.name not in ("installation", "mirror_notice")]
    async with store.working() as session:
        return {
            name: sorted(map(str, (await session.execute(text(f"SELECT * FROM {name}"))).tuples())) for name in names
        }


def told(result: Any) -> str:
    """All that a result says."""
    if isinstance(result, Base):
        return str({column.key: getattr(result, column.key) for column in result.__table__.columns})
    if isinstance(result, Mapping):
        return "".join(f"{key} {told(value)}" for key, value in result.items())
    if isinstance(result, (list, tuple, set, frozenset)):
        return "".join(map(told, result))
    return repr(result)


async def called(function: Callable[..., Any], session: AsyncSession, values: Mapping[str, Any]) -> str:
    _, *parameters = inspect.signature(function).parameters.values()
    needed = [each for each in parameters if each.default is each.empty and each.kind is not each.VAR_POSITIONAL]
    missing = [each.name for each in needed if each.name not in values]
    assert not missing, f"give {missing} values"
    given = function(session, **{each.name: values[each.name] for each in needed})
    if isinstance(given, AsyncIterator):
        return told([each async for each in given])
    return told(await given)


FUNCTIONS = list(functions())


async def heard_or_done(
    store: Store, doing: AbstractAsyncContextManager[AsyncSession], function: Callable[..., Any], filled: dict[str, Any]
) -> bool:
    """Whether the function says or changes anything."""
    before = await state(store)
    own = OWN.get(name_of(function), {})
    try:
        async with doing as session:
            said = await called(function, session, filled | own)
    except (StoreError, DBAPIError):
        said = ""
    return said not in NOTHING or await state(store) != before


def name_of(function: Callable[..., Any]) -> str:
    return f"{function.__module__.rpartition('.')[2]}.{function.__name__}"


@pytest.mark.parametrize("function", FUNCTIONS)
async def test_the_app_hears_of_no_row_without_a_viewer(
    store: Store, filled: dict[str, Any], function: Callable[..., Any]
) -> None:
    assert not await heard_or_done(store, app_alone(store), function, filled)


@pytest.mark.parametrize("function", FUNCTIONS)
async def test_the_gate_gets_what_it_needs_and_nothing_else(
    store: Store, filled: dict[str, Any], function: Callable[..., Any]
) -> None:
    is_needed = name_of(function) in NEEDED_BY_THE_GATE | COMES_WITH_IT
    assert await heard_or_done(store, store.gatekeeping(), function, filled) == is_needed


OVER = (
    "UPDATE user_session SET revoked_at = {}",
    "UPDATE sign_in_link SET used_at = {}",
    "UPDATE personal_token SET revoked_at = {}",
    "UPDATE invitation SET used_at = {}",
    "UPDATE invitation SET revoked_at = {}",
)


@pytest.mark.parametrize("statement", OVER)
@pytest.mark.parametrize("moment", ["NULL", "now() + interval '1 day'"])
async def test_what_is_over_stays_over_whoever_asks(
    store: Store, filled: dict[str, Any], statement: str, moment: str
) -> None:
    async with store.working() as session:
        await session.execute(text(statement.format("now()")))
    for doing in (store.working(), store.gatekeeping(), app_alone(store), AsyncSession(store.engine)):
        before = await state(store)
        with pytest.raises((StoreError, DBAPIError)):
            async with doing as session:
                await session.execute(text(statement.format(moment)))
        assert await state(store) == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE app_user SET role = 'admin'",
        "UPDATE user_session SET expires_at = now() + interval '9 years'",
        "UPDATE user_session SET user_id = gen_random_uuid()",
        "DELETE FROM user_session",
        "DELETE FROM sign_in_link",
        "SELECT seen_as_id FROM user_session",
        "SELECT token_hash FROM personal_token",
        "SELECT email FROM audit_log",
        "SELECT FROM invitation",
        "SELECT FROM team_grant",
        "SELECT FROM client_grant",
        "SELECT FROM user_identity",
        "SELECT FROM client",
        "SELECT FROM insight",
        "SELECT FROM credential",
    ],
)
async def test_the_gates_role_may_not(store: Store, filled: dict[str, Any], statement: str) -> None:
    with pytest.raises(StoreError):
        async with store.gatekeeping() as session:
            await session.execute(text(statement))


@pytest.mark.parametrize(
    "name",
    [
        "audit.every_client",
        "clients.all_clients",
        "clients.lock_tokens",
        "clients.owners_of",
        "entities.known_ids",
        "groups.groups_in_order",
        "people.clients_by_slug",
        "runs.accounts_for_refresh",
    ],
)
async def test_the_worker_hears_of_them(store: Store, filled: dict[str, Any], name: str) -> None:
    (function,) = next(each.values for each in FUNCTIONS if each.id == name)
    async with store.working() as session:
        said = await called(function, session, filled)
    assert [mark for mark in MARKS if mark in said]
