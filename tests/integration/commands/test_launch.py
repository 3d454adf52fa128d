"""``python -m lib run``: one line with a link, one of a kind, and nothing left behind however it ends."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from lib.settings import Settings
from lib.store.opening import opened
from tests.fixtures_database import Database
from tests.fixtures_processes import ROOT, environment, is_alive, until

COUNTS = "SELECT (SELECT count(*) FROM insight WHERE date < current_date - 1)," \
         " (SELECT count(*) FROM slice WHERE date < current_date - 1)," \
         " (SELECT count(*) FROM refresh_run WHERE kind = 'asked')," \
         " (SELECT count(*) FROM client), (SELECT count(*) FROM audit_log WHERE action = 'added client')"  # fmt: skip
RUN = (sys.executable, "-m", "lib", "run")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Launched:
    """A running launcher with what it writes."""

    process: subprocess.Popen[bytes]
    port: int
    output: Path
    errors: Path
    family: set[int] = field(default_factory=set)

    def link(self) -> str:
        """The address that it prints once all is up; its processes are noted then."""

        def printed() -> Any:
            assert self.process.poll() is None, self.errors.read_text()
            return re.search(r"^Open (http://\S+)$", self.output.read_text(), re.MULTILINE)

        found = until(printed, "the link is printed", within_s=90)
        self.family = {child.pid for child in psutil.Process(self.process.pid).children(recursive=True)}
        return str(found[1])

    def end(self, number: signal.Signals) -> int:
        """Send a signal and wait for the end; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(60)


@dataclass
class Place:
    """A data folder in which launchers are started."""

    folder: Path
    started: list[Launched] = field(default_factory=list)

    def launch(self, port: int = 0) -> Launched:
        """Start one on a free port."""
        port = port or free_port()
        output, errors = (self.folder.parent / f"{len(self.started)}.{name}" for name in ("out", "err"))
        with output.open("w") as out, errors.open("w") as err:
            process = subprocess.Popen(RUN, cwd=ROOT, stdout=out, stderr=err,
                                       env=environment(DATA_DIR=str(self.folder), PORT=str(port)),
                                       start_new_session=True)  # fmt: skip
        self.started.append(Launched(process, port, output, errors))
        return self.started[-1]

    def server(self) -> int:
        """The id of PostgreSQL's first process; 0 where it has stopped."""
        file = self.folder / "postgres" / "postmaster.pid"
        return int(file.read_text().split()[0]) if file.exists() else 0

    def counts(self) -> tuple[int, ...]:
        """How many rows, slices, runs and clients are stored."""
        with opened(Settings(data_dir=self.folder, database_url="", token_keys="")) as url:  # type: ignore[arg-type]  # pydantic's
            return tuple(Database(url).rows(COUNTS)[0])

    def used(self) -> tuple[int, ...]:
        """The same of a place that a launcher has used before, whichever test runs first."""
        if not self.started:
            first = self.launch()
            first.link()
            assert first.end(signal.SIGTERM) == 0
        return self.counts()


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    outer = Path(tempfile.mkdtemp(prefix="ads-launch-"))
    place = Place(outer / "data")
    yield place
    for launched in place.started:
        if launched.process.poll() is None:
            launched.end(signal.SIGTERM)
    shutil.rmtree(outer)


def healthy(port: int) -> bool:
    with httpx.Client(trust_env=False) as client:
        try:
            return bool(client.get(f"http://127.0.0.1:{port}/healthz").status_code == 200)
        except httpx.TransportError:
            return False


def commands(family: set[int]) -> str:
    return " ".join(" ".join(psutil.Process(pid).cmdline()) for pid in family)


