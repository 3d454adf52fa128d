"""The benchmark itself, on a small store: every section runs and says the same figures as on a large one."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from benchmarks.__main__ import arguments
from benchmarks.report import Figure
from benchmarks.sections import SECTIONS
from lib.settings import ROOT
from tests.fixtures_processes import environment, is_alive, until

ROWS = 6000
PAGES = ("Overview", "Explore")


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    """The benchmark in a process of its own, on a store in ``folder``."""
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks", "--rows", str(ROWS), "--folder", str(folder), "--quick", *words],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Where the stores are kept from one run to the next; other runs of pytest would close its own to PostgreSQL."""
    with tempfile.TemporaryDirectory(prefix="ads-bench-") as name:
        yield Path(name)


@pytest.fixture(scope="module")
def ran(folder: Path) -> tuple[int, str, str]:
    """Exit code, output and errors of a run of every section."""
    process = start(folder)
    said, errors = process.communicate(timeout=1200)
    return process.returncode, said, errors


@pytest.fixture(scope="module")
def kept(folder: Path, ran: tuple[int, str, str]) -> dict[str, Any]:
    """What the run wrote."""
    return dict(json.loads((folder / str(ROWS) / "results.json").read_text()))


def test_every_section_runs(ran: tuple[int, str, str], kept: dict[str, Any]) -> None:
    code, said, errors = ran
    assert code == 0, f"{said}\n{errors}"
    assert list(kept["sections"]) == list(SECTIONS)
    assert "Failed" not in said


def test_what_was_wanted_is_measured(kept: dict[str, Any]) -> None:
    wanted = {figure["name"]: figure["wanted"] for each in kept["sections"].values() for figure in each["figures"]}
    assert sorted(words for words in wanted.values() if words) == sorted(
        ["≥ 15 x", "≤ 100 ms", "≤ 1", "≤ 60 s", "≤ 300 ms", "≤ 2 s", "≤ 5 s", "≤ 50 MB"]
        + ["≤ 40 ms", "≤ 150 ms"] * len(PAGES)
        + ["≤ 300 ms", "≤ 900 MB", "≥ 20,000 rows/s"]
    )
    for page in PAGES:
        assert {f"{page}, rerun on the server, same view again", f"{page}, click to settled in Chromium"} <= set(wanted)


def test_every_figure_is_shown_with_its_verdict(ran: tuple[int, str, str], kept: dict[str, Any]) -> None:
    said = ran[1]
    table = said[said.index("Reached and wanted") :]
    for section in kept["sections"].values():
        assert section["title"] in said
        for figure in section["figures"]:
            (line,) = [line for line in table.splitlines() if f"│ {figure['name']} " in line]
            assert figure["reached"] in line
            assert figure["verdict"] in line


def test_the_table_of_the_documents_has_the_same_figures(folder: Path, kept: dict[str, Any]) -> None:
    table = (folder / str(ROWS) / "results.md").read_text()
    for section in kept["sections"].values():
        for figure in section["figures"]:
            assert f"| {figure['name']} | {figure['reached']} | {figure['wanted']} | {figure['verdict']} |" in table


def test_a_section_that_fails_leaves_the_others(folder: Path, kept: dict[str, Any], monkeypatch: Any) -> None:
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    process = start(folder, "pages", "mirror")
    said, errors = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "The section pages failed" in said
    assert "CHROMIUM names /nowhere/chromium" in errors
    assert "mirror built anew" in said, errors


def test_stopped_it_ends_what_it_started(folder: Path, kept: dict[str, Any]) -> None:
    process = start(folder, "people")
    below = until(lambda: served(process.pid), "no dashboard was started", within_s=60)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Stopped" in said
    assert not [pid for pid in below if is_alive(pid)]
    assert not (folder / str(ROWS) / "postgres" / "postmaster.pid").exists()


def line_of(process: psutil.Process) -> str:
    """What it was started with; nothing where it has just ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def served(pid: int) -> list[int]:
    """The processes below this one, once the dashboard is among them."""
    below = psutil.Process(pid).children(recursive=True)
    words = [line_of(each) for each in below]
    return [each.pid for each in below] if any("dashboard.server:app" in word for word in words) else []


@pytest.mark.parametrize("words", [["nothing"], ["--rows", "10"]])
def test_words_that_mean_nothing_are_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        arguments(words)
    assert refused.value.code == 2
    assert "error:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("figure", "verdict"),
    [
        (Figure("a", 50, "ms", most=100), "reached"),
        (Figure("a", 100, "ms", most=100), "reached"),
        (Figure("a", 150, "ms", most=100), "missed by 50%"),
        (Figure("a", 12, "x", least=15), "missed by 20%"),
        (Figure("a", 15, "x", least=15), "reached"),
        (Figure("a", 15, "x"), ""),
    ],
)
def test_a_figure_says_by_how_much_it_missed(figure: Figure, verdict: str) -> None:
    assert figure.verdict == verdict
