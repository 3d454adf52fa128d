"""The command line, in this process, in one of its own, or in one that can be killed at any moment."""

from __future__ import annotations

import contextlib
import io
import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import psutil
import pytest
from cryptography.fernet import Fernet
from sqlalchemy.engine import URL

ROOT = Path(__file__).parents[1]
KEY = Fernet.generate_key().decode()
NAMES = ("DATABASE_URL", "DATA_DIR", "TOKEN_KEYS", "META_GRAPH_URL", "HOST", "PORT", "PUBLIC_URL", "LOG_LEVEL")


@dataclass(frozen=True)
class Finished:
    """How a command ended and what it wrote."""

    code: int
    stdout: str
    stderr: str


def until(holds: Callable[[], Any], what: str, *, within_s: float = 30) -> Any:
    """The first true answer of ``holds``; the test fails with ``what`` where none comes in time."""
    deadline = time.monotonic() + within_s
    pause = threading.Event()
    while True:
        answer = holds()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"{what}: not within {within_s} s"
        pause.wait(0.01)


def is_alive(pid: int) -> bool:
    """Whether a process still runs; one that only waits to be collected does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def environment(**settings: str) -> dict[str, str]:
    """This process's environment with exactly these settings of the app."""
    return {name: value for name, value in os.environ.items() if name not in NAMES} | settings


def address(url: URL) -> str:
    """The address with its password."""
    return url.render_as_string(hide_password=False)


def settings_for(url: URL, graph_url: str = "http://127.0.0.1:9") -> dict[str, str]:
    """A database, a key, and a Marketing API (by default one where nobody answers)."""
    return {"DATABASE_URL": address(url), "TOKEN_KEYS": KEY, "META_GRAPH_URL": graph_url}


@pytest.fixture
def settings_of_test(database_url: URL) -> dict[str, str]:
    """This worker's database; tests change the settings in place."""
    return settings_for(database_url)


Cli = Callable[..., Finished]


def run_apart(settings: Mapping[str, str], *words: str, stdin: str = "") -> Finished:
    """``python -m lib …`` in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "lib", *words],
        cwd=ROOT,
        env=environment(**settings),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def cli(settings_of_test: dict[str, str]) -> Cli:
    """``python -m lib …`` in a process of its own, with the test's settings."""
    return partial(run_apart, settings_of_test)


@contextlib.contextmanager
def as_if_started(settings: Mapping[str, str], stdin: str) -> Iterator[tuple[io.BytesIO, io.StringIO]]:
    """The streams, the environment and the logging of a fresh process; all as before at the end."""
    from lib.settings import get_settings

    output, errors, root = io.BytesIO(), io.StringIO(), logging.getLogger()
    before = dict(os.environ), sys.stdin, sys.stdout, sys.stderr, root.handlers[:], root.level
    os.environ.clear()
    os.environ.update(environment(**settings))
    sys.stdin, sys.stdout, sys.stderr = io.StringIO(stdin), io.TextIOWrapper(output, "utf-8", newline=""), errors
    get_settings.cache_clear()
    try:
        yield output, errors
        sys.stdout.flush()
    finally:
        os.environ.clear()
        os.environ.update(before[0])
        sys.stdout.detach()  # type: ignore[attr-defined]  # ours, from above
        _, sys.stdin, sys.stdout, sys.stderr, root.handlers[:], level = before
        root.setLevel(level)
        get_settings.cache_clear()


def run_here(settings: Mapping[str, str], *words: str, stdin: str = "") -> Finished:
    """The same in this process, on a loop of its own: no two seconds for the imports."""
    from lib.__main__ import main

    with as_if_started(settings, stdin) as (output, errors):
        code = main(list(words))
    return Finished(code, output.getvalue().decode(), errors.getvalue())


@pytest.fixture
def command(settings_of_test: dict[str, str]) -> Cli:
    """The command line in this process, with the test's settings; for tests that have no loop."""
    return partial(run_here, settings_of_test)


def run_forked(words: list[str], settings: dict[str, str], is_background: bool) -> None:
    """What a forked process does: one command, with nothing to read and nobody to read it.

    Its clock strikes half an hour from now: a worker would else refresh by itself in some minutes of each hour.
    """
    from lib.__main__ import main
    from lib.refresh.queue import tasks

    tasks.HOURLY = f"{(time.gmtime().tm_min + 30) % 60} * * * *"
    signal.signal(signal.SIGINT, signal.SIG_IGN if is_background else signal.default_int_handler)
    os.environ.clear()
    os.environ.update(settings)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    sys.exit(main(words))


Start = Callable[..., ForkServerProcess]


@pytest.fixture
def killable(settings_of_test: dict[str, str]) -> Iterator[Start]:
    """Start a command in a process that has imported everything already, to be killed by its id."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["lib.__main__", __name__])
    started: list[ForkServerProcess] = []

    def start(*words: str, is_background: bool = False) -> ForkServerProcess:
        values = (list(words), environment(**settings_of_test), is_background)
        process = context.Process(target=run_forked, args=values)
        process.start()
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.join()
        process.close()
