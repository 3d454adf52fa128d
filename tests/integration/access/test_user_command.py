"""``user list|invite|disable|enable|unlink`` and ``team``: what they print, change, note and refuse."""

from __future__ import annotations

import datetime as dt
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from lib.access.tokens import token_hash
from tests.fixtures_database import Database
from tests.fixtures_processes import Cli

ANA = "ana@example.com"


@pytest.fixture
def ana(command: Cli, database: Database) -> None:
    """A person and two clients."""
    for slug in ("acme", "zebra"):
        database.owner("INSERT INTO client (slug, name, graph_url) VALUES (%s, %s, 'http://127.0.0.1:9')", [slug, slug])
    database.owner("INSERT INTO app_user (email, role) VALUES (%s, 'viewer')", [ANA])


def invited(line: str) -> str:
    """The token in the link, which is last on the line."""
    address = urlsplit(line.rsplit(maxsplit=1)[-1])
    assert address.path == "/invitation"
    (token,) = parse_qs(address.query)["token"]
    return token


def test_an_invitation_is_printed_once_last_on_its_line(command: Cli, ana: None, database: Database) -> None:
    done = command("user", "invite", "Bob@EXAMPLE.com", "--role", "manager", "--client", "acme", "--client", "zebra")
    assert (done.code, done.stderr, done.stdout.count("\n")) == (0, "", 1)
    token = invited(done.stdout)
    until = dt.datetime.now(dt.UTC) + dt.timedelta(days=7)
    assert re.match(rf"Invited Bob@example\.com as manager until {until:%Y-%m-%d}", done.stdout)
    wanted = (
        "SELECT email, role, cardinality(client_ids), token_hash, invited_by, expires_at - created_at FROM invitation"
    )
    assert database.rows(wanted) == [
        ("Bob@example.com", "manager", 2, token_hash(token), "command line", dt.timedelta(days=7))
    ]
    dump = database.one("SELECT string_agg(t::text, ' ') FROM audit_log t")
    assert "Bob@example.com" in dump
    assert token not in dump
    assert database.one("SELECT via || ' ' || action FROM audit_log") == "cli invited"


