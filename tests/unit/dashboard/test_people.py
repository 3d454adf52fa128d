"""How the page of people words who sees what, and tells what a panel would change."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import replace

import pytest

from dashboard.admin import people_words
from dashboard.admin.people_roster import Roster
from dashboard.admin.people_wanted import Wanted, WantedTeam, person_words, removal_words, team_words
from lib.access.personal_tokens import TokenInfo
from lib.access.roster import InvitationFacts, InvitationState, Person, TeamFacts
from lib.access.viewer import Role

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
CLIENTS = {"acme": "Acme", "bolt": "Bolt", "crane": "Crane"}
NORTH = TeamFacts(1, "North", ("ben@example.com",), ("bolt",))
BEN = Person(
    user_id=uuid.UUID(int=1),
    email="ben@example.com",
    role=Role.VIEWER,
    is_active=True,
    created_at=NOW,
    last_seen_at=None,
    client_slugs=("acme", "bolt"),
    team_names=("North",),
    providers=("local", "https://tenant.example.com/"),
)
ANA = replace(BEN, user_id=uuid.UUID(int=2), email="ana@example.com", role=Role.ADMIN, team_names=())
OUT = replace(BEN, user_id=uuid.UUID(int=3), email="abe@example.com", is_active=False, team_names=())
ROSTER = Roster((BEN, OUT, ANA), (NORTH,), (), CLIENTS, NOW)


def test_whoever_may_not_come_in_stands_at_the_end() -> None:
    assert ROSTER.sorted_people == [ANA, BEN, OUT]


def test_clients_come_from_grants_and_teams_and_administrators_see_all() -> None:
    by_team = replace(BEN, client_slugs=("crane",))
    assert people_words.sees_words(ROSTER, by_team) == "Bolt and Crane"
    assert people_words.sees_words(ROSTER, ANA) == "Every client"
    assert people_words.sees_words(ROSTER, replace(OUT, client_slugs=())) == "No client"


def test_a_person_is_described_by_sign_ins_and_teams() -> None:
    said = people_words.about_person(ROSTER, BEN)
    assert said == (
        "Added 21 Nov 2026 · signs in by password and tenant.example.com · in the team North, which opens Bolt"
    )


@pytest.mark.parametrize(
    ("role", "slugs", "said", "takes_away"),
    [
        (Role.VIEWER, ("bolt", "acme"), "", False),
        (Role.ANALYST, ("acme", "bolt"), "ben@example.com becomes an analyst.", False),
        (Role.VIEWER, ("acme", "bolt", "crane"), "ben@example.com also sees Crane.", False),
        (Role.VIEWER, ("bolt",), "ben@example.com loses Acme.", True),
        (Role.VIEWER, ("acme",), "ben@example.com loses Bolt and still sees Bolt through a team.", True),
        (Role.MANAGER, ("crane", "bolt"), "ben@example.com becomes a manager, also sees Crane and loses Acme.", True),
    ],
)
def test_only_what_differs_is_stored_and_said(
    role: Role, slugs: tuple[str, ...], said: str, *, takes_away: bool
) -> None:
    wanted = Wanted(BEN, role, slugs)
    assert person_words(wanted, ROSTER) == said
    assert wanted.is_change is bool(said)
    assert wanted.takes_away is takes_away
    assert wanted.new_role is (None if role is BEN.role else role)


def test_what_was_done_is_said_as_it_is_now() -> None:
    wanted = Wanted(BEN, Role.ADMIN, (*BEN.client_slugs, "crane"))
    said = "ben@example.com is now an administrator and also sees Crane."
    assert person_words(wanted, ROSTER, is_done=True) == said


@pytest.mark.parametrize(
    ("emails", "slugs", "said"),
    [
        ((), ("bolt",), "Remove the team North? Nobody is in it. It can be undone."),
        (NORTH.emails, (), "Remove the team North? It opens no client. Nobody is removed, and it can be undone."),
        (
            NORTH.emails,
            ("bolt",),
            "Remove the team North? 1 person in it will lose Bolt as far as nothing else opens it to them."
            " Nobody is removed, and it can be undone.",
        ),
    ],
)
def test_removing_a_team_says_who_loses_what(emails: tuple[str, ...], slugs: tuple[str, ...], said: str) -> None:
    assert removal_words(replace(NORTH, emails=emails, client_slugs=slugs), ROSTER) == said


def test_a_lower_role_takes_away() -> None:
    assert Wanted(ANA, Role.MANAGER, ANA.client_slugs).takes_away


def test_a_team_says_who_and_what_comes_and_goes() -> None:
    wanted = WantedTeam(NORTH, ("ana@example.com",), ("acme", "bolt"))
    assert team_words(wanted, ROSTER) == "North: with ana@example.com, without ben@example.com, now opens Acme."
    assert wanted.takes_away
    assert not WantedTeam(NORTH, NORTH.emails, ("bolt", "acme")).takes_away
    assert not WantedTeam(NORTH, NORTH.emails, NORTH.client_slugs).is_change


def invitation(state: InvitationState = "open", lasts: dt.timedelta = dt.timedelta(days=7)) -> InvitationFacts:
    return InvitationFacts(
        id=uuid.UUID(int=9),
        email="dan@example.com",
        role=Role.VIEWER,
        client_slugs=("acme", "gone"),
        team_names=("North",),
        invited_by="ana@example.com",
        created_at=NOW,
        expires_at=NOW + lasts,
        state=state,
    )


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (invitation(), "In 7 days"),
        (invitation(lasts=dt.timedelta(hours=25)), "In 25 h"),
        (invitation(lasts=dt.timedelta(minutes=5)), "In 5 min"),
        (invitation("expired"), "Not used in time"),
        (invitation("revoked"), "Revoked"),
    ],
)
def test_an_invitation_says_how_long_it_holds(asked: InvitationFacts, said: str) -> None:
    assert people_words.left_words(asked, NOW) == said


def test_an_invitation_says_what_it_opens() -> None:
    assert people_words.opens_words(ROSTER, invitation()) == "Acme, gone and team North"
    assert people_words.opens_words(ROSTER, replace(invitation(), role=Role.ADMIN)) == "Every client"


def test_the_open_invitation_that_ends_first_comes_first() -> None:
    late, soon, used = invitation(), invitation(lasts=dt.timedelta(hours=1)), invitation("used")
    roster = replace(ROSTER, invitations=(late, used, soon))
    assert (roster.open_invitations, roster.past_invitations) == ([soon, late], [used])


@pytest.mark.parametrize(
    ("sought", "found"),
    [("", [ANA, BEN, OUT]), ("NORTH", [BEN]), ("bolt viewer", [BEN, OUT]), ("disabled", [OUT]), ("nobody", [])],
)
def test_people_are_found_by_address_role_team_client_and_state(sought: str, found: list[Person]) -> None:
    assert people_words.found(ROSTER.sorted_people, sought, ROSTER) == found


TOKEN = TokenInfo(
    id=uuid.UUID("2c65ca5d-0000-4000-8000-000000000001"),
    email="ben@example.com",
    name="nightly import",
    scopes=("read", "write"),
    created_at=NOW - dt.timedelta(days=18),
    expires_at=NOW + dt.timedelta(days=72),
    last_used_at=NOW - dt.timedelta(hours=2),
    revoked_at=None,
)


def test_a_token_goes_by_its_name_and_the_first_digits_of_its_id() -> None:
    assert people_words.token_name(TOKEN) == "nightly import (2c65ca5d…)"
    for name in ("", "  "):
        assert people_words.token_name(replace(TOKEN, name=name)) == "2c65ca5d…"


def test_a_token_is_described_by_what_it_is_for_and_its_moments() -> None:
    said = people_words.about_token(TOKEN, NOW)
    assert said == "For read and write · made 3 Nov 2026 · last used 2 h ago · ends 1 Feb 2027"
    bare = replace(TOKEN, scopes=("read",), last_used_at=None, expires_at=None)
    assert people_words.about_token(bare, NOW) == "For read · made 3 Nov 2026 · never used · without end"
