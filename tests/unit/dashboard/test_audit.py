"""The page of the audit log: its address, its days, and a change in words."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from dashboard import views
from dashboard.admin.audit_rows import HEADS
from dashboard.admin.audit_view import ACTIONS, PERIODS, AuditView, read, write
from dashboard.admin.audit_words import accounts_in, change, did, facts, names, to_what, when, who
from lib.access.audit import FORMER_ACTIONS, Action
from lib.access.audit_file import HEADS as FILE_HEADS
from lib.access.audit_reading import AuditEntry, KnownClient

TODAY = dt.date(2026, 11, 18)


NAMES = names(
    [KnownClient(1, "acme", "Acme", is_archived=False), KnownClient(2, "bolt", "Bolt", is_archived=True)],
    {17: "Acme EU"},
)
ENTRY = AuditEntry(
    id=3,
    at=dt.datetime(2026, 11, 18, 9, 5, tzinfo=dt.UTC),
    person="boss@example.com",
    seen_as="",
    action="changed person",
    via="page",
    subject="ana@example.com",
    client="",
    before=None,
    after=None,
    address="",
)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (None, None, ""),
        ({"role": "viewer"}, {"role": "analyst"}, "role: viewer → analyst"),
        ({"role": "viewer", "is_active": True}, {"role": "analyst", "is_active": True}, "role: viewer → analyst"),
        ({"clients": ["acme"]}, {"clients": ["acme", "bolt"]}, "clients: added Bolt"),
        ({"clients": ["acme", "bolt"]}, {"clients": ["bolt"]}, "clients: removed Acme"),
        ({"clients": ["acme"]}, None, "clients: Acme → none"),
        (None, {"role": "viewer", "clients": [], "is_active": True}, "role: viewer"),
        ({"is_active": True}, {"is_active": False, "sign-ins ended": 2}, "may come in: yes → no; sign-ins ended: 2"),
        ({"is_archived": False}, {"is_archived": True}, "archived: no → yes"),
        ({"client_id": 2, "title": "a"}, {"client_id": 2, "title": "b"}, "title: a → b"),
        ({"client_id": 1}, {"client_id": 2}, "client: Acme → Bolt"),
        ({"client_id": 1}, {"client_id": 9}, "client: Acme → removed client 9"),
        ({"accounts": ["17"]}, {"accounts": ["17", "18"]}, "accounts: added act_18"),
        (None, {"accounts": ["17"], "an_unknown_key": 5}, "accounts: Acme EU; an unknown key: 5"),
        (None, {"accounts": 2}, "accounts: 2"),
        ({"breakdowns": []}, {"breakdowns": ["age_gender"]}, "breakdowns: added Age and gender"),
        (
            {"attribution_windows": ["1d_view", "gone"]},
            {"attribution_windows": []},
            "attribution windows: removed 1 day after a view, gone",
        ),
        (None, {"rows": 1200, "size": 5, "sha256": "ab"}, "rows: 1,200"),
        (None, {"of": {"a_b": 1, "c": None}}, "of: a b 1, c none"),
        (None, {"until": "2026-11-28T10:00:00+02:00"}, "until: 28 Nov 2026, 08:00 UTC"),
        (None, {"until": "2026-11-28"}, "until: 2026-11-28"),
    ],
)
def test_a_change_in_words(before: dict[str, Any] | None, after: dict[str, Any] | None, words: str) -> None:
    assert change(replace(ENTRY, before=before, after=after), NAMES) == words


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ({"state": "valid"}, {"state": "valid"}, "token: replaced"),
        (
            {"state": "valid", "token": "3fa1b2c3"},
            {"state": "valid", "token": "77abcd00", "replaced": True},
            "token: replaced; fingerprint: 3fa1b2c3 → 77abcd00",
        ),
        (
            {"state": "valid", "token": "a"},
            {"state": "unchecked", "token": "b", "put_back": True},
            "token: the one before was put back; state: valid → not checked yet; fingerprint: a → b",
        ),
    ],
)
def test_a_replaced_token_is_told_as_such(before: dict[str, Any], after: dict[str, Any], words: str) -> None:
    assert change(replace(ENTRY, action="changed token", before=before, after=after), NAMES) == words


@pytest.mark.parametrize(
    ("action", "after", "words"),
    [
        ("signed in", {"by": "link"}, "way in: one-time link"),
        (
            "sign-in failed",
            {"by": "local", "why": "wrong password"},
            "reason: wrong password; way in: e-mail and password",
        ),
        ("changed person", {"by": "role claim"}, "because of: role claim"),
    ],
)
def test_the_way_in_in_words(action: str, after: dict[str, Any], words: str) -> None:
    assert change(replace(ENTRY, action=action, after=after), NAMES) == words


@pytest.mark.parametrize(
    ("subject", "client", "words"),
    [
        ("acme", "Acme", "Acme"),
        ("Acme news", "Acme", "Acme news (Acme)"),
        ("ana@example.com", "", "ana@example.com"),
        ("acme", "", "Acme"),
        ("", "", ""),
    ],
)
def test_a_client_is_named_once(subject: str, client: str, words: str) -> None:
    assert to_what(replace(ENTRY, subject=subject, client=client), NAMES) == words


def test_an_entry_has_one_line_a_field() -> None:
    after = {"rows": 12, "sha256": "ab12", "clients": ["acme", "bolt"]}
    taken = replace(
        ENTRY, action="exported", subject="--since 2026-11-01", seen_as="ana@example.com", after=after, address="::1"
    )
    assert [(line.label, line.words) for line in facts(taken, NAMES)] == [
        ("When (UTC)", "18 Nov 2026, 09:05:00"),
        ("Who", "boss@example.com"),
        ("Through the eyes of", "ana@example.com"),
        ("What was done", "Exported"),
        ("To what", "2 clients"),
        ("As a command", "--since 2026-11-01"),
        ("Rows", "12"),
        ("Hash (SHA-256)", "ab12"),
        ("Clients", "Acme, Bolt"),
        ("By", "page"),
        ("From (IP address)", "::1"),
    ]
    assert who(taken) == "boss@example.com as ana@example.com"


def test_the_year_is_told_where_it_is_another() -> None:
    now = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
    assert when(ENTRY.at, now) == "18 Nov 09:05"
    assert when(ENTRY.at.replace(year=2025), now) == "18 Nov 2025 09:05"


def test_the_accounts_that_are_looked_up() -> None:
    entries = [
        replace(ENTRY, before={"accounts": ["17", "https://x"]}, after={"accounts": 4}),
        replace(ENTRY, after={}),
    ]
    assert accounts_in(entries) == {17}


def test_the_file_begins_with_the_words_of_the_page() -> None:
    assert FILE_HEADS[:4] == HEADS[:4]
    labels = {line.label.removesuffix(" (IP address)") for line in facts(replace(ENTRY, seen_as="x"), NAMES)}
    assert labels <= set(FILE_HEADS)


def test_periods_that_hold_today_say_so() -> None:
    assert PERIODS["last_28"] == "Last 28 days and today"
    assert PERIODS["last_month"] == "Last month"
    assert PERIODS.keys() == views.PERIODS.keys()


def test_whatever_changes_closes_the_entry() -> None:
    view = AuditView(page=3, entry=7)
    assert view.from_start == {"page": 1, "entry": 0}
    assert view.toggled(7).entry == 0
    assert view.toggled(8).entry == 8
    assert view.toggled(8).page == 3


@pytest.mark.parametrize(
    ("period", "since", "until"),
    [
        ("last_28", dt.date(2026, 10, 21), TODAY),
        ("last_7", dt.date(2026, 11, 11), TODAY),
        ("today", TODAY, TODAY),
        ("yesterday", dt.date(2026, 11, 17), dt.date(2026, 11, 17)),
        ("this_month", dt.date(2026, 11, 1), TODAY),
        ("last_month", dt.date(2026, 10, 1), dt.date(2026, 10, 31)),
    ],
)
def test_what_happened_today_is_part_of_what_goes_on(period: str, since: dt.date, until: dt.date) -> None:
    question = AuditView(period=period).question(TODAY)
    assert (question.since, question.until) == (since, until)


def test_the_address_holds_every_filter() -> None:
    view = AuditView(
        period="custom", since=dt.date(2026, 1, 2), until=dt.date(2026, 1, 3), clients=("acme",), person="ana@",
        action="saw client", limit=25, page=3, entry=12,
    )  # fmt: skip
    words = {name: [value] if isinstance(value, str) else value for name, value in write(view).items()}
    assert read(words) == (view, ())
    assert write(AuditView()) == {}
    assert view.question(TODAY).clients == ("acme",)
    assert view.is_narrowed
    assert not view.cleared().is_narrowed


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("action", "invented"),
        ("person", "a\x00"),
        ("person", "x" * 201),
        ("page", "0"),
        ("limit", "7"),
        ("limit", "250"),
        ("entry", "0"),
        ("entry", "9" * 19),
        ("x", "1"),
    ],
)
def test_what_an_address_cannot_ask_is_left_out_and_named(name: str, value: str) -> None:
    view, odd = read({name: [value]})
    assert view == AuditView()
    assert len(odd) == 1


def test_every_action_has_words() -> None:
    assert set(ACTIONS) == {"", *(action.value for action in Action), *FORMER_ACTIONS}


@pytest.mark.parametrize("action", ["changed accounts", "changed personal token"])
def test_what_was_noted_in_former_words_can_be_chosen_and_read(action: str) -> None:
    view, odd = read({"action": [action]})
    assert (view.question(TODAY).action, odd) == (action, ())
    assert ACTIONS[action] == f"{action.capitalize()} (formerly)"
    assert did(replace(ENTRY, action=action)) == action.capitalize()
    assert read({name: [str(value)] for name, value in write(view).items()}) == (view, ())
