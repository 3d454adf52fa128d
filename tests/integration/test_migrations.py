"""The migrations up, down and up again, and the models against what they made."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from alembic import command
from sqlalchemy.engine import URL

from lib.store import migrate
from lib.store.engine import ROLES
from lib.store.models import Base
from tests.conftest import drop_database


@pytest.fixture
def empty_url(server_url: URL, worker_id: str) -> Iterator[URL]:
    url = server_url.set(database=f"ads_migrations_{worker_id}")
    drop_database(url)
    migrate.ensure_database(url)
    yield url
    drop_database(url)


def tables(url: URL) -> set[str]:
    with psycopg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False)) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return {row[0] for row in rows} - {"alembic_version"}


def test_up_down_up_leaves_the_same_tables_and_nothing_between(empty_url: URL) -> None:
    migrate.upgrade(empty_url)
    first = tables(empty_url)
    migrate.downgrade(empty_url)
    assert tables(empty_url) == set()
    migrate.upgrade(empty_url)
    assert tables(empty_url) == first == set(Base.metadata.tables)
    command.check(migrate._config(empty_url))


def test_every_table_with_an_account_holds_row_level_security_even_against_its_owner(empty_url: URL) -> None:
    migrate.upgrade(empty_url)
    with psycopg.connect(empty_url.set(drivername="postgresql").render_as_string(hide_password=False)) as connection:
        secured = {
            row[0]
            for row in connection.execute("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")
        }
        powers = connection.execute(
            "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s) AND (rolsuper OR rolbypassrls OR rolcanlogin)",
            [list(ROLES)],
        ).fetchall()
    with_account = {table.name for table in Base.metadata.tables.values() if "account_id" in table.c}
    assert with_account | {"client", "refresh_run"} <= secured
    assert powers == []


def test_no_column_of_the_store_is_a_float_where_money_could_be(empty_url: URL) -> None:
    migrate.upgrade(empty_url)
    with psycopg.connect(empty_url.set(drivername="postgresql").render_as_string(hide_password=False)) as connection:
        floats = connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND data_type IN ('double precision', 'real', 'money')"
        ).fetchall()
    assert floats == [("refresh_run_account", "seconds")]


def test_raw_actions_move_to_a_table_of_their_own_and_back(empty_url: URL) -> None:
    migrate.upgrade(empty_url, "0004")
    found = "SELECT ad_id, actions, action_values FROM {} ORDER BY ad_id"
    address = empty_url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as connection:
        connection.execute("INSERT INTO client (slug, name, graph_url) VALUES ('a', 'A', '')")
        connection.execute("INSERT INTO account (account_id, client_id, name) SELECT 1, id, 'A' FROM client")
        connection.execute(
            "INSERT INTO insight (account_id, date, ad_id, adset_id, campaign_id, spend_micros, actions, action_values)"
            " VALUES (1, '2026-01-01', 1, 1, 1, 5, '[1]', '[2]'), (1, '2026-01-01', 2, 1, 1, 6, NULL, NULL)"
        )
    migrate.upgrade(empty_url)
    with psycopg.connect(address) as connection:
        assert connection.execute(found.format("insight_actions")).fetchall() == [(1, [1], [2])]
        rows = connection.execute("SELECT ad_id, spend_micros FROM insight ORDER BY 1").fetchall()
        assert rows == [(1, 5), (2, 6)]
    migrate.downgrade(empty_url, "0004")
    with psycopg.connect(address) as connection:
        assert connection.execute(found.format("insight")).fetchall() == [(1, [1], [2]), (2, None, None)]


def test_live_clients_of_one_name_are_parted(empty_url: URL) -> None:
    migrate.upgrade(empty_url, "0006")
    address = empty_url.set(drivername="postgresql").render_as_string(hide_password=False)
    clients = (("a", "Acme", None), ("b", "ACME", None), ("c", "acme", "2026-01-01"), ("d", "Bolt", None))
    with psycopg.connect(address) as connection:
        for row in clients:
            connection.execute("INSERT INTO client (slug, name, archived_at, graph_url) VALUES (%s, %s, %s, '')", row)
    migrate.upgrade(empty_url)
    with psycopg.connect(address) as connection:
        names = connection.execute("SELECT name FROM client ORDER BY id").fetchall()
    assert names == [("Acme",), ("ACME (b)",), ("acme",), ("Bolt",)]
