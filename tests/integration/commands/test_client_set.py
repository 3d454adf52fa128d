"""``client set``: what is fetched for a client, chosen by a command."""

from __future__ import annotations

import json

import pytest

from tests.fixtures_database import Database
from tests.fixtures_meta import HandMade
from tests.fixtures_processes import Cli

CHOSEN = "SELECT breakdowns, attribution_windows FROM client"


@pytest.fixture(autouse=True)
def _acme(command: Cli, database: Database, hand_made: HandMade, settings_of_test: dict[str, str]) -> None:
    """One client with an account."""
    hand_made.add_account(17)
    settings_of_test["META_GRAPH_URL"] = hand_made.url
    assert command("client", "add", "--name", "Acme", "--account", "17", "--token-stdin", stdin="fine").code == 0


def test_breakdowns_and_windows_are_chosen_and_what_is_not_named_stays(command: Cli, database: Database) -> None:
    done = command("client", "set", "acme", "--breakdowns", "device, country", "--windows", "1d_click")
    assert (done.code, done.stdout) == (0, "")
    assert "from the next refresh on with country, device breakdowns and 1d_click attribution windows" in done.stderr
    assert database.rows(CHOSEN) == [(["country", "device"], ["1d_click"])]
    command("client", "set", "acme", "--windows", "none")
    assert database.rows(CHOSEN) == [(["country", "device"], [])]
    (listed,) = json.loads(command("client", "list", "--json").stdout)
    assert (listed["breakdowns"], listed["attribution_windows"]) == (["country", "device"], [])
    changes = "SELECT email, via, before, after FROM audit_log WHERE jsonb_typeof(before) = 'object' ORDER BY id"
    first = {"breakdowns": ["country", "device"], "attribution_windows": ["1d_click"]}
    assert database.rows(changes) == [
        ("command line", "cli", {"breakdowns": [], "attribution_windows": []}, first),
        ("command line", "cli", {"attribution_windows": ["1d_click"]}, {"attribution_windows": []}),
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("acme",), "Nothing was chosen"),
        (("acme", "--breakdowns", "country,dma"), "no breakdown set dma"),
        (("acme", "--windows", "28d_view"), "no attribution window 28d_view"),
        (("nobody", "--windows", "1d_click"), "There is no client nobody"),
    ],
)
def test_what_cannot_be_chosen_is_a_sentence(
    command: Cli, database: Database, words: tuple[str, ...], said: str
) -> None:
    done = command("client", "set", *words)
    assert (done.code, done.stdout) == (2, "")
    assert said in done.stderr
    assert "nothing was stored" in done.stderr
    assert database.rows(CHOSEN) == [([], [])]
