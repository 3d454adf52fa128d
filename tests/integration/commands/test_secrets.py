"""No token in plain text: not on screen, not in a log, not in a row, not in a file."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lib.errors import MetaError
from lib.logs import set_up_logging
from lib.meta.service import MetaService
from lib.settings import Settings
from lib.store.embedded import EmbeddedServer
from lib.store.opening import opened
from tests.clocks import FakeClock
from tests.fixtures_database import Database
from tests.fixtures_processes import Finished, as_if_started, run_here
from tests.fixtures_sandbox import LAST_DAY, Sandbox
from tests.fixtures_wire import Wire, refusal

FINE = "EAAfine0token0that0nobody0may0ever0read"
DEAD = "expired-but-secret-all-the-same"
LOST = "a-token-for-an-address-that-nobody-answers"
NEW = "EAAnew0token0in0the0place0of0the0dead0one"
SPAN = ("--since", LAST_DAY.isoformat(), "--until", LAST_DAY.isoformat())


def told(done: Finished) -> str:
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> tuple[Path, list[Finished], list[str]]:
    """A data folder of its own after adding, refreshing and failing; all that was written, and the secrets in it."""
    folder = tmp_path_factory.mktemp("data")
    settings = {"DATA_DIR": str(folder), "META_GRAPH_URL": sandbox.url, "LOG_LEVEL": "DEBUG"}
    nobody = settings | {"META_GRAPH_URL": "http://127.0.0.1:9"}
    done: list[Finished] = []
    with EmbeddedServer(folder):  # so that the commands need not start it one by one
        for name, token, where in (("Fine", FINE, settings), ("Dead", DEAD, settings), ("Lost", LOST, nobody)):
            account = str(sandbox.ids[len(done)])
            words = ("client", "add", "--name", name, "--account", account, "--token-stdin")
            done.append(run_here(where, *words, stdin=token))
        done.append(run_here(settings, "refresh", *SPAN, "--json"))
        done.append(run_here(settings, "client", "token", "dead", "--token-stdin", stdin=NEW))
        done.append(run_here(settings, "client", "list", "--json"))
        link = run_here(settings, "user", "add", "ann@example.com", "--role", "admin")
    assert [one.code for one in done] == [0, 0, 0, 3, 0, 0]
    found = re.search(r"token=([\w-]{20,})", link.stdout)
    assert found, link.stdout
    return folder, done, [FINE, DEAD, LOST, NEW, found[1]]


def test_nothing_that_is_said_holds_a_token(used: tuple[Path, list[Finished], list[str]]) -> None:
    _, done, secrets = used
    for one in done:
        assert not [secret for secret in secrets if secret in told(one)]


def test_no_file_below_the_data_folder_holds_one(used: tuple[Path, list[Finished], list[str]]) -> None:
    folder, _, secrets = used
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert any("pg_wal" in str(path) for path in files)
    for path in files:
        content = path.read_bytes()
        for secret in secrets:
            for form in (secret.encode(), secret.encode().hex().encode()):
                assert form not in content, f"{path} holds {secret}"


def test_no_row_of_any_table_holds_one(used: tuple[Path, list[Finished], list[str]]) -> None:
    folder, _, secrets = used
    with opened(Settings(data_dir=folder, database_url="", token_keys="")) as url:  # type: ignore[arg-type]  # pydantic's
        database = Database(url)
        tables = "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE'"
        names = database.owner(tables)
        assert len(names) > 60, "the catalogue too"
        dump = "\n".join(
            row for schema, name in names for (row,) in database.owner(f'SELECT t::text FROM "{schema}"."{name}" t')
        )
    assert "ann@example.com" in dump
    for secret in secrets:
        assert secret not in dump
        assert secret.encode().hex() not in dump


def test_the_key_is_the_owners_alone(used: tuple[Path, list[Finished], list[str]]) -> None:
    folder = used[0]
    assert (folder / "token.key").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o066 == 0


@pytest.fixture
def _logging() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], level = before
    root.setLevel(level)


@pytest.mark.usefixtures("_logging")
def test_the_log_at_its_most_talkative_holds_none(wire: Wire) -> None:
    wire.answers(refusal(400, 100, message=f"Unknown path /v26.0/x?access_token={FINE}&limit=5"))
    with as_if_started({}, "") as (_, errors):
        set_up_logging("DEBUG")
        for url in (wire.url, "http://127.0.0.1:9", "http://[broken"):
            service = MetaService(FINE, url, clock=FakeClock())
            try:
                service.get_account(1)
            except MetaError:
                logging.getLogger("lib.test").exception("it failed")
            service.close()
        logging.getLogger("urllib3.connectionpool").error("GET /v26.0/act_1/?access_token=%s&x=1", FINE)
        logging.getLogger("any").error("Open http://localhost:8501/sign-in?token=abcdefghijklmnopqrstuvwxyz")
    written = errors.getvalue()
    assert written.count("it failed") == 3
    assert FINE not in written
    assert "abcdefghijklmnop" not in written