def test_start_sign_in_second_start_and_ctrl_c(place: Place) -> None:
    first = place.launch()
    link = first.link()
    assert link.startswith(f"http://localhost:{first.port}/sign-in?token=")
    assert healthy(first.port)
    assert all(name in commands(first.family) for name in ("sandbox", "uvicorn", "lib worker"))
    assert "accounts complete" in first.errors.read_text(), "the first refresh"
    server = place.server()
    assert is_alive(server)

    beside = place.launch()
    assert beside.process.wait(60) == 0
    assert "runs already" in beside.errors.read_text()
    assert f"http://localhost:{first.port}/sign-in?token=" in beside.output.read_text()
    assert beside.output.read_text() != first.output.read_text(), "a link of its own"
    assert healthy(first.port), "the running one was left alone"

    with httpx.Client(trust_env=False, follow_redirects=False) as client:
        shown = client.get(link)
        headers, token = {"origin": f"http://localhost:{first.port}"}, link.partition("?token=")[2]
        sent = [client.post(link.partition("?")[0], data={"token": token}, headers=headers) for _ in range(2)]
    answers = [answer.status_code for answer in sent]
    assert (shown.status_code, "set-cookie" in shown.headers) == (200, False), "a look uses nothing up"
    assert answers[0] == 303
    assert answers[1] != 303, "a link works once"

    assert first.end(signal.SIGINT) == 0
    assert not [pid for pid in (*first.family, server) if is_alive(pid)]
    assert "Traceback" not in first.errors.read_text()


def test_the_next_start_loses_nothing_and_refreshes_nothing(place: Place) -> None:
    before = place.used()
    assert before[0] > 1000
    assert before[1] >= 3 * 29
    assert before[2:] == (1, 2, 2), "one run, two sample clients, both noted"
    again = place.launch()
    again.link()
    assert healthy(again.port)
    assert again.end(signal.SIGTERM) == 0
    assert place.counts() == before
    assert "accounts complete" not in again.errors.read_text()


def test_a_killed_launcher_takes_its_servers_with_it_and_the_next_one_works(place: Place) -> None:
    before = place.used()
    killed = place.launch()
    killed.link()
    assert killed.end(signal.SIGKILL) == -signal.SIGKILL
    until(lambda: not [pid for pid in killed.family if is_alive(pid)], "sandbox, worker and dashboard end with it")
    after = place.launch()
    after.link()
    assert healthy(after.port)
    server = place.server()
    assert after.end(signal.SIGHUP) == 0, "the terminal was closed"
    assert not [pid for pid in (*after.family, server) if is_alive(pid)]
    assert place.counts() == before


def test_two_ctrl_c_still_stop_everything(place: Place) -> None:
    launched = place.launch()
    launched.link()
    server = place.server()
    launched.process.send_signal(signal.SIGINT)
    until(lambda: len([pid for pid in launched.family if is_alive(pid)]) < len(launched.family), "it begins to stop")
    launched.process.send_signal(signal.SIGINT)
    assert launched.process.wait(60) == 0
    assert not [pid for pid in (*launched.family, server) if is_alive(pid)]


def test_a_busy_port_is_a_sentence(place: Place) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        launched = place.launch(port)
        assert launched.process.wait(60) == 1
    said = launched.errors.read_text()
    assert f"Port {port} is taken" in said
    assert f"PORT={port + 1} make run" in said
    assert "Traceback" not in said
    assert launched.output.read_text() == ""
    assert place.server() == 0


@pytest.mark.parametrize("port", ["0", "70000", "http"])
def test_a_port_that_is_none_is_a_sentence(tmp_path: Path, port: str) -> None:
    settings = environment(DATA_DIR=str(tmp_path / "data"), PORT=port)
    done = subprocess.run(RUN, cwd=ROOT, capture_output=True, text=True, check=False, env=settings, timeout=60)
    assert done.returncode == 1
    assert "PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_in_the_way_of_the_data_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("mine")
    settings = environment(DATA_DIR=str(tmp_path / "data"), PORT=str(free_port()))
    done = subprocess.run(RUN, cwd=ROOT, capture_output=True, text=True, check=False, env=settings, timeout=60)
    assert done.returncode == 1
    assert str(tmp_path / "data") in done.stderr
    assert os.listdir(tmp_path) == ["data"]
