"""What the page of clients says."""

from __future__ import annotations

import datetime as dt

import pytest

from dashboard.admin import clients_words
from lib.clients.facts import AccountFacts, ClientFacts, TokenState
from lib.clients.probe import Opened
from lib.clients.tokens import Found, Standing
from lib.clients.words import status_words

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


def account(number: int, name: str = "Acme EU", status: int | None = 1, *, is_connected: bool = True) -> AccountFacts:
    return AccountFacts(number, name, "EUR", "Europe/Berlin", status, is_connected)


def client(
    name: str,
    accounts: int = 1,
    *,
    number: int = 1,
    state: TokenState = "valid",
    archived_at: dt.datetime | None = None,
    checked_at: dt.datetime | None = None,
) -> ClientFacts:
    slug = name.lower()
    return ClientFacts(number, slug, name, False, archived_at, state, checked_at, accounts)


def test_the_sum_leaves_out_what_nobody_sees() -> None:
    found = [
        client("Acme"),
        client("Bolt", state="dead"),
        client("Cog", 0, state="missing"),
        client("Dot", state="dead", archived_at=NOW),
    ]
    assert clients_words.sum_words(found) == "3 clients with 2 accounts, 1 archived, 2 tokens to be seen to"
    assert clients_words.sum_words(found[:1]) == "1 client with 1 account"


@pytest.mark.parametrize(
    ("sought", "names"),
    [
        ("", ["Bolt", "Cog", "Acme"]),
        ("ACM", ["Cog", "Acme"]),
        (" olT ", ["Bolt", "Cog"]),
        ("act_77", ["Cog"]),
        ("nobody", ["Cog"]),
    ],
)
def test_clients_are_found_by_their_accounts_too_and_archived_ones_come_last(sought: str, names: list[str]) -> None:
    found = [client("Acme", archived_at=NOW), client("Bolt", number=2), client("Cog", number=3)]
    part = clients_words.sought_part(sought)
    assert [each.name for each in clients_words.sought_in(found, part, {3} if part else ())] == names


@pytest.mark.parametrize(("sought", "part"), [(" act_77", "77"), ("ACT_7", "7"), ("Pine ", "Pine"), (" ", "")])
def test_an_accounts_id_is_sought_with_and_without_its_prefix(sought: str, part: str) -> None:
    assert clients_words.sought_part(sought) == part


def test_an_account_says_only_what_is_known_and_unusual() -> None:
    assert clients_words.account_words(account(12)) == "act_12 · EUR · Europe/Berlin"
    assert clients_words.account_words(account(12, status=2)) == "act_12 · EUR · Europe/Berlin · disabled by Meta"
    assert clients_words.account_words(Opened(12, "Acme")) == "act_12"
    assert (status_words(None), status_words(777)) == ("", "status 777")


def test_an_open_client_says_once_how_its_token_stands() -> None:
    assert "Token valid" in clients_words.row_words(client("Acme"), is_open=False)
    assert clients_words.row_words(client("Acme"), is_open=True) == "1 account"
    assert "Archived" in clients_words.row_words(client("Acme", archived_at=NOW), is_open=True)


@pytest.mark.parametrize(
    ("said", "of_a_pasted_one"),
    [
        ("The token is dead: it has expired. Paste that.", "The pasted token is dead: it has expired. Paste that."),
        ("This token lacks ads_read.", "The pasted token lacks ads_read."),
        ("Meta calls this token invalid: no.", "Meta calls the pasted token invalid: no."),
        ("Meta refused.", "Meta refused."),
    ],
)
def test_what_is_refused_is_the_pasted_token(said: str, of_a_pasted_one: str) -> None:
    assert clients_words.of_pasted(said) == of_a_pasted_one


def test_a_token_says_when_meta_was_asked() -> None:
    said = clients_words.checked_words
    assert said(client("Acme", checked_at=NOW - dt.timedelta(hours=3)), NOW) == "Meta was last asked 3 h ago."
    assert said(client("Acme", state="unchecked"), NOW) == "It was not tested since it was stored."
    assert said(client("Acme", state="missing"), NOW).startswith("No token is stored")


def test_every_standing_has_its_words() -> None:
    found = [Found(Opened(number, "Acme"), standing) for number, standing in enumerate(Standing)]
    rows = clients_words.opened_rows(
        [*found, Found(Opened(9, "Bolt"), Standing.ELSEWHERE, "Nordlicht Outdoor (Österreich)")]
    )
    whole = "To Nordlicht Outdoor (Österreich)"
    assert list(rows["Connected"]) == ["No", "Yes", "Was before", "To another client", whole]
    assert set(rows["Status"]) == {"-"}