def test_roles_teams_and_days_of_an_invitation(command: Cli, ana: None, database: Database) -> None:
    assert command("team", "put", "Retail", "--client", "acme").code == 0
    assert command("user", "invite", "bob@example.com", "--team", "retail", "--days", "30").code == 0
    rows = database.rows("SELECT role, cardinality(team_ids), (expires_at - created_at)::text FROM invitation")
    assert rows == [("viewer", 1, "30 days")]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("bob",), "is not an e-mail address"),
        ((ANA,), f"{ANA} is there already; nothing was stored."),
        (("bob@example.com", "--client", "nobody"), "No client is called nobody. The clients are acme, zebra."),
        (("bob@example.com", "--team", "nobody"), "No team is called nobody."),
        (("bob@example.com", "--days", "0"), "An invitation holds for a minute to 30 days."),
        (("bob@example.com", "--days", "-1"), "An invitation holds for a minute to 30 days."),
        (("bob@example.com", "--days", "31"), "An invitation holds for a minute to 30 days."),
        (("bob@example.com", "--days", "9" * 30), "An invitation holds for a minute to 30 days."),
        (("bob@example.com", "--role", "owner"), "invalid choice: 'owner'"),
        ((), "required: EMAIL"),
    ],
)
def test_what_is_off_invites_nobody(
    command: Cli, ana: None, database: Database, words: tuple[str, ...], sentence: str
) -> None:
    done = command("user", "invite", *words)
    assert (done.code, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert database.one("SELECT count(*) FROM invitation") == 0
    assert database.one("SELECT count(*) FROM audit_log") == 0


def test_shutting_out_and_letting_in_again(command: Cli, ana: None, database: Database) -> None:
    database.owner(
        "INSERT INTO user_session (token_hash, user_id, provider, expires_at)"
        " SELECT 'x', id, 'local', now() + interval '1 hour' FROM app_user"
    )
    done = command("user", "disable", "ANA@example.com")
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout == "ANA@example.com: disabled, 1 sign-in and 0 personal tokens ended.\n"
    assert database.one("SELECT is_active FROM app_user") is False
    assert database.one("SELECT revoked_at IS NOT NULL FROM user_session") is True
    assert command("user", "disable", ANA).stdout == f"{ANA}: disabled already.\n"
    assert "is disabled; `python -m lib user enable" in command("user", "add", ANA, "--role", "viewer").stdout
    assert database.one("SELECT count(*) FROM sign_in_link") == 0
    assert command("user", "enable", ANA).stdout == f"{ANA}: enabled.\n"
    assert command("user", "enable", ANA).stdout == f"{ANA}: enabled already.\n"
    noted = database.rows("SELECT action, email, subject FROM audit_log ORDER BY id")
    assert noted == [("disabled person", "command line", ANA), ("enabled person", "command line", ANA)]


def test_the_last_administrator_stays(command: Cli, ana: None, database: Database) -> None:
    database.owner("UPDATE app_user SET role = 'admin'")
    done = command("user", "disable", ANA)
    assert done.code == 2
    assert "is the last active administrator; nothing was changed" in done.stderr
    assert database.one("SELECT is_active FROM app_user") is True


@pytest.mark.parametrize("action", ["disable", "enable", "unlink"])
def test_nobody_is_not_found(command: Cli, ana: None, action: str) -> None:
    done = command("user", action, "eve@example.com")
    assert (done.code, done.stdout) == (2, "")
    assert "There is no person eve@example.com; nothing was changed." in done.stderr


def test_unlinking(command: Cli, ana: None, database: Database) -> None:
    assert command("user", "unlink", ANA).stdout == f"{ANA}: had none.\n"
    database.owner("INSERT INTO user_identity SELECT 'https://issuer.example.com', '1', id FROM app_user")
    assert command("user", "unlink", ANA).stdout == f"{ANA}: forgot the account at https://issuer.example.com.\n"
    assert database.one("SELECT count(*) FROM user_identity") == 0


def test_lists(command: Cli, ana: None, database: Database) -> None:
    command("user", "add", "root@example.com", "--role", "admin")
    command("user", "add", ANA, "--role", "analyst", "--client", "zebra", "--client", "acme")
    assert command("team", "list").stderr.startswith("There is no team yet.")
    assert command("team", "put", "Retail", "--client", "acme", "--member", ANA).stdout == (
        f"Retail: made; clients now acme; people now {ANA}.\n"
    )
    database.owner(
        "INSERT INTO user_session (token_hash, user_id, provider, expires_at, seen_at)"
        " SELECT 'x', id, 'local', now(), '2026-03-01 10:20:30+00' FROM app_user WHERE role = 'admin'"
    )
    command("user", "disable", ANA)
    assert command("user", "list").stdout.splitlines() == [
        f"{ANA}  analyst  disabled  acme, zebra  teams Retail  never seen",
        "root@example.com  admin  active  every client  no team  seen 2026-03-01 10:20 UTC",
    ]
    assert command("team", "list").stdout == f"Retail  acme  {ANA}\n"


def test_teams_are_renamed_and_removed(command: Cli, ana: None, database: Database) -> None:
    command("team", "put", "Retail", "--member", ANA)
    assert command("team", "put", "Retail").stdout == "Retail: nothing changed.\n"
    assert command("team", "rename", "retail", "Shops").stdout == "retail is called Shops now.\n"
    assert "There is no team Retail" in command("team", "remove", "Retail").stderr
    assert command("team", "remove", "Shops").stdout == "Removed Shops; its people stay.\n"
    assert database.one("SELECT count(*) FROM team WHERE removed_at IS NULL") == 0
    assert database.one("SELECT count(*) FROM app_user") == 1
    for words in (("put", "Retail", "--client", "nobody"), ("put", "Retail", "--member", "eve@example.com")):
        assert command("team", *words).code == 2
    assert database.one("SELECT count(*) FROM team WHERE removed_at IS NULL") == 0
