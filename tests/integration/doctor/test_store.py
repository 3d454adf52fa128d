"""The doctor, the database, its migrations and the key that seals its tokens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from cryptography.fernet import Fernet
from sqlalchemy.engine import URL

from lib.doctor.finding import State
from lib.doctor.keys import key
from lib.errors import StoreUnavailable
from lib.settings import Settings
from lib.store import migrate
from lib.store.opening import found as found_store
from tests.conftest import drop_database
from tests.fixtures_database import Database
from tests.fixtures_processes import KEY, Cli, address
from tests.fixtures_sandbox import Sandbox
from tests.integration.doctor.conftest import Doctor, told
from tests.integration.doctor.test_tokens import add


def test_a_healthy_house_ends_with_0(cli: Cli, place: dict[str, str], database: Database, sandbox: Sandbox) -> None:
    add(database, "Acme", sandbox.url, sandbox.ids[:1])
    found = told(cli("doctor"))
    assert found.code == 0
    assert list(found.states) == [
        "Database", "Migrations", "Key", "Token of Acme", "Accounts of Acme", "Refreshes of Acme", "Sign-in",
        "Address", "Cookie secret", "API tokens", "Mail", "Mirror", "Disk", "Clock",
    ]  # fmt: skip
    assert set(found.states.values()) <= {"ok", "skipped"}
    assert found.words["Key"] == "It opens every stored token (1)."
    assert not Path(place["DATA_DIR"]).exists(), "looking makes nothing"


def test_a_sick_one_with_1_and_every_failure_says_what_to_do(
    cli: Cli, place: dict[str, str], database: Database, sandbox: Sandbox
) -> None:
    add(database, "Acme", sandbox.url, sandbox.ids[:1], "expired-1")
    place["TOKEN_KEYS"] = f"{Fernet.generate_key().decode()},{KEY}"
    place["HOST"] = "0.0.0.0"  # noqa: S104 - what is refused
    found = told(cli("doctor"))
    assert (found.code, found.failed) == (1, {"Token of Acme", "Address"})
    assert "PUBLIC_URL" in found.words["Address"]
    assert found.states["Key"] == "ok"


def test_a_database_that_is_down_is_told_and_the_rest_is_looked_at(cli: Cli, place: dict[str, str]) -> None:
    place["DATABASE_URL"] = "postgresql://ads:secret@127.0.0.1:9/ads"
    found = told(cli("doctor"))
    assert (found.code, found.failed) == (1, {"Database"})
    assert "DATABASE_URL" in found.words["Database"]
    assert [found.states[name] for name in ("Migrations", "Key", "Clients", "Clock")] == ["skipped"] * 4
    assert [found.states[name] for name in ("Sign-in", "Address", "Disk", "Mirror")] == ["ok"] * 4


def test_settings_that_cannot_be_read_are_a_sentence(cli: Cli, place: dict[str, str]) -> None:
    place["PORT"] = "99999"
    done = cli("doctor")
    assert (done.code, done.stdout) == (1, "")
    assert "PORT cannot be used" in done.stderr


@pytest.fixture
def other(server_url: URL, database_url: URL) -> Iterator[URL]:
    """An empty database beside the worker's."""
    url = server_url.set(database=f"{database_url.database}_doctor")
    migrate.ensure_database(url)
    yield url
    drop_database(url)


def stands_at(url: URL) -> str | None:
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        if connection.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,):
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(row[0]) if row else None


def test_an_old_database_is_told_and_left_as_it_is(doctor: Doctor, place: dict[str, str], other: URL) -> None:
    place["DATABASE_URL"] = address(other)
    found = doctor()
    assert found.failed == {"Migrations"}
    assert f"without any migration; this program needs {migrate.head()}" in found.words["Migrations"]
    migrate.upgrade(other, "0001")
    found = doctor()
    assert (found.code, found.failed) == (1, {"Migrations"})
    assert "at the migration 0001" in found.words["Migrations"]
    assert "any other command" in found.words["Migrations"]
    assert found.states["Clients"] == "skipped"
    assert stands_at(other) == "0001"


def test_a_database_of_a_newer_program_is_told(doctor: Doctor, place: dict[str, str], other: URL) -> None:
    migrate.upgrade(other)
    plain = other.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    place["DATABASE_URL"] = address(other)
    found = doctor()
    assert found.failed == {"Migrations"}
    assert "9999, which this program does not know" in found.words["Migrations"]


def test_a_key_that_opens_nothing_is_told_with_the_clients(
    doctor: Doctor, place: dict[str, str], database: Database
) -> None:
    add(database, "Acme", "http://127.0.0.1:9", [7])
    add(database, "Beta", "http://127.0.0.1:9", [8])
    place["TOKEN_KEYS"] = Fernet.generate_key().decode()
    found = doctor()
    assert (found.code, found.failed) == (1, {"Key"})
    assert "the token of Acme, Beta" in found.words["Key"]
    assert "Add the key" in found.words["Key"]
    assert found.states["Token of Acme"] == "skipped"


@pytest.mark.parametrize(("keys", "words"), [("short", "not a Fernet key"), ("", "TOKEN_KEYS is not set")])
def test_a_key_that_is_none_is_told(
    doctor: Doctor, place: dict[str, str], database: Database, keys: str, words: str
) -> None:
    add(database, "Acme", "http://127.0.0.1:9", [7])
    place["TOKEN_KEYS"] = keys
    found = doctor()
    assert (found.code, found.failed) == (1, {"Key"})
    assert words in found.words["Key"]


def embedded(folder: Path) -> Settings:
    return Settings(_env_file=None, data_dir=folder, database_url="", token_keys="")  # type: ignore[call-arg, arg-type]  # pydantic's


def test_a_lost_key_file_is_told_and_not_made_anew(tmp_path: Path) -> None:
    settings = embedded(tmp_path)
    assert key(settings, {}).state is State.SKIPPED
    lost = key(settings, {"Acme": b"sealed"})
    assert lost.state is State.FAILED
    assert "backup" in lost.remedy
    assert not list(tmp_path.iterdir())


def test_a_key_file_that_others_may_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "token.key"
    path.write_text(KEY)
    path.chmod(0o644)
    sealed = {"Acme": Fernet(KEY).encrypt(b"token")}
    found = key(embedded(tmp_path), sealed)
    assert found.state is State.WARNING
    assert "chmod 600" in found.remedy
    path.chmod(0o600)
    assert key(embedded(tmp_path), sealed).state is State.OK


def test_looking_for_a_store_makes_none(tmp_path: Path) -> None:
    settings = embedded(tmp_path / "data")
    with pytest.raises(StoreUnavailable, match="make run"), found_store(settings):
        pytest.fail("there is none")
    assert not (tmp_path / "data").exists()
