"""``export`` as a process: from both engines, in constant memory, killed on its way, and on a disk that is full."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest

from tests.fixtures_database import Database
from tests.fixtures_processes import ROOT, Cli, environment, until

FEW, MANY = 20_000, 200_000
FILL = """INSERT INTO insight (account_id, date, ad_id, adset_id, campaign_id, spend_micros, impressions)
          SELECT 11, '2026-01-01', ad, 1, 1, ad * 10000::bigint, ad FROM generate_series(1, %s) AS ad"""
WORDS = ("--since", "2026-01-01", "--until", "2026-01-01", "--group-by", "ad", "--metrics", "spend,impressions")


@pytest.fixture
def stored(
    database: Database, settings_of_test: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest
) -> Database:
    """One account with many ads on one day, or with as many as the test's parameter says."""
    settings_of_test["DATA_DIR"] = str(tmp_path / "data")
    database.owner("INSERT INTO client (slug, name, graph_url) VALUES ('acme', 'Acme', '')")
    database.owner("INSERT INTO account (account_id, client_id, name, currency) SELECT 11, id, 'x', 'EUR' FROM client")
    database.owner(FILL, [getattr(request, "param", MANY)])
    return database


@pytest.mark.parametrize("stored", [100], indirect=True)
def test_both_engines_write_the_same_and_say_who_answered(
    cli: Cli, stored: Database, settings_of_test: dict[str, str], tmp_path: Path
) -> None:
    words = (*WORDS, "--format", "csv", "--order", "-spend,ad", "--top", "3:ad:spend")
    rows = {}
    for engine in ("postgres", "mirror"):
        done = cli("export", *words, "--engine", engine)
        assert done.code == 0
        assert done.stderr.endswith(f"Answered by {engine}.\n")
        rows[engine] = done.stdout
    assert rows["postgres"] == rows["mirror"]
    assert len(rows["mirror"].splitlines()) == 5
    assert stored.rows("SELECT engine FROM export_log ORDER BY id") == [("postgres",), ("mirror",)]

    settings_of_test["MIRROR_MEMORY_MB"] = "0"
    off = cli("export", *words, "--engine", "mirror", "--out", str(tmp_path / "off.csv"))
    assert (off.code, off.stdout) == (1, "")
    assert "The mirror is switched off" in off.stderr
    assert not (tmp_path / "off.csv").exists()


def peak_mb(settings: dict[str, str], *words: str) -> float:
    """The most memory that a whole export took."""
    command = [sys.executable, "-m", "lib", "export", *words]
    process = subprocess.Popen(command, cwd=ROOT, env=environment(**settings), stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return used.ru_maxrss / 1024


@pytest.mark.parametrize("name", ["csv", "xlsx"])
def test_many_rows_take_no_more_memory_than_few(
    stored: Database, settings_of_test: dict[str, str], tmp_path: Path, name: str
) -> None:
    out = str(tmp_path / "file")
    words = (*WORDS, "--format", name, "--out", out)
    few = peak_mb(settings_of_test, *words, "--having", f"impressions<={FEW}")
    many = peak_mb(settings_of_test, *words)
    assert many < few + 48, f"{few:.0f} MB for {FEW:,} rows, {many:.0f} MB for {MANY:,}"


Start = Callable[..., ForkServerProcess]


def on_its_way(folder: Path, start: Start, *words: str) -> ForkServerProcess:
    """An export that has written a part."""
    process = start("export", *WORDS, *words)

    def has_begun() -> bool:
        return any(path.stat().st_size > 100_000 for path in folder.glob(".*.tmp"))

    until(has_begun, "a part of the file is there")
    return process


def test_killed_on_its_way_it_leaves_no_half_file_under_the_name(
    stored: Database, killable: Start, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    process = on_its_way(folder, killable, "--format", "csv", "--out", str(folder / "file.csv"))
    process.kill()
    process.join()
    assert not (folder / "file.csv").exists()
    assert stored.rows("SELECT * FROM export_log") == []


def test_told_to_end_it_leaves_what_was_there_and_nothing_else(
    stored: Database, killable: Start, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "file.csv").write_text("old")
    process = on_its_way(folder, killable, "--format", "csv", "--out", str(folder / "file.csv"))
    process.terminate()
    process.join(30)
    assert process.exitcode == 130
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"file.csv": "old"}
    assert stored.rows("SELECT * FROM export_log") == []


@pytest.mark.parametrize("name", ["csv", "json", "arrow", "parquet", "xlsx"])
@pytest.mark.parametrize("mounted", [1], indirect=True)
def test_a_full_disk_is_a_sentence_and_leaves_nothing(command: Cli, stored: Database, mounted: Path, name: str) -> None:
    done = command("export", *WORDS, "--format", name, "--out", str(mounted / "file"))
    assert done.code == 1
    assert re.match(r"The file .*could not be written: no space left on device\.", done.stderr)
    assert "Traceback" not in done.stderr
    assert list(mounted.iterdir()) == []
    assert stored.rows("SELECT * FROM export_log") == []


@pytest.mark.parametrize(("mounted", "stored"), [(1, 40_000)], indirect=True)
def test_without_room_to_put_it_aside_nothing_comes_out(
    cli: Cli, stored: Database, settings_of_test: dict[str, str], mounted: Path
) -> None:
    settings_of_test["TMPDIR"] = str(mounted)
    done = cli("export", *WORDS, "--format", "csv")
    assert (done.code, done.stdout) == (1, "")
    assert "no space left on device" in done.stderr
    assert "Traceback" not in done.stderr
