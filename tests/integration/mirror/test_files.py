"""Whatever becomes of its file, the mirror is rebuilt or stands aside, and every question is answered."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from sqlalchemy.engine import URL

from lib.errors import AppError
from lib.insights.mirror import Mirror
from lib.store import migrate
from lib.store.engine import Store
from tests.conftest import drop_database
from tests.integration.insights import world
from tests.integration.mirror.disks import read_only
from tests.integration.mirror.holding import Holder


def cut(path: Path) -> None:
    """Half of it is lost."""
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    """A crash of the machine may leave this."""
    path.write_bytes(b"")


def garbage(path: Path) -> None:
    """No database at all."""
    path.write_bytes(b"\x00\xff not a database" * 5000)


def damaged(path: Path) -> None:
    """The headers are whole; the blocks are not."""
    with path.open("r+b") as file:
        file.seek(3 * 4096)
        file.write(os.urandom(path.stat().st_size - 4 * 4096))


def older(path: Path) -> None:
    """Of a version of before."""
    with duckdb.connect(str(path)) as file:
        file.execute("UPDATE mirror_about SET format = 'of before'")


def foreign(path: Path) -> None:
    """Somebody's own file of this name."""
    own = path.with_name("own")
    with duckdb.connect(str(own)) as file:
        file.execute("CREATE TABLE mine AS SELECT 42 AS answer")
    own.rename(path)


def without_a_table(path: Path) -> None:
    """Whole, but not what it says."""
    with duckdb.connect(str(path)) as file:
        file.execute("DROP TABLE campaign")


def without_sums(path: Path) -> None:
    """Without what stands in for the ad-days."""
    with duckdb.connect(str(path)) as file:
        file.execute("DROP TABLE insight_by_account")


def log_of_another(path: Path) -> None:
    """Beside it lies a log that is not its own."""
    path.with_name(f"{path.name}.wal").write_bytes(b"\x01\x02 not a log" * 100)


def gone(path: Path) -> None:
    """Removed."""
    path.unlink()


@pytest.mark.parametrize(
    "ruin", [cut, empty, garbage, damaged, older, foreign, without_a_table, without_sums, log_of_another, gone]
)
def test_a_file_of_no_use_is_built_anew_when_it_is_opened(
    world_in: Holder, path: Path, ruin: Callable[[Path], None]
) -> None:
    world_in.opened(path)
    world_in.close()
    ruin(path)
    mirror = world_in.opened(path)
    world_in.check(mirror)
    world_in.database.owner("UPDATE campaign SET name = 'Renamed' WHERE account_id = 101")
    world_in.catch_up(mirror, drawn=0)
    world_in.close()
    world_in.check(world_in.opened(path), drawn=0)
    assert not [each.name for each in path.parent.iterdir() if ".new" in each.name]


@pytest.mark.parametrize("ruin", [cut, garbage, damaged, foreign])
def test_a_file_that_is_ruined_while_it_is_open_lets_nobody_down(
    world_in: Holder, path: Path, ruin: Callable[[Path], None]
) -> None:
    mirror = world_in.opened(path)
    ruin(path)
    world_in.asked(mirror)
    assert world_in.asked(mirror).engine == "postgres" or ruin is foreign
    world_in.run(mirror.catch_up())
    world_in.check(mirror)
    assert world_in.asked(mirror).engine == "mirror"


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_file_that_disappears_while_it_is_open(world_in: Holder, path: Path, what: str) -> None:
    mirror = world_in.opened(path)
    if what == "folder":
        shutil.rmtree(path.parent)
    else:
        path.unlink()
    world_in.asked(mirror)
    world_in.database.owner("UPDATE campaign SET name = 'Renamed' WHERE account_id = 101")
    world_in.catch_up(mirror, drawn=0)
    assert path.exists()
    world_in.close()
    reopened = world_in.opened(path)
    assert reopened.status().build_seconds is None, "what was built is the file of this name"
    world_in.check(reopened)


def test_an_older_copy_of_the_file_is_brought_up_to_date(world_in: Holder, path: Path, tmp_path: Path) -> None:
    world_in.opened(path)
    world_in.close()
    shutil.copy(path, tmp_path / "copy")
    world_in.database.owner("UPDATE insight SET spend_micros = 7 WHERE account_id = 101")
    world_in.database.owner("UPDATE slice SET version = nextval('slice_version') WHERE account_id = 101")
    world_in.opened(path)
    world_in.close()
    shutil.copy(tmp_path / "copy", path)
    mirror = world_in.opened(path)
    assert mirror.status().build_seconds is None
    world_in.check(mirror)


@pytest.fixture
def other_store(holder: Holder, server_url: URL) -> Iterator[Store]:
    """Another database of the same server, with the same ids in it."""
    url = server_url.set(database=f"ads_other_{os.getpid()}")
    migrate.ensure_database(url)
    migrate.upgrade(url)
    store = Store(url)
    holder.run(world.build(store))
    yield store
    holder.run(store.dispose())
    drop_database(url)


def test_a_file_of_another_database_is_built_anew(world_in: Holder, path: Path, other_store: Store) -> None:
    other = Mirror(path, other_store, memory_mb=128)
    world_in.run(other.catch_up())
    world_in.run(other.close())
    mirror = world_in.opened(path)
    assert mirror.status().build_seconds is not None
    world_in.check(mirror)


def test_a_file_of_a_database_before_a_migration_is_built_anew(world_in: Holder, path: Path) -> None:
    mirror = world_in.opened(path)
    (now,) = world_in.database.owner("SELECT version_num FROM alembic_version")
    world_in.database.owner("UPDATE alembic_version SET version_num = '9999'")
    try:
        world_in.catch_up(mirror, drawn=0)
    finally:
        world_in.database.owner("UPDATE alembic_version SET version_num = %s", now)
    assert mirror.engine() is not None
    world_in.catch_up(mirror)


@pytest.mark.parametrize("how", ["a file in its place", "read-only"])
def test_a_folder_that_cannot_be_used_leaves_everything_to_postgres(world_in: Holder, tmp_path: Path, how: str) -> None:
    folder = tmp_path / "data"
    if how == "read-only":
        folder.mkdir()
        with read_only(folder):
            _is_refused(world_in, folder / "mirror" / "test.duckdb")
    else:
        folder.write_text("in the way")
        _is_refused(world_in, folder / "mirror" / "test.duckdb")
        folder.unlink()
    world_in.check(world_in.opened(folder / "mirror" / "test.duckdb"))


def _is_refused(holder: Holder, path: Path) -> None:
    mirror = holder.unopened(path)
    with pytest.raises(AppError, match="cannot be used"):
        holder.run(mirror.catch_up())
    assert mirror.engine() is None
    assert holder.asked(mirror).engine == "postgres"


def test_what_a_killed_process_left_is_removed(world_in: Holder, path: Path) -> None:
    world_in.opened(path)
    world_in.close()
    for left in ("test.new", "test.new.wal"):
        path.with_name(left).write_bytes(b"half")
    for left in ("test.duckdb.tmp", "test.new.tmp"):
        path.with_name(left).mkdir()
        (path.with_name(left) / "duckdb_temp_storage-0.tmp").write_bytes(b"spilled")
    world_in.check(world_in.opened(path))
    world_in.close()
    assert sorted(each.name for each in path.parent.iterdir()) == ["test.duckdb", "test.lock"]
