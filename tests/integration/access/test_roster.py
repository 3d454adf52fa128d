"""Who is there: everyone with what opens what, for administrators alone, in one look each."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import text

from lib.access import sessions
from lib.access.audit import OPERATOR_ACTOR
from lib.access.invitations import invite
from lib.access.people import put_person
from lib.access.roster import invitations_of, people_of, teams_of
from lib.access.teams import put_team
from lib.access.viewer import Role
from lib.errors import AccessError
from lib.store.engine import Store
from tests.people import signed_in

ISSUER = "https://issuer.example.com"


async def test_everyone_with_clients_teams_ways_in_and_last_visit(store: Store, clients: dict[str, int]) -> None:
    await put_person(store, "zoe@example.com", Role.VIEWER)
    await put_person(store, "Ana@example.com", Role.ANALYST, slugs=["zebra", "acme"], password="correct horse battery")
    for name in ("Travel", "retail"):
        await put_team(store, OPERATOR_ACTOR, name, slugs=["acme"], emails=["ana@example.com"])
    now = int(dt.datetime.now(dt.UTC).timestamp())
    claims = {"iss": f"{ISSUER}/", "sub": "1", "email": "ana@example.com", "email_verified": True, "iat": now}
    await sessions.session_of_oidc(store, claims)
    async with store.working() as session:
        await session.execute(text("UPDATE app_user SET is_active = false WHERE email LIKE 'zoe%'"))
        await session.execute(text("UPDATE client SET archived_at = now() WHERE slug = 'zebra'"))
    ana, zoe = await people_of(store, OPERATOR_ACTOR)
    assert (ana.email, ana.role, ana.is_active) == ("Ana@example.com", Role.ANALYST, True)
    assert (ana.client_slugs, ana.team_names) == (("acme",), ("retail", "Travel"))
    assert ana.providers == ("local", ISSUER)
    assert ana.last_seen_at is not None
    assert abs(dt.datetime.now(dt.UTC) - ana.last_seen_at) < dt.timedelta(minutes=1)
    assert (zoe.email, zoe.is_active, zoe.client_slugs, zoe.team_names) == ("zoe@example.com", False, (), ())
    assert (zoe.providers, zoe.last_seen_at) == ((), None)


async def test_each_list_is_one_look_however_many_there_are(store: Store, clients: dict[str, int]) -> None:
    for number in range(12):
        email = f"someone{number}@example.com"
        await put_person(store, email, Role.VIEWER, slugs=["acme"])
        await put_team(store, OPERATOR_ACTOR, f"Team {number}", slugs=["zebra"], emails=[email])
        await invite(store, OPERATOR_ACTOR, f"guest{number}@example.com", Role.VIEWER, slugs=["acme"])
    for look, most in ((people_of, 2), (teams_of, 2), (invitations_of, 4)):
        before = store.statements
        assert len(await look(store, OPERATOR_ACTOR)) == 12
        assert store.statements - before <= most


async def test_invitations_by_their_states_the_newest_first(store: Store, clients: dict[str, int]) -> None:
    for email, statement in (
        ("used@example.com", "used_at = now()"),
        ("revoked@example.com", "revoked_at = now()"),
        ("expired@example.com", "expires_at = now()"),
        ("open@example.com", "email = email"),
    ):
        made = await invite(store, OPERATOR_ACTOR, email, Role.MANAGER, slugs=["acme"])
        async with store.working() as session:
            await session.execute(text(f"UPDATE invitation SET {statement} WHERE id = :id"), {"id": str(made.id)})
    found = await invitations_of(store, OPERATOR_ACTOR)
    assert [facts.state for facts in found] == ["open", "expired", "revoked", "used"]
    assert all(facts.email == f"{facts.state}@example.com" for facts in found)
    assert {facts.invited_by for facts in found} == {"command line"}


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST, Role.MANAGER])
async def test_others_learn_nothing(store: Store, role: Role) -> None:
    viewer, _ = await signed_in(store, "ana@example.com", role)
    for look in (people_of, teams_of, invitations_of):
        with pytest.raises(AccessError, match="Only administrators"):
            await look(store, viewer)
