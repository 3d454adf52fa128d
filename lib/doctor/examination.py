"""Every check, side by side: those that need the database wait for it, the others do not."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from lib.doctor import machine
from lib.doctor.finding import Finding, State
from lib.doctor.guarding import guarded
from lib.doctor.mail import MAIL, mail
from lib.doctor.mirrors import MIRROR, mirrors
from lib.doctor.sign_in import SIGN_IN, sign_in
from lib.doctor.stored import Stores, examine_store
from lib.settings import Settings

THREADS = 8
PATIENCE_S = 20.0


@dataclass(frozen=True)
class Examination:
    """Everything that was found at that moment, and how long it took."""

    at: dt.datetime
    seconds: float
    findings: tuple[Finding, ...]

    def count(self, state: State) -> int:
        """How many findings are of this state."""
        return sum(finding.state == state for finding in self.findings)

    @property
    def is_well(self) -> bool:
        """Whether nothing failed; warnings do not count."""
        return not self.count(State.FAILED)


async def examine(settings: Settings, stores: Stores) -> Examination:
    """Look at everything; nothing is changed. ``stores`` gives the store, or the AppError that says why there is none.

    It takes as long as the slowest answer: seconds, and never much more than a minute.
    """
    at, began = dt.datetime.now(dt.UTC), time.monotonic()
    pool = ThreadPoolExecutor(THREADS, "doctor")

    async def apart(name: str, check: Callable[[], list[Finding]]) -> list[Finding]:
        job = asyncio.get_running_loop().run_in_executor(pool, check)
        found = await guarded(name, job, PATIENCE_S)
        return [found] if isinstance(found, Finding) else found

    try:
        stored, people, post, copies, room = await asyncio.gather(
            examine_store(settings, stores, pool),
            apart(SIGN_IN, lambda: sign_in(settings)),
            guarded(MAIL, mail(settings), PATIENCE_S),
            apart(MIRROR, lambda: mirrors(settings)),
            apart(machine.DISK, lambda: [machine.disk(settings.data_path)]),
        )
    finally:
        # Whoever still waits for Meta ends by its own time limit, and nobody waits for that.
        pool.shutdown(wait=False, cancel_futures=True)
    found = (*stored.findings, *people, post, *copies, *room, machine.clock(stored.clocks_ahead_s))
    return Examination(at, time.monotonic() - began, found)
