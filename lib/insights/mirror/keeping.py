"""Keeps a mirror current: notices of PostgreSQL tell what changed, and a look at everything now and then the rest."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Protocol

from sqlalchemy.engine import URL

from lib.errors import AppError, StoreUnavailable
from lib.insights.mirror.catch_up import CatchUp
from lib.store.notices import MIRROR_CHANNEL, notices

POLL_S = 5.0
GATHER_S = 0.2
"""A refresh stores day after day: what comes within this time is taken in together."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
_log = logging.getLogger(__name__)


class Inbox:
    """The accounts that were named since the last look, or all of them."""

    def __init__(self) -> None:
        self._accounts: set[int] = set()
        self._is_all = True
        self._looked_at_all = -POLL_S
        self._came = asyncio.Event()

    def put(self, notice: str | None) -> None:
        """Note a notice: an account's id, or anything else for all accounts."""
        if notice and notice.isascii() and notice.isdigit():
            self._accounts.add(int(notice))
        else:
            self._is_all = True
        self._came.set()

    def take(self) -> set[int] | None:
        """The accounts to look at; None for all, which is also said every ``POLL_S``."""
        accounts, self._accounts = self._accounts, set()
        self._came.clear()
        now = time.monotonic()
        if self._is_all or now - self._looked_at_all >= POLL_S:
            self._is_all, self._looked_at_all = False, now
            return None
        return accounts

    async def wait(self) -> bool:
        """Wait for notices and a moment for more of them; False where none came until everything is to be looked at."""
        try:
            async with asyncio.timeout(POLL_S):
                await self._came.wait()
        except TimeoutError:
            return False
        await asyncio.sleep(GATHER_S)
        return True


class Kept(Protocol):
    """What the keeping needs of a mirror."""

    inbox: Inbox

    async def catch_up(self, only: set[int] | None = None) -> CatchUp:
        """Bring it up and make it current; AppError says what is in the way."""

    async def tidy(self) -> None:
        """What can wait for a quiet moment."""

    def fail(self, error: AppError) -> None:
        """Let nobody read from it, and say why."""


async def listen(url: URL, inbox: Inbox) -> None:
    """Pass notices on for ever; a lost connection is made again, and what was missed meanwhile is looked for."""
    pause = FIRST_PAUSE_S
    while True:
        try:
            async for notice in notices(url, MIRROR_CHANNEL):
                pause = FIRST_PAUSE_S
                inbox.put(notice)
        except StoreUnavailable as error:
            _log.info("The mirror hears no notices for now. %s", error)
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_S)


async def keep(mirror: Kept) -> None:
    """Keep the mirror current for ever."""
    pause, said = FIRST_PAUSE_S, ""
    while True:
        try:
            await mirror.catch_up(mirror.inbox.take())
            pause, said = FIRST_PAUSE_S, ""
            if not await mirror.inbox.wait():
                await mirror.tidy()
        except Exception as error:  # noqa: BLE001 (whatever it is, PostgreSQL answers and the next try may do)
            failure = error if isinstance(error, AppError) else AppError("The mirror failed; the log has the reason.")
            mirror.fail(failure)
            if said != str(failure):
                _log.warning("%s", failure, exc_info=error)
            said = str(failure)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)
            mirror.inbox.put("")
