"""Child processes of ``run``: started in their own session, ended with their parent however it ends."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from lib.errors import AppError
from lib.settings import ROOT

PR_SET_PDEATHSIG = 1
STOP_TIMEOUT_S = 15


def free_port() -> int:
    """A TCP port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(host: str, port: int) -> bool:
    """Whether this process could listen there."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def _end_with_parent() -> None:
    """Ask Linux for SIGTERM when the parent dies, so that a killed ``run`` leaves no servers behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Child:
    """A server that belongs to this process; what it says goes to ``log``."""

    def __init__(self, name: str, words: list[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, *words],
                cwd=ROOT,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=_end_with_parent,  # noqa: PLW1509 (no threads run before the first child is started)
            )

    @property
    def has_ended(self) -> bool:
        """Whether the process is gone."""
        return self._process.poll() is not None

    def wait_until_answers(self, url: str, timeout_s: float = 60) -> None:
        """Wait for a 200 at ``url``; AppError with the end of the log where the process ends or time runs out."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and not self.has_ended:
            try:
                with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 (our own loopback address)
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)  # the server is still importing
        raise self.failure("did not start")

    def failure(self, what: str) -> AppError:
        """The sentence for a server that failed, with the last line it wrote."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        last = f" It said: {lines[-1]}" if lines else ""
        return AppError(f"The {self.name} {what}.{last}", f"Nothing was lost. Its log is {self.log}.")

    def stop(self) -> None:
        """Ask the process to end, and make it end after a while."""
        if self.has_ended:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
