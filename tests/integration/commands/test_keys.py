"""``keys rotate``: every token under the newest key, or none; and no token is ever left without its key."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet, MultiFernet
from sqlalchemy import text

from lib.errors import Conflict, SettingsError
from lib.settings import Settings
from lib.store.embedded import EmbeddedServer
from lib.store.engine import Store
from lib.store.key_rotation import newest_key
from lib.store.opening import opened
from lib.store.repositories import clients
from lib.store.secrets import KEY_FILE, TokenVault
from tests.fixtures_database import Database
from tests.fixtures_processes import KEY, Cli, run_here
from tests.locking import HERE

NEW = Fernet.generate_key().decode()
STRANGE = Fernet.generate_key().decode()
TOKENS = {"acme": "EAAtokenOfAcme000000000000", "bolt": "EAAtokenOfBolt000000000000"}


def fill(database: Database, key: str) -> None:
    """Two clients whose tokens are sealed with ``key``; one of them was found dead."""
    for slug, token in TOKENS.items():
        added = "INSERT INTO client (slug, name, graph_url) VALUES (%s, %s, '') RETURNING id"
        ((client_id,),) = database.owner(added, (slug, slug.title()))
        state = "dead" if slug == "bolt" else "valid"
        stored = "INSERT INTO credential (client_id, token_encrypted, state, checked_at) VALUES (%s, %s, %s, now())"
        database.rows(stored, (client_id, Fernet(key).encrypt(token.encode()), state))


def sealed(database: Database) -> dict[str, bytes]:
    """Each client's sealed token."""
    found = "SELECT slug, token_encrypted FROM credential JOIN client ON id = client_id ORDER BY slug"
    return {slug: bytes(token) for slug, token in database.rows(found)}


def read(database: Database, *keys: str) -> dict[str, str]:
    """Each client's token, opened with these keys alone."""
    fernet = MultiFernet([Fernet(key) for key in keys])
    return {slug: fernet.decrypt(token).decode() for slug, token in sealed(database).items()}


@pytest.fixture
def filled(database: Database) -> Database:
    fill(database, KEY)
    return database


def test_every_token_is_under_the_first_key(command: Cli, settings_of_test: dict[str, str], filled: Database) -> None:
    settings_of_test["TOKEN_KEYS"] = f"{NEW},{KEY}"
    done = command("keys", "rotate")
    assert (done.code, done.stdout) == (0, "Encrypted 2 tokens with the first key of TOKEN_KEYS.\n")
    assert "The others can be taken out" in done.stderr
    assert read(filled, NEW) == TOKENS
    assert filled.rows("SELECT state, checked_at IS NULL FROM credential ORDER BY client_id") == [
        ("valid", False),
        ("dead", False),
    ]
    noted = "SELECT email, via, subject, after FROM audit_log WHERE action = 'rotated keys'"
    assert filled.rows(noted) == [("command line", "cli", "tokens", {"tokens": 2})]


def test_one_key_changes_to_itself_and_says_how_to_go_on(command: Cli, filled: Database) -> None:
    before = sealed(filled)
    done = command("keys", "rotate")
    assert (done.code, "There is one key only." in done.stderr) == (0, True)
    assert read(filled, KEY) == TOKENS
    assert not set(before.values()) & set(sealed(filled).values())


def test_one_token_that_cannot_be_read_keeps_all_as_they_are(
    command: Cli, settings_of_test: dict[str, str], filled: Database
) -> None:
    strange = Fernet(STRANGE).encrypt(b"lost")
    moved = "UPDATE credential SET token_encrypted = %s FROM client WHERE id = client_id AND slug = 'bolt'"
    filled.rows(moved, (strange,))
    before = sealed(filled)
    settings_of_test["TOKEN_KEYS"] = f"{NEW},{KEY}"
    done = command("keys", "rotate")
    assert (done.code, done.stdout) == (1, "")
    assert "The token of Bolt cannot be read with the keys at hand; no token was changed." in done.stderr
    assert sealed(filled) == before
    assert filled.rows("SELECT count(*) FROM audit_log WHERE action = 'rotated keys'") == [(0,)]


def test_without_a_token_there_is_nothing_to_change(command: Cli, database: Database) -> None:
    assert command("keys", "rotate").stdout.startswith("Encrypted 0 tokens ")


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Settings]:
    """A data folder that keeps its key itself, with its server running."""
    settings = Settings(data_dir=tmp_path, _env_file=None)
    with EmbeddedServer(tmp_path), opened(settings):
        yield settings


def key_file(settings: Settings) -> str:
    return (settings.data_path / KEY_FILE).read_text()


