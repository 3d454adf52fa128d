"""``python -m lib mirror status|rebuild|drop``, in processes of their own where that tells more."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from tests.fixtures_processes import Cli
from tests.integration.mirror.holding import Holder


@pytest.fixture
def folder(tmp_path: Path, settings_of_test: dict[str, str]) -> Path:
    """DATA_DIR's folder of mirrors."""
    settings_of_test["DATA_DIR"] = str(tmp_path)
    return tmp_path / "mirror"


def parts(status: str) -> dict[str, dict[str, str]]:
    """What ``status`` says, by the file's name."""
    found: dict[str, dict[str, str]] = {}
    for line in status.splitlines():
        if line.startswith("  "):
            key, value = re.split(r"\s{2,}", line.strip(), maxsplit=1)
            next(reversed(found.values()))[key] = value
        else:
            found[Path(line).name] = {}
    return found


def test_without_a_mirror(holder: Holder, folder: Path, command: Cli) -> None:
    done = command("mirror", "status")
    assert (done.code, done.stdout) == (0, "")
    assert "There is no mirror yet" in done.stderr
    done = command("mirror", "drop")
    assert (done.code, done.stdout) == (0, "")
    assert "Removed 0 mirror(s)." in done.stderr


def test_rebuild_status_drop(world_in: Holder, folder: Path, command: Cli) -> None:
    rows, version = world_in.database.rows("SELECT (SELECT count(*) FROM insight), max(version) FROM slice")[0]
    done = command("mirror", "rebuild")
    assert (done.code, done.stdout) == (0, f"{folder / 'cli.duckdb'}\n")
    assert done.stderr.startswith(f"Built: {rows} ad-days, ")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "cli.duckdb").stat().st_mode) == 0o600
    done = command("mirror", "status")
    said = parts(done.stdout)["cli.duckdb"]
    assert (done.code, said["rows"], said["version"], said["process"]) == (0, str(rows), str(version), "-")
    assert said["state"] == "No process uses it; the next one that starts brings it up to date."
    done = command("mirror", "drop")
    assert (done.code, done.stdout) == (0, f"{folder / 'cli.duckdb'}\n")
    assert [each.name for each in folder.iterdir() if each.suffix != ".lock"] == []


def test_a_rebuilt_mirror_is_postgres(world_in: Holder, folder: Path, command: Cli) -> None:
    assert command("mirror", "rebuild", "--role", "dashboard").code == 0
    mirror = world_in.opened(folder / "dashboard.duckdb")
    assert mirror.status().build_seconds is None
    world_in.check(mirror)


def test_a_mirror_that_is_in_use(world_in: Holder, folder: Path, cli: Cli, command: Cli) -> None:
    mirror = world_in.opened(folder / "dashboard.duckdb")
    status, said = mirror.status(), parts(cli("mirror", "status").stdout)["dashboard.duckdb"]
    assert said["state"] == "stands"
    assert said["rows"] == f"{status.rows:,}"
    assert said["process"] == str(status.pid)
    assert said["looked at PostgreSQL"].startswith("20")
    dropped = command("mirror", "drop")
    assert (dropped.code, dropped.stdout) == (0, "")
    assert "Kept, because a process uses it: dashboard.duckdb." in dropped.stderr
    refused = command("mirror", "rebuild", "--role", "dashboard")
    assert (refused.code, refused.stdout) == (1, "")
    assert "Other processes use the mirror dashboard.duckdb." in refused.stderr
    world_in.catch_up(mirror)


def test_files_of_no_use(world_in: Holder, folder: Path, command: Cli) -> None:
    world_in.opened(folder / "cli.duckdb")
    world_in.close()
    (folder / "api.duckdb").write_bytes(b"garbage" * 10_000)
    done = command("mirror", "status")
    said = parts(done.stdout)
    assert done.code == 0
    assert said["api.duckdb"]["state"].startswith("The mirror's file cannot be read. It is built anew")
    assert "cli.duckdb" in said
    assert command("mirror", "drop").stdout.split() == [f"{folder / name}" for name in ("api.duckdb", "cli.duckdb")]


def test_switched_off(holder: Holder, folder: Path, command: Cli, settings_of_test: dict[str, str]) -> None:
    settings_of_test["MIRROR_MEMORY_MB"] = "0"
    done = command("mirror", "rebuild")
    assert (done.code, done.stdout) == (1, "")
    assert "The mirror is switched off: MIRROR_MEMORY_MB is 0. Set it to 384" in done.stderr
    assert not folder.exists()


@pytest.mark.parametrize("words", [(), ("build",), ("rebuild", "--role", "someone"), ("drop", "everything")])
def test_words_that_are_off(holder: Holder, folder: Path, command: Cli, words: tuple[str, ...]) -> None:
    done = command("mirror", *words)
    assert (done.code, done.stdout) == (2, "")
    assert not folder.exists()


def test_a_disk_without_room(world_in: Holder, folder: Path, command: Cli) -> None:
    world_in.database.owner("UPDATE slice SET rows = 1000000000")
    done = command("mirror", "rebuild")
    assert (done.code, done.stdout) == (1, "")
    assert "The mirror was not built: its disk has" in done.stderr
    assert "Traceback" not in done.stderr
    assert [each.name for each in folder.iterdir()] == ["cli.lock"]
