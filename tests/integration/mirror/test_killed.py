"""Processes that are killed at any moment, and processes that want the same file."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import duckdb
import pytest

from tests.fixtures_database import Database
from tests.fixtures_processes import Cli, Start, until
from tests.integration.insights import world
from tests.integration.mirror.holding import DRAWN, Holder
from tests.locking import HERE

SEED, KILLS = 11, max(3, DRAWN // 5)
EXPORT = ("export", "--since", world.FIRST.isoformat(), "--until", world.LAST.isoformat(), "--group-by", "account,ad",
          "--metrics", "spend,impressions", "--format", "csv")  # fmt: skip
ON_MIRROR = (*EXPORT, "--engine", "mirror")


@pytest.fixture
def path(tmp_path: Path, settings_of_test: dict[str, str]) -> Path:
    """The file of the commands' mirror."""
    settings_of_test["DATA_DIR"] = str(tmp_path)
    return tmp_path / "mirror" / "cli.duckdb"


@contextmanager
def shut(database: Database, table: str) -> Iterator[None]:
    """Nobody reads the table in this block: whoever needs it waits."""
    with database.connect() as connection:
        connection.execute("BEGIN")
        connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield


def wait_at(database: Database, table: str) -> None:
    """Until somebody waits for the table."""
    waits = f"SELECT pid FROM pg_locks WHERE relation = %s::regclass AND NOT granted AND {HERE}"
    until(lambda: database.owner(waits, [table]), f"somebody waits for {table}", within_s=60)


def kill(process: ForkServerProcess) -> None:
    """SIGKILL."""
    process.kill()
    process.join()
    assert process.exitcode == -9


def restate(database: Database, by: int) -> None:
    """Every number and every version is another one."""
    database.owner(
        "WITH changed AS (UPDATE insight SET spend_micros = spend_micros + %s, impressions = impressions + 1)"
        " UPDATE slice SET version = nextval('slice_version')",
        [by],
    )


def test_killed_in_the_middle_of_a_build(world_in: Holder, path: Path, killable: Start) -> None:
    with shut(world_in.database, "insight"):
        building = killable("mirror", "rebuild")
        wait_at(world_in.database, "insight")
        assert path.with_suffix(".new").exists()
        assert not path.exists()
        kill(building)
    world_in.check(world_in.opened(path))
    assert not path.with_suffix(".new").exists()


def test_killed_in_the_middle_of_a_rebuild_the_old_file_is_whole(world_in: Holder, path: Path, killable: Start) -> None:
    world_in.opened(path)
    world_in.close()
    with shut(world_in.database, "insight"):
        building = killable("mirror", "rebuild")
        wait_at(world_in.database, "insight")
        kill(building)
    mirror = world_in.opened(path)
    assert mirror.status().build_seconds is None
    world_in.check(mirror)
    assert not path.with_suffix(".new").exists()


def test_killed_in_the_middle_of_catching_up(world_in: Holder, path: Path, killable: Start) -> None:
    world_in.opened(path)
    world_in.close()
    restate(world_in.database, 1_000_000)
    with shut(world_in.database, "insight"):
        exporting = killable(*ON_MIRROR)
        wait_at(world_in.database, "insight")
        kill(exporting)
    with duckdb.connect(str(path), read_only=True) as file:
        (count,) = file.execute("SELECT count(*) FROM insight").fetchone() or ()
    assert count == world_in.database.one("SELECT count(*) FROM insight"), "all of before, or nothing"
    mirror = world_in.opened(path)
    assert mirror.status().build_seconds is None, "it was caught up, not built anew"
    world_in.check(mirror)


def test_killed_at_drawn_moments(world_in: Holder, path: Path, killable: Start) -> None:
    drawn = random.Random(SEED)
    for number in range(KILLS):
        restate(world_in.database, number + 1)
        process = killable(*(ON_MIRROR if number % 2 else ("mirror", "rebuild")))
        process.join(drawn.uniform(0, 1.5))
        process.kill()
        process.join()
        world_in.check(world_in.opened(path), drawn=0)
        world_in.close()
    world_in.check(world_in.opened(path))


def test_two_processes_at_once(world_in: Holder, path: Path, cli: Cli, command: Cli) -> None:
    world_in.opened(path)
    from_postgres, from_mirror = command(*EXPORT), cli(*ON_MIRROR)
    assert (from_postgres.code, from_mirror.code) == (0, 0), from_mirror.stderr
    assert from_mirror.stdout.splitlines() == from_postgres.stdout.splitlines(), (
        "a pipe is read as text, with other ends"
    )
    assert "Answered by mirror." in from_mirror.stderr
    assert path.with_name("cli-2.duckdb").exists()
    refused = command("mirror", "rebuild")
    assert (refused.code, refused.stdout) == (1, "")
    assert "Other processes use the mirror cli.duckdb. Answers come from PostgreSQL until it is free." in refused.stderr
    world_in.catch_up(world_in.mirrors[0])


def test_more_processes_than_places(world_in: Holder, path: Path, command: Cli) -> None:
    mirrors = [world_in.opened(path) for _ in range(4)]
    assert sorted(each.name for each in path.parent.glob("*.duckdb")) == [
        "cli-2.duckdb", "cli-3.duckdb", "cli-4.duckdb", "cli.duckdb"
    ]  # fmt: skip
    refused = command(*ON_MIRROR)
    assert (refused.code, refused.stdout) == (1, "")
    assert re.search(r"Other processes use all mirrors named cli\.", refused.stderr)
    for mirror in mirrors:
        world_in.run(mirror.catch_up())
        world_in.check(mirror, drawn=0)


def test_a_file_that_somebody_looks_into_by_other_means_is_not_taken_from_them(
    world_in: Holder, path: Path, cli: Cli
) -> None:
    world_in.opened(path)
    world_in.close()
    with duckdb.connect(str(path)):
        refused = cli(*ON_MIRROR)
    assert (refused.code, refused.stdout) == (1, "")
    assert "The mirror's file is held by another process." in refused.stderr
    assert path.exists()
