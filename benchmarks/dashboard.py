"""The dashboard in a process of its own on the benchmark's store, and people who are signed in to it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from sqlalchemy.engine import URL

from lib.access.people import put_person
from lib.access.sessions import create_session
from lib.access.viewer import Role
from lib.commands.processes import Child, free_port
from lib.insights.mirror.files import found, said_of
from lib.settings import Settings, get_settings
from lib.store.engine import Store

QUIET = ("--no-access-log", "--log-level", "warning", "--timeout-graceful-shutdown", "3")
MIRROR_TIMEOUT_S = 600
LOOK_S = 0.2


@dataclass(frozen=True)
class Dashboard:
    """Where it is, its store, and its process."""

    base_url: str
    store: URL
    process: psutil.Process

    @property
    def megabytes(self) -> float:
        """The memory that the process holds now, shared libraries included."""
        return float(self.process.memory_info().rss) / 1e6

    @property
    def own_megabytes(self) -> float:
        """The same with what is shared divided among those who share it; takes a while to count."""
        return float(self.process.memory_full_info().pss) / 1e6

    def sign_in(self, email: str, role: Role = Role.ADMIN, slugs: Sequence[str] | None = None) -> str:
        """The cookie of a person who sees the clients of ``slugs`` (an admin: all)."""

        async def token() -> str:
            store = Store(self.store, pool_size=1)
            try:
                person = await put_person(store, email, role, slugs=slugs)
                return await create_session(store, person.user_id, "local")
            finally:
                await store.dispose()

        return asyncio.run(token())


@contextmanager
def running_dashboard(url: URL, log: Path) -> Iterator[Dashboard]:
    """The dashboard as ``make run`` starts it, on the DATA_DIR of this process, on a free port, its mirror standing."""
    port = free_port()
    address = f"http://localhost:{port}"
    words = ["-m", "uvicorn", "dashboard.server:app", "--host", "127.0.0.1", "--port", str(port), *QUIET]
    before = set(psutil.Process().children())
    child = Child("dashboard", words, log, {"PORT": str(port), "PUBLIC_URL": address})
    try:
        (process,) = set(psutil.Process().children()) - before
        child.wait_until_answers(f"{address}/healthz")
        _wait_for_mirror(child, process.pid, get_settings())
        yield Dashboard(address, url, process)
    finally:
        child.stop()


def _wait_for_mirror(child: Child, pid: int, settings: Settings) -> None:
    """Wait until the process says that its mirror stands; AppError where it does not come to that."""
    deadline = time.monotonic() + MIRROR_TIMEOUT_S
    while settings.mirror_memory_mb and not _mirror_stands(pid, settings):
        if child.has_ended or time.monotonic() > deadline:
            raise child.failure("did not bring its mirror up")
        time.sleep(LOOK_S)


def _mirror_stands(pid: int, settings: Settings) -> bool:
    said = [said_of(path) for path in found(settings.data_path / "mirror")]
    return any(each.get("pid") == pid and each.get("stands") for each in said)