def test_a_kept_key_gives_way_to_a_new_one(embedded: Settings) -> None:
    here = {"DATA_DIR": str(embedded.data_path)}
    vault = TokenVault(embedded)
    before = [key_file(embedded)]
    with opened(embedded) as url:
        database = Database(url)
        fill(database, before[0])
        for _ in range(2):
            of_before = sealed(database)
            done = run_here(here, "keys", "rotate")
            said = "Encrypted 2 tokens with a new key; the one before stays until the next time.\n"
            assert (done.code, done.stdout) == (0, said)
            newest, *others = key_file(embedded).split(",")
            assert (newest not in before, others) == (True, before[:1])
            before = [newest]
            assert read(database, newest) == TOKENS
            assert vault.open(of_before["acme"]) == TOKENS["acme"], "what was read before the rotation is opened after"
        assert vault.open(sealed(database)["acme"]) == TOKENS["acme"], "a vault of before reads on"
    assert (embedded.data_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in embedded.data_path.glob(f"*{KEY_FILE}*")] == [KEY_FILE]


def test_a_rotation_that_fails_keeps_the_old_key_and_the_next_one_goes_on(embedded: Settings) -> None:
    here = {"DATA_DIR": str(embedded.data_path)}
    TokenVault(embedded)
    old = key_file(embedded)
    with opened(embedded) as url:
        database = Database(url)
        fill(database, old)
        database.rows("UPDATE credential SET token_encrypted = %s WHERE state = 'dead'", (b"strange",))
        assert run_here(here, "keys", "rotate").code == 1
        fresh, kept = key_file(embedded).split(",")
        assert kept == old
        assert TokenVault(embedded).open(sealed(database)["acme"]) == TOKENS["acme"]
        database.rows("DELETE FROM credential WHERE state = 'dead'")
        assert run_here(here, "keys", "rotate").code == 0
        newest, before = key_file(embedded).split(",")
        assert before == fresh
        assert read(database, newest) == {"acme": TOKENS["acme"]}


@pytest.mark.parametrize("is_new", [False, True])
async def test_a_token_that_is_stored_during_a_rotation_is_sealed_once_that_has_ended(
    store: Store, tmp_path: Path, is_new: bool
) -> None:
    settings = embedded_settings(tmp_path)
    vault, sealing = TokenVault(settings), asyncio.Event()

    def seal() -> bytes:
        sealing.set()
        return vault.seal("token")

    client_id = await added(store, "Acme", lambda: vault.seal("before"))
    with newest_key(settings):
        async with store.working() as session:
            await clients.lock_tokens(session)
            writing = asyncio.create_task(added(store, "Bolt", seal) if is_new else replaced(store, client_id, seal))
            await is_waited_for(store)
            assert not sealing.is_set()
        written = await writing
    async with store.working() as session:
        _, token = (await clients.lock_tokens(session))[written]
    newest = Fernet(key_file(settings).split(",")[0])
    assert newest.decrypt(token) == b"token"


async def added(store: Store, name: str, seal: clients.Seal) -> int:
    """A new client with a token."""
    named: dict[str, Any] = {"name": name, "graph_url": "", "account_ids": (), "is_sample": False}
    async with store.working() as session:
        return (await clients.add_client(session, seal=seal, **named)).id


async def replaced(store: Store, client_id: int, seal: clients.Seal) -> int:
    """The client with another token."""
    async with store.working() as session:
        await clients.set_token(session, client_id, seal)
    return client_id


async def is_waited_for(store: Store) -> None:
    """Come back once someone waits for the lock of the tokens."""
    waiting = text(f"SELECT count(*) FROM pg_locks WHERE relation = 'credential'::regclass AND NOT granted AND {HERE}")
    async with asyncio.timeout(10), store.engine.connect() as connection:
        while not (await connection.execute(waiting)).scalar_one():
            continue


def embedded_settings(folder: Path) -> Settings:
    return Settings(data_dir=folder, _env_file=None)


def test_whoever_breaks_off_leaves_both_keys(tmp_path: Path) -> None:
    settings = embedded_settings(tmp_path)
    of_before = TokenVault(settings).seal("token")
    with contextlib.suppress(KeyboardInterrupt), newest_key(settings) as vault:
        of_now = vault.seal("token")
        raise KeyboardInterrupt
    assert [TokenVault(settings).open(each) for each in (of_before, of_now)] == ["token", "token"]
    for _ in range(2):
        with newest_key(settings) as vault:
            of_now = vault.reseal(of_now)
    assert TokenVault(settings).open(of_now) == "token"
    with pytest.raises(SettingsError, match="cannot be read"):
        TokenVault(settings).open(of_before)


def test_two_at_once_are_one_too_many(tmp_path: Path) -> None:
    settings = embedded_settings(tmp_path)
    TokenVault(settings)
    before = key_file(settings)
    descriptor = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with pytest.raises(Conflict, match="already"), newest_key(settings):
        pytest.fail("it began")
    os.close(descriptor)
    assert key_file(settings) == before
