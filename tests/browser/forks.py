"""Processes that are forked from one that has imported the packages already: to import them takes longer than most of
what tests do with them. What reads settings is imported anew.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from tests.fixtures_processes import Finished

COMMAND_TIMEOUT_S = 180
IMPORTED_ONCE = [
    "uvicorn.protocols.http.httptools_impl",
    "streamlit.web.server.starlette",
    "plotly.graph_objects",
    "duckdb",
    "pandas",
    "api.main",
    "dashboard.keeper",
    "dashboard.filters",
    "dashboard.explore.chart",
    "dashboard.admin.clients",
    "lib.__main__",
]
"""Nothing of it reads settings."""


def forked(target: Callable[..., None], *args: object) -> ForkServerProcess:
    """Start ``target`` with these arguments."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED_ONCE)
    process = context.Process(target=target, args=args)
    process.start()
    return process


def run_command(env: Mapping[str, str], *words: str, stdin: str = "") -> Finished:
    """``python -m lib …`` in exactly this environment."""
    with tempfile.TemporaryDirectory() as folder:
        output, errors = Path(folder, "output"), Path(folder, "errors")
        process = forked(_command, dict(env), words, stdin, output, errors)
        process.join(COMMAND_TIMEOUT_S)
        if process.is_alive():
            process.kill()
            process.join()
        code = process.exitcode
        process.close()
        assert code is not None
        return Finished(code, output.read_text(), errors.read_text())


def _command(env: dict[str, str], words: tuple[str, ...], stdin: str, output: Path, errors: Path) -> None:
    from lib.__main__ import main

    into(env, output, errors)
    sys.stdin = io.StringIO(stdin)
    sys.exit(main(list(words)))


def into(env: dict[str, str], output: Path, errors: Path) -> None:
    """Take this environment for one's own, and write what is written there."""
    os.environ.clear()
    os.environ.update(env)
    for stream, path in ((1, output), (2, errors)):
        with path.open("ab") as file:
            os.dup2(file.fileno(), stream)
