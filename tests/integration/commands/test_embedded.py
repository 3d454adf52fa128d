"""The embedded PostgreSQL: started by the first, stopped by the last, and never harmful to a folder."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from lib.errors import DataDirError, StoreError
from lib.settings import Settings
from lib.store.embedded import BIN, EmbeddedServer, prepare_data_dir
from lib.store.secrets import TokenVault, key_file
from tests.fixtures_processes import ROOT, environment, is_alive, run_here, until

HOLDER = """
import sys
from pathlib import Path
from lib.store.embedded import EmbeddedServer
with EmbeddedServer(Path(sys.argv[1])):
    print("ready", flush=True)
    sys.stdin.read()
"""
IS_ROOT = os.geteuid() == 0


def postmaster(folder: Path) -> int:
    """The id of the server's first process, which its own file tells; 0 where it has stopped."""
    file = folder / "postgres" / "postmaster.pid"
    return int(file.read_text().split()[0]) if file.exists() else 0


def answers(server: EmbeddedServer) -> int:
    address = server.url("postgres").set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as connection:
        row = connection.execute("SELECT 1").fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A data folder below folders that only their owner may enter; its server is made once for this module."""
    outer = Path(tempfile.mkdtemp(prefix="ads-outer-"))
    (outer / "inner").mkdir(mode=0o700)
    yield outer / "inner" / "data"
    shutil.rmtree(outer)


Hold = Callable[[Path], "subprocess.Popen[str]"]


@pytest.fixture
def hold() -> Iterator[Hold]:
    """Another process that uses the server until its input ends or it is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(folder: Path) -> subprocess.Popen[str]:
        process = subprocess.Popen([sys.executable, "-c", HOLDER, str(folder)], cwd=ROOT, env=environment(),
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # fmt: skip
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.stdout.close()


def test_it_starts_and_the_last_to_leave_stops_it(folder: Path, hold: Hold) -> None:
    with EmbeddedServer(folder) as server:
        first = postmaster(folder)
        assert is_alive(first)
        assert answers(server) == 1
        other = hold(folder)
        assert postmaster(folder) == first, "the second process shares it"
    assert is_alive(first), "the second process still uses it"
    other.communicate("")
    assert not is_alive(first)
    assert postmaster(folder) == 0


def test_the_folders_above_can_be_walked_but_not_read(folder: Path) -> None:
    with EmbeddedServer(folder):
        for path in (folder, folder.parent, folder.parent.parent):
            mode = stat.S_IMODE(path.stat().st_mode)
            assert mode & ~0o711 == 0, f"{path} is {mode:o}"
        assert stat.S_IMODE((folder / "postgres").stat().st_mode) == 0o700
    assert folder.stat().st_uid == os.geteuid()


def test_after_a_killed_process_the_next_start_works_and_the_last_one_stops_it(folder: Path, hold: Hold) -> None:
    killed = hold(folder)
    killed.kill()
    killed.wait()
    orphan = postmaster(folder)
    assert is_alive(orphan), "nobody was left to stop it"
    with EmbeddedServer(folder) as server:
        assert answers(server) == 1
    assert not is_alive(orphan)


def test_after_a_killed_server_the_next_start_recovers(folder: Path, hold: Hold) -> None:
    killed = hold(folder)
    first = postmaster(folder)
    killed.kill()
    killed.wait()
    os.kill(first, 9)
    until(lambda: not is_alive(first), "the server is gone")
    with EmbeddedServer(folder) as server:
        assert answers(server) == 1
        assert postmaster(folder) != first
    assert postmaster(folder) == 0


def test_an_initdb_that_was_killed_half_way_is_made_anew(tmp_path: Path) -> None:
    unfinished = tmp_path / "data" / "postgres.new"
    unfinished.mkdir(parents=True)
    (tmp_path / "data").chmod(0o700)
    (unfinished / "PG_VERSION").write_text("18\n")
    (unfinished / "base").mkdir()
    with EmbeddedServer(tmp_path / "data") as server:
        assert answers(server) == 1
    assert not unfinished.exists()


def test_a_long_path_works_and_its_socket_is_private(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 60) / ("y" * 60)
    with EmbeddedServer(deep) as server:
        assert answers(server) == 1
        socket_folder = Path(str(server.url().query["host"]))
        assert len(str(socket_folder)) < 90
        assert stat.S_IMODE(socket_folder.stat().st_mode) == 0o700
        assert next(socket_folder.glob(".s.PGSQL.*"))
    assert not socket_folder.exists()


def test_a_socket_folder_that_someone_else_laid_out_is_refused(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 60) / ("z" * 60)
    victim = tmp_path / "victim"
    victim.mkdir()
    owner = victim.stat().st_uid
    unborn = EmbeddedServer.__new__(EmbeddedServer)
    unborn.folder = deep / "postgres"
    trap = unborn._socket_folder()
    trap.symlink_to(victim)
    try:
        with pytest.raises(DataDirError, match="socket"):
            EmbeddedServer(deep)
        assert victim.stat().st_uid == owner
        assert not list(victim.iterdir())
    finally:
        trap.unlink()


def tree(path: Path) -> list[tuple[str, int, int]]:
    return [(str(one), one.lstat().st_mode, one.lstat().st_uid) for one in (path, *sorted(path.rglob("*")))]


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A folder of another user: nobody's where we are root, the system's otherwise."""
    if not IS_ROOT:
        return Path("/usr/lib")
    mine = tmp_path / "nobody"
    mine.mkdir(mode=0o755)
    (mine / "postgres").mkdir()
    for path in (mine, mine / "postgres"):
        shutil.chown(path, "nobody")
    return mine


def test_a_folder_of_another_user_is_refused_and_untouched(foreign: Path) -> None:
    before = tree(foreign) if IS_ROOT else foreign.stat()
    with pytest.raises(DataDirError, match="belongs to the user") as caught:
        EmbeddedServer(foreign)
    assert "DATA_DIR" in caught.value.remedy
    assert pwd.getpwuid(foreign.stat().st_uid).pw_name in caught.value.message
    assert (tree(foreign) if IS_ROOT else foreign.stat()) == before


@pytest.mark.parametrize("where", ["itself", "above", "postgres", "postgres.lock"])
def test_a_file_in_the_way_is_a_sentence(tmp_path: Path, where: str) -> None:
    data = tmp_path / "data"
    if where == "itself":
        data.write_text("mine")
    elif where == "above":
        data.write_text("mine")
        data = data / "below"
    elif where == "postgres":
        data.mkdir(mode=0o700)
        (data / "postgres").write_text("mine")
    else:
        (data / where).mkdir(parents=True)
        data.chmod(0o700)
    with pytest.raises(DataDirError) as caught:
        EmbeddedServer(data)
    assert str(data) in caught.value.message
    assert not list(tmp_path.rglob("postmaster.pid"))


def test_a_folder_in_the_way_of_the_server_is_kept(tmp_path: Path) -> None:
    mine = tmp_path / "data" / "postgres" / "precious.txt"
    mine.parent.mkdir(parents=True)
    (tmp_path / "data").chmod(0o700)
    mine.write_text("precious")
    with pytest.raises(DataDirError):
        EmbeddedServer(tmp_path / "data")
    assert mine.read_text() == "precious"


def test_a_folder_that_cannot_be_written_is_a_sentence() -> None:
    # /proc lets nobody make a file, root neither; an ordinary user fails at the first test of the owner already.
    with pytest.raises(DataDirError):
        prepare_data_dir(Path("/proc/self/fdinfo"))
    with pytest.raises(DataDirError):
        prepare_data_dir(Path("/proc/ads"))


def test_commands_say_so_and_leave_with_1(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    done = run_here({"DATA_DIR": str(tmp_path / "data")}, "client", "list")
    assert (done.code, done.stdout) == (1, "")
    assert "data folder" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_broken_server_is_told_with_its_log(folder: Path) -> None:
    setting = folder / "postgres" / "postgresql.auto.conf"
    before = setting.read_text()
    setting.write_text("nonsense = 1\n")
    try:
        with pytest.raises(StoreError) as caught:
            EmbeddedServer(folder)
        assert "server.log" in caught.value.remedy
    finally:
        setting.write_text(before)
    with EmbeddedServer(folder) as server:
        assert answers(server) == 1


def test_an_empty_store_is_brought_up_by_any_command(folder: Path) -> None:
    settings = {"DATA_DIR": str(folder)}
    done = run_here(settings, "client", "list", "--json")
    assert (done.code, done.stdout) == (0, "[]\n")
    assert postmaster(folder) == 0
    again = run_here(settings, "refresh", "--since", "2026-05-02", "--until", "2026-05-01")
    assert again.code == 2


def test_a_key_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    assert key_file(tmp_path / "key", b"first") == b"first"
    assert key_file(tmp_path / "key", b"second") == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_a_key_file_that_a_full_disk_left_empty_is_filled(tmp_path: Path) -> None:
    (tmp_path / "token.key").touch(0o600)
    settings = Settings(data_dir=tmp_path, database_url="", token_keys="")  # type: ignore[arg-type]  # pydantic's
    sealed = TokenVault(settings).seal("secret")
    assert TokenVault(settings).open(sealed) == "secret"


def test_the_binaries_are_those_of_the_wheel() -> None:
    assert (BIN / "postgres").is_file()
