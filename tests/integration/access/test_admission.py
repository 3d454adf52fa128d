"""Who comes in by OIDC: people who are known, and newcomers by invitation, role claim or domain; nobody else."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from sqlalchemy import text

from lib.access import bearer, sessions
from lib.access.audit import OPERATOR_ACTOR
from lib.access.identities import forget_identities
from lib.access.invitations import accept, invite, open_invitation
from lib.access.issuers import Issuer
from lib.access.people import LOCAL_ADMIN, change_person, ensure_local_admin, put_person
from lib.access.roster import people_of
from lib.access.teams import put_team
from lib.access.viewer import Role, Viewer
from lib.errors import AccessError, NotFound, UsageError
from lib.settings import get_settings
from lib.store.engine import Store
from lib.store.repositories import invitations, people, teams
from tests.people import last_noted, noted, signed_in
from tests.unit.access.test_addresses import DISGUISES, MIKA

ANA = "ana@example.com"
ROLES = "https://ads.example.com/roles"
Configure = Callable[..., None]
_nonces = count()


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Configure]:
    """Sets settings for the test."""

    def put(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        get_settings.cache_clear()

    yield put
    monkeypatch.undo()
    get_settings.cache_clear()


def claims(email: object = ANA, sub: object = "auth0|1", **more: object) -> dict[str, Any]:
    """A new ID token each time."""
    now = int(dt.datetime.now(dt.UTC).timestamp())
    whole = {"iss": "https://issuer.example.com/", "sub": sub, "email": email, "email_verified": True, "iat": now}
    return {**whole, "nonce": str(next(_nonces)), **more}


async def come(store: Store, *words: object, **more: object) -> Viewer:
    return await sessions.session_of_oidc(store, claims(*words, **more), address="203.0.113.7")


async def emails(store: Store) -> list[str]:
    return [person.email for person in await people_of(store, OPERATOR_ACTOR)]


async def test_a_stranger_stays_outside_and_leaves_nothing_but_a_note(store: Store) -> None:
    with pytest.raises(AccessError, match=r"ana@example\.com may not use this dashboard\. Ask the administrator"):
        await come(store)
    assert await emails(store) == []
    note = await last_noted(store)
    assert (note["action"], note["email"], note["user_id"]) == ("sign-in failed", ANA, None)
    assert note["address"] == "203.0.113.7"
    assert note["after"] == {"by": "oidc", "why": "not allowed in"}
    async with store.working() as session:
        for table in ("user_session", "user_identity"):
            assert (await session.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one() == 0


async def test_an_invited_newcomer_gets_what_was_offered(store: Store, clients: dict[str, int]) -> None:
    await put_team(store, OPERATOR_ACTOR, "Retail", slugs=["zebra"], emails=[])
    made = await invite(store, OPERATOR_ACTOR, ANA, Role.ANALYST, slugs=["acme"], teams=["Retail"])
    viewer = await come(store, "ANA@example.com")
    assert (viewer.email, viewer.role, viewer.account_ids) == (ANA, Role.ANALYST, {11, 12, 21})
    async with store.working() as session:
        assert (await session.execute(text("SELECT is_verified FROM app_user"))).scalar_one() is True
    assert await open_invitation(store, made.token) is None
    added, entered = (await noted(store))[-2:]
    assert (added.action, added.subject, added.after["invited_by"]) == ("added person", ANA, "command line")
    assert (entered.action, entered.email, entered.after) == ("signed in", ANA, {"by": "oidc"})
    assert entered.user_id == viewer.user_id


@pytest.mark.parametrize("statement", ["used_at = now()", "revoked_at = now()", "expires_at = now()"])
async def test_an_invitation_that_is_over_lets_nobody_in(store: Store, statement: str) -> None:
    await invite(store, OPERATOR_ACTOR, ANA, Role.ADMIN)
    async with store.working() as session:
        await session.execute(text(f"UPDATE invitation SET {statement}"))
    with pytest.raises(AccessError):
        await come(store)
    assert await emails(store) == []


@pytest.mark.parametrize(
    "off", [{"email_verified": False}, {"email_verified": "true"}, {"email_verified": None}, {"sub": ""}, {"sub": None}]
)
async def test_an_unverified_address_uses_no_invitation(
    store: Store, configure: Configure, off: dict[str, object]
) -> None:
    configure(AUTH_ALLOWED_DOMAINS="example.com", AUTH_ROLE_CLAIM=ROLES)
    made = await invite(store, OPERATOR_ACTOR, ANA, Role.ADMIN)
    with pytest.raises(AccessError, match="has not verified"):
        await come(store, **{ROLES: "admin"}, **off)
    assert await open_invitation(store, made.token) is not None
    assert await emails(store) == []


async def test_an_allowed_domain_makes_viewers_without_clients(
    store: Store, configure: Configure, clients: dict[str, int]
) -> None:
    configure(AUTH_ALLOWED_DOMAINS="other.example, Example.COM")
    viewer = await come(store, "Ana@EXAMPLE.com")
    assert (viewer.email, viewer.role, viewer.account_ids) == ("Ana@example.com", Role.VIEWER, set())
    assert (await noted(store, "added person"))[-1].after["by"] == "domain example.com"
    for number, email in enumerate(
        ("eve@sub.example.com", "eve@notexample.com", "eve@example.com.evil.example", '"a@example.com"@evil.example')
    ):
        with pytest.raises(AccessError):
            await come(store, email, f"eve{number}")
    assert await emails(store) == ["Ana@example.com"]


@pytest.mark.parametrize(
    ("said", "role"),
    [
        ("analyst", Role.ANALYST),
        (["viewer", "manager", "analyst"], Role.MANAGER),
        ([" Admin "], Role.ADMIN),
        (["owner", "viewer"], Role.VIEWER),
        ([None, 3, {"role": "admin"}, "analyst"], Role.ANALYST),
    ],
)
async def test_the_highest_known_role_of_the_claim_counts(
    store: Store, configure: Configure, said: object, role: Role
) -> None:
    configure(AUTH_ROLE_CLAIM=ROLES)
    assert (await come(store, **{ROLES: said})).role is role


@pytest.mark.parametrize("said", ["owner", [], "", None, {"admin": True}, 7, ["admins"], [["admin"]]])
async def test_a_claim_without_a_known_role_lets_nobody_in(store: Store, configure: Configure, said: object) -> None:
    configure(AUTH_ROLE_CLAIM=ROLES)
    with pytest.raises(AccessError, match="may not use"):
        await come(store, **{ROLES: said})
    assert await emails(store) == []


async def test_a_role_is_nothing_where_no_claim_is_set(store: Store) -> None:
    with pytest.raises(AccessError, match="may not use"):
        await come(store, **{ROLES: "admin", "": "admin", "role": "admin"})


async def test_the_role_follows_the_claim_at_each_sign_in(
    store: Store, configure: Configure, clients: dict[str, int]
) -> None:
    configure(AUTH_ROLE_CLAIM=ROLES)
    await put_person(store, ANA, Role.VIEWER, slugs=["zebra"])
    await put_person(store, "other@example.com", Role.ADMIN)
    for said, role in (
        ("manager", Role.MANAGER),
        (["admin"], Role.ADMIN),
        ([], Role.VIEWER),
        ("analyst", Role.ANALYST),
    ):
        assert (await come(store, **{ROLES: said})).role is role
    note = (await noted(store, "changed person"))[-1]
    assert (note.before, note.after["role"], note.email, note.via) == ({"role": "viewer"}, "analyst", ANA, "sign-in")
    count_before = len(await noted(store, "changed person"))
    assert (await come(store)).role is Role.ANALYST
    assert (await come(store, **{ROLES: "analyst"})).account_ids == {21}
    assert len(await noted(store, "changed person")) == count_before


async def test_the_claim_never_takes_the_role_of_the_last_administrator(
    store: Store, configure: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    configure(AUTH_ROLE_CLAIM=ROLES)
    await put_person(store, ANA, Role.ADMIN)
    other = await put_person(store, "other@example.com", Role.ADMIN)
    await change_person(store, OPERATOR_ACTOR, other.user_id, is_active=False)
    for said, role in (([], "viewer"), ("analyst", "analyst")):
        assert (await come(store, **{ROLES: said})).role is Role.ADMIN
        note = (await noted(store, "changed person"))[-1]
        reason = {"role": "admin", "by": "role claim", "why": f"the last administrator is not made {role}"}
        assert (note.email, note.before, note.after, note.via) == (ANA, {"role": "admin"}, reason, "sign-in")
        assert f"{ANA} is the last active administrator and stays one; the role claim says {role}." in caplog.text
    await put_person(store, "third@example.com", Role.ADMIN)
    assert (await come(store, **{ROLES: []})).role is Role.VIEWER


async def test_two_administrators_do_not_both_lose_their_role_at_once(store: Store, configure: Configure) -> None:
    configure(AUTH_ROLE_CLAIM=ROLES)
    others = [f"{name}@example.com" for name in "bcdef"]
    for email in (ANA, *others):
        await put_person(store, email, Role.ADMIN)
    coming = [come(store, email, f"auth0|{email}", **{ROLES: []}) for email in (ANA, *others)]
    viewers = await asyncio.gather(*coming)
    assert sorted(viewer.role for viewer in viewers) == [Role.ADMIN, *[Role.VIEWER] * 5]


async def test_the_claim_counts_more_than_the_invitation(store: Store, configure: Configure) -> None:
    configure(AUTH_ROLE_CLAIM=ROLES)
    await invite(store, OPERATOR_ACTOR, ANA, Role.ADMIN)
    assert (await come(store, **{ROLES: "analyst"})).role is Role.ANALYST


async def test_an_invited_administrator_who_is_demoted_has_invited_nobody(store: Store, configure: Configure) -> None:
    configure(AUTH_ROLE_CLAIM=ROLES)
    boss, _ = await signed_in(store, ANA)
    await put_person(store, "other@example.com", Role.ADMIN)
    made = await invite(store, boss, "eve@example.com", Role.ADMIN)
    await come(store, **{ROLES: ["viewer"]})
    assert await open_invitation(store, made.token) is None


async def test_another_account_under_the_same_address_is_refused(store: Store, clients: dict[str, int]) -> None:
    person = await put_person(store, ANA, Role.VIEWER, slugs=["acme"])
    await come(store)
    with pytest.raises(AccessError, match="by another account of the sign-in service"):
        await come(store, ANA, "google-oauth2|2")
    assert (await last_noted(store))["action"] == "sign-in failed"
    assert (await come(store)).user_id == person.user_id
    assert (await come(store, ANA, "7", iss="https://second.example.com")).user_id == person.user_id
    assert await forget_identities(store, OPERATOR_ACTOR, person.user_id) == (
        "https://issuer.example.com",
        "https://second.example.com",
    )
    assert (await come(store, ANA, "google-oauth2|2")).user_id == person.user_id
    with pytest.raises(AccessError, match="by another account"):
        await come(store)


async def test_the_account_counts_more_than_its_address(store: Store) -> None:
    ana = await put_person(store, ANA, Role.VIEWER)
    bob = await put_person(store, "bob@example.com", Role.ADMIN)
    await come(store)
    assert (await come(store, "ana.new@example.com")).user_id == ana.user_id
    assert (await come(store, "bob@example.com")).user_id == ana.user_id
    assert (await come(store, "bob@example.com", "auth0|bob")).user_id == bob.user_id


async def test_forgetting_accounts_ends_their_sign_ins_and_is_for_administrators(store: Store) -> None:
    person = await put_person(store, ANA, Role.MANAGER)
    whole = claims()
    viewer = await sessions.session_of_oidc(store, whole)
    with pytest.raises(AccessError):
        await forget_identities(store, viewer, person.user_id)
    await forget_identities(store, OPERATOR_ACTOR, person.user_id)
    assert (await last_noted(store))["before"] == {"accounts": ["https://issuer.example.com"]}
    with pytest.raises(sessions.SignInEnded):
        await sessions.session_of_oidc(store, whole)
    assert await forget_identities(store, OPERATOR_ACTOR, person.user_id) == ()
    with pytest.raises(NotFound):
        await forget_identities(store, OPERATOR_ACTOR, uuid.uuid4())


async def test_the_disabled_stay_outside_whatever_vouches_for_them(store: Store, configure: Configure) -> None:
    configure(AUTH_ROLE_CLAIM=ROLES, AUTH_ALLOWED_DOMAINS="example.com")
    person = await put_person(store, ANA, Role.VIEWER)
    await put_person(store, "bob@example.com", Role.VIEWER)
    await come(store)
    await change_person(store, OPERATOR_ACTOR, person.user_id, is_active=False)
    await change_person(store, OPERATOR_ACTOR, (await come(store, "bob@example.com", "b")).user_id, is_active=False)
    for words in ((ANA,), (ANA, "another"), ("bob@example.com", "b"), ("bob@example.com", "c")):
        with pytest.raises(AccessError):
            await come(store, *words, **{ROLES: "admin"})
    assert {(person.role, person.is_active) for person in await people_of(store, OPERATOR_ACTOR)} == {
        (Role.VIEWER, False)
    }


@pytest.mark.parametrize(
    "email",
    [
        "\u212aate@example.com",
        "a\x00@example.com",
        "\ud800@example.com",
        "ana\n@example.com",
        LOCAL_ADMIN,
        LOCAL_ADMIN.upper(),
        "x" * 400 + "@example.com",
        "ana",
        "",
        7,
        ["ana@example.com"],
    ],
)
async def test_addresses_in_disguise_are_refused(store: Store, configure: Configure, email: object) -> None:
    configure(AUTH_ROLE_CLAIM=ROLES)
    await ensure_local_admin(store)
    await put_person(store, "kate@example.com", Role.ADMIN)
    with pytest.raises(AccessError, match=r"cannot be used here|has not verified"):
        await come(store, email, **{ROLES: "admin"})
    assert await emails(store) == [LOCAL_ADMIN, "kate@example.com"]
    assert (await last_noted(store))["action"] == "sign-in failed"


@pytest.mark.parametrize("more", [{"sub": "x" * 300}, {"sub": "a\x00b"}, {"iss": "\ud800"}])
async def test_accounts_that_cannot_be_kept_are_refused(
    store: Store, configure: Configure, more: dict[str, object]
) -> None:
    configure(AUTH_ALLOWED_DOMAINS="example.com")
    with pytest.raises(AccessError, match="cannot be used here"):
        await come(store, **more)


async def test_a_late_first_sight_makes_nobody_and_is_noted_once(store: Store, configure: Configure) -> None:
    configure(AUTH_ALLOWED_DOMAINS="example.com", AUTH_ROLE_CLAIM=ROLES)
    made = await invite(store, OPERATOR_ACTOR, ANA, Role.VIEWER)
    late = claims(iat=int(dt.datetime.now(dt.UTC).timestamp()) - 400, **{ROLES: "admin"})
    for _ in range(3):
        with pytest.raises(sessions.SignInEnded):
            await sessions.session_of_oidc(store, late)
    assert await emails(store) == []
    assert await open_invitation(store, made.token) is not None
    assert len(await noted(store, "sign-in failed")) == 1


async def test_an_ended_sign_in_changes_no_role_and_is_no_failure(store: Store, configure: Configure) -> None:
    configure(AUTH_ROLE_CLAIM=ROLES)
    whole = claims(**{ROLES: "admin"})
    viewer = await sessions.session_of_oidc(store, whole)
    await put_person(store, "other@example.com", Role.ADMIN)
    await change_person(store, OPERATOR_ACTOR, viewer.user_id, role=Role.VIEWER)
    await sessions.revoke(store, viewer.session_hash)
    with pytest.raises(sessions.SignInEnded):
        await sessions.session_of_oidc(store, whole)
    assert [person.role for person in await people_of(store, OPERATOR_ACTOR)] == [Role.VIEWER, Role.ADMIN]
    assert await noted(store, "sign-in failed") == []


async def test_many_windows_of_a_newcomer_make_one_person_one_row_one_note(store: Store, configure: Configure) -> None:
    configure(AUTH_ALLOWED_DOMAINS="example.com")
    whole = claims()
    viewers = await asyncio.gather(*(sessions.session_of_oidc(store, whole) for _ in range(10)))
    assert len({viewer.user_id for viewer in viewers}) == 1
    assert await emails(store) == [ANA]
    assert len(await noted(store, "signed in")) == 1
    assert len(await noted(store, "added person")) == 1


async def test_an_invitation_is_used_by_the_link_or_the_service_never_both(store: Store) -> None:
    made = await invite(store, OPERATOR_ACTOR, ANA, Role.ADMIN)
    outcomes = await asyncio.gather(
        accept(store, made.token, "correct horse battery"), come(store), return_exceptions=True
    )
    assert await emails(store) == [ANA]
    assert not isinstance(outcomes[1], BaseException)
    assert len(await noted(store, "added person")) == 1


async def test_an_access_token_of_another_account_opens_nothing(store: Store, clients: dict[str, int]) -> None:
    person = await put_person(store, ANA, Role.VIEWER, slugs=["acme"])
    await ensure_local_admin(store)
    issuer = Issuer(issuer="https://issuer.example.com/", audience="ads")

    async def ask(email: str, sub: str) -> Viewer:
        said = {"iss": "https://issuer.example.com/", "sub": sub, "email": email, "email_verified": True}
        return await bearer.viewer_of(store, bearer.Verified(issuer, said))

    assert (await ask(ANA, "auth0|1")).user_id == person.user_id
    await come(store)
    assert (await ask(ANA, "auth0|1")).account_ids == {11, 12}
    refused = {
        (ANA, "auth0|2"): "by another account",
        (ANA, "a\x00"): "cannot be used here",
        (LOCAL_ADMIN, "auth0|3"): "cannot be used here",
        ("\u212aate@example.com", "k"): "cannot be used here",
        ("nobody@example.com", "auth0|4"): "may not use this dashboard",
    }
    for (email, sub), sentence in refused.items():
        with pytest.raises(AccessError, match=sentence):
            await ask(email, sub)


def token_of(email: str, sub: str) -> bearer.Verified:
    """What an access token says that was verified."""
    issuer = Issuer(issuer="https://issuer.example.com/", audience="ads")
    return bearer.Verified(issuer, claims(email, sub))


async def test_the_bound_account_is_the_person_at_the_api_too(store: Store) -> None:
    ana = await put_person(store, ANA, Role.VIEWER)
    ben = await put_person(store, "ben@example.com", Role.ADMIN)
    await come(store)
    assert (await bearer.viewer_of(store, token_of(ben.email, "auth0|1"))).user_id == ana.user_id
    assert (await bearer.viewer_of(store, token_of("ana.new@example.com", "auth0|1"))).user_id == ana.user_id
    await change_person(store, OPERATOR_ACTOR, ana.user_id, is_active=False)
    with pytest.raises(AccessError, match="may not use this dashboard"):
        await bearer.viewer_of(store, token_of(ben.email, "auth0|1"))


async def test_the_api_binds_at_first_sight_once_under_many_at_once(store: Store) -> None:
    ana = await put_person(store, ANA, Role.VIEWER)
    assert not await is_verified(store)
    many = [bearer.viewer_of(store, token_of(ANA, "auth0|1")) for _ in range(8)]
    assert {viewer.user_id for viewer in await asyncio.gather(*many)} == {ana.user_id}
    async with store.working() as session:
        bound = (await session.execute(text("SELECT issuer, subject, user_id FROM user_identity"))).one()
    assert tuple(bound) == ("https://issuer.example.com", "auth0|1", ana.user_id)
    assert await is_verified(store)
    before = store.statements
    await bearer.viewer_of(store, token_of(ANA, "auth0|1"))
    assert store.statements - before == 2
    with pytest.raises(AccessError, match="by another account"):
        await bearer.viewer_of(store, token_of(ANA, "auth0|2"))
    with pytest.raises(AccessError, match="by another account"):
        await come(store, ANA, "auth0|2")
    assert (await come(store)).user_id == ana.user_id


async def is_verified(store: Store) -> bool:
    async with store.working() as session:
        return bool((await session.execute(text("SELECT is_verified FROM app_user"))).scalar_one())


async def test_the_api_makes_no_newcomers(store: Store, configure: Configure) -> None:
    configure(AUTH_ALLOWED_DOMAINS="example.com", AUTH_ROLE_CLAIM=ROLES)
    made = await invite(store, OPERATOR_ACTOR, ANA, Role.ADMIN)
    with pytest.raises(AccessError, match="may not use this dashboard"):
        await bearer.viewer_of(store, token_of(ANA, "auth0|1"))
    assert await emails(store) == []
    assert await open_invitation(store, made.token) is not None


@pytest.mark.parametrize("prefix", ["", "\u00fc"])
@pytest.mark.parametrize("disguise", DISGUISES)
async def test_nobody_becomes_another_by_letters_that_fold(store: Store, prefix: str, disguise: str) -> None:
    mika = await put_person(store, prefix + MIKA, Role.ADMIN)
    made = await invite(store, OPERATOR_ACTOR, prefix + MIKA.replace("mika", "nika"), Role.ADMIN)
    invited = disguise.replace("m", "n", 1).replace("\uff4d", "\uff4e", 1)
    for email in (prefix + disguise, prefix + invited):
        with pytest.raises(AccessError, match="cannot be used here"):
            await come(store, email, "auth0|evil")
        with pytest.raises(AccessError, match="cannot be used here"):
            await bearer.viewer_of(store, token_of(email, "auth0|evil"))
        with pytest.raises(UsageError, match="taken for others"):
            await invite(store, OPERATOR_ACTOR, email, Role.ADMIN)
        with pytest.raises(UsageError, match="taken for others"):
            await put_person(store, email, Role.ADMIN)
        async with store.working() as session:
            assert await people.find_user(session, email) is None
            assert await invitations.use_by_email(session, email) is None
            assert await teams.users_by_email(session, [email]) == {}
            assert await invitations.revoke_for(session, email) == []
    assert await open_invitation(store, made.token) is not None
    assert (await come(store, (prefix + MIKA).upper(), "auth0|mika")).user_id == mika.user_id


async def test_who_is_disabled_in_the_same_moment_stays_outside(store: Store) -> None:
    person = await put_person(store, ANA, Role.VIEWER)
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    async with store.working() as session:
        await session.execute(text("UPDATE app_user SET is_active = false WHERE id = :id"), {"id": person.user_id})
        coming = asyncio.create_task(come(store))
        async with asyncio.timeout(30):
            async with store.engine.connect() as watching:
                while not (await watching.execute(text(waiting))).scalar_one():
                    await watching.rollback()
    with pytest.raises(AccessError, match="may not use this dashboard"):
        await coming
    assert await noted(store, "signed in") == []
