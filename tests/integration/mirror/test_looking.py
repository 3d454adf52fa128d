"""``mirror status`` and the doctor look from outside: they change nothing, and nobody steps aside for them."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from lib.insights.mirror import files
from lib.insights.mirror.looking import IDLE, Found, look
from lib.settings import Settings
from tests.integration.mirror.holding import Holder

A_MOMENT_S = 0.2
LOOKER = "import duckdb, sys; file = duckdb.connect(sys.argv[1], read_only=True); print(flush=True); sys.stdin.read()"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The dashboard's file."""
    return tmp_path / "mirror" / "dashboard.duckdb"


def seen(data: Path) -> list[Found]:
    """What a look finds."""
    return look(Settings(_env_file=None, data_dir=data))


def state(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file with when it was written, and what is in it."""
    return {each.name: (each.stat().st_mtime_ns, each.read_bytes()) for each in folder.iterdir() if each.is_file()}


def test_a_look_at_nothing_makes_nothing(tmp_path: Path) -> None:
    assert seen(tmp_path / "data") == []
    assert list(tmp_path.iterdir()) == []


def test_a_look_changes_nothing_and_counts_what_is_there(world_in: Holder, path: Path, tmp_path: Path) -> None:
    status = world_in.opened(path).status()
    world_in.close()
    before = state(path.parent)
    (found,) = seen(tmp_path)
    assert state(path.parent) == before
    assert (found.is_held, found.status.reason) == (False, IDLE)
    assert (found.status.rows, found.status.version) == (status.rows, status.version)


def test_a_log_that_was_left_behind_is_left_there(world_in: Holder, path: Path, tmp_path: Path) -> None:
    mirror = world_in.opened(path)
    world_in.database.owner("UPDATE slice SET version = nextval('slice_version')")
    world_in.run(mirror.catch_up())
    left = tmp_path / "killed" / "mirror"
    shutil.copytree(path.parent, left)
    before = state(left)
    assert before["dashboard.duckdb.wal"][1]
    (found,) = seen(tmp_path / "killed")
    assert state(left) == before
    assert (found.is_held, found.status.reason, found.status.stands) == (False, IDLE, False)
    assert (found.status.rows, found.status.version) == (mirror.status().rows, mirror.status().version)


def test_of_another_version_of_the_program(world_in: Holder, path: Path, tmp_path: Path) -> None:
    world_in.opened(path)
    world_in.close()
    with duckdb.connect(str(path)) as file:
        file.execute("UPDATE mirror_about SET format = 'of before'")
    (found,) = seen(tmp_path)
    assert "another version of this program" in found.status.reason


def test_whoever_looks_whether_a_place_is_free_does_not_take_it(path: Path) -> None:
    place = files.take(path)
    assert place is not None
    assert files.is_kept(path)
    place.close()
    looking = os.open(path.with_suffix(".lock"), os.O_RDONLY)
    fcntl.flock(looking, fcntl.LOCK_SH)
    threading.Timer(A_MOMENT_S, lambda: os.close(looking)).start()
    again = files.take(path)
    assert again is not None
    assert again.path == path
    again.close()


@pytest.fixture
def at_rest(world_in: Holder, path: Path) -> Path:
    """The file, whole, that nobody keeps."""
    world_in.opened(path)
    world_in.close()
    return path


@pytest.fixture
def looker(at_rest: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the file open to read."""
    words = [sys.executable, "-c", LOOKER, str(at_rest)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "\n"
        yield process


def test_a_file_that_is_looked_into_is_waited_for(
    world_in: Holder, at_rest: Path, looker: subprocess.Popen[str]
) -> None:
    assert looker.stdin is not None
    threading.Timer(A_MOMENT_S, looker.stdin.close).start()
    status = world_in.opened(at_rest).status()
    assert (status.stands, status.file, status.build_seconds) == (True, at_rest.name, None)
    assert [each.name for each in at_rest.parent.glob("*.duckdb")] == [at_rest.name]


def test_opened_again_and_again_under_the_eyes_of_others(world_in: Holder, at_rest: Path, tmp_path: Path) -> None:
    ended = threading.Event()

    def look_on() -> None:
        while not ended.is_set():
            seen(tmp_path)

    looking = threading.Thread(target=look_on)
    looking.start()
    try:
        for _ in range(5):
            assert world_in.opened(at_rest).status().build_seconds is None
            world_in.close()
    finally:
        ended.set()
        looking.join()
    assert [each.name for each in at_rest.parent.glob("*.duckdb")] == [at_rest.name]
