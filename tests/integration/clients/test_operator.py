"""What the command line says and notes of clients that were archived, and of accounts that were disconnected."""

from __future__ import annotations

import json
import re

from tests.fixtures_database import Database
from tests.fixtures_processes import Cli
from tests.fixtures_sandbox import Sandbox


def test_commands_are_noted_without_the_token(
    command: Cli, settings_of_test: dict[str, str], sandbox: Sandbox, database: Database
) -> None:
    settings_of_test["META_GRAPH_URL"] = sandbox.url
    account = str(sandbox.ids[0])
    command("client", "add", "--name", "Acme", "--account", account, "--token-stdin", stdin="first-secret")
    command("client", "token", "acme", "--token-stdin", stdin="second-secret")
    command("client", "add", "--name", "ACME", "--account", "17", "--token-stdin", stdin="third-secret")
    entries = database.rows("SELECT email, via, action, subject, after FROM audit_log ORDER BY id")
    token = entries[1][4].pop("token")
    assert re.fullmatch("[0-9a-f]{8}", token)
    assert token != database.one("SELECT before ->> 'token' FROM audit_log WHERE action = 'changed token'")
    assert entries == [
        ("command line", "cli", "added client", "acme", {"name": "Acme", "accounts": [account]}),
        ("command line", "cli", "changed token", "acme", {"state": "unchecked", "replaced": True}),
    ]


def test_what_is_archived_or_disconnected_is_listed_as_such_and_left_alone(
    command: Cli, settings_of_test: dict[str, str], sandbox: Sandbox, database: Database
) -> None:
    settings_of_test["META_GRAPH_URL"] = sandbox.url
    first, second, third = map(str, sandbox.ids[:3])
    command("client", "add", "--name", "Acme", "--account", first, "--account", second, "--token-stdin", stdin="good")
    command("client", "add", "--name", "Bolt", "--account", third, "--token-stdin", stdin="good")
    database.owner("UPDATE client SET archived_at = now() WHERE slug = 'bolt'")
    database.owner("UPDATE account SET disconnected_at = now() WHERE account_id = %s", [int(second)])
    listed = command("client", "list").stdout.splitlines()
    assert f"act_{second} (disconnected)" in listed[0]
    assert listed[1].endswith("(archived)")
    acme, bolt = json.loads(command("client", "list", "--json").stdout)
    assert (acme["is_archived"], bolt["is_archived"]) == (False, True)
    assert {each["account_id"]: each["is_connected"] for each in acme["accounts"]} == {first: True, second: False}
    said = command("client", "token", "acme", "--token-stdin", stdin="good-again").stderr
    assert f"act_{first} is" in said
    assert second not in said
    assert database.one("SELECT state FROM credential JOIN client ON client_id = id WHERE slug = 'acme'") == "valid"
    refreshed = json.loads(command("refresh", "--json").stdout)
    assert [each["account_id"] for each in refreshed["accounts"]] == [first]
    checks = command("doctor").stdout
    assert "Token of Bolt" not in checks
    assert "It opens its account." in checks
