"""The life of a process's mirror: opened or built, kept current, served from while it is, put aside while it is not."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from lib.errors import AppError
from lib.insights.asking import EngineFailed
from lib.insights.engine import Engine, PostgresEngine
from lib.insights.mirror import files, keeping
from lib.insights.mirror.build import build
from lib.insights.mirror.catch_up import CatchUp
from lib.insights.mirror.errors import MirrorAside, MirrorBroken, MirrorFull, MirrorHeld, MirrorTooSmall, of_file
from lib.insights.mirror.open_file import OpenFile, open_existing, open_new
from lib.insights.mirror.origin import Origin
from lib.insights.mirror.reader import Reader
from lib.insights.mirror.reading import LIMIT_S, MirrorEngine, Threads
from lib.insights.mirror.status import BUILDING, MirrorStatus
from lib.insights.mirror.versions import Versions
from lib.store.engine import Store

T = TypeVar("T")
PATIENCE_S = LIMIT_S + 5
"""As long as a question may take."""

STALE_S = 30.0
"""A mirror that was not held against PostgreSQL for so long does not answer: nobody knows how old it is."""


class Mirror:
    """One process's mirror. ``path`` is the first of the files that it may take, ``memory_mb`` what DuckDB may use."""

    def __init__(self, path: Path, store: Store, *, memory_mb: int, places: int = files.PLACES) -> None:
        self._path = path
        self._places = places
        self._url = store.url
        self.stand_in: Engine = PostgresEngine(store)
        self._memory_mb = memory_mb
        self._stopping = threading.Event()
        self._origin = Origin(store.url, self._stopping)
        self._workers = ThreadPoolExecutor(2, "mirror-write")
        self._turn, self._building = asyncio.Lock(), asyncio.Lock()
        self._place: files.Place | None = None
        self._file: OpenFile | None = None
        self._is_condemned = False
        self._checked_at = -STALE_S
        self._status = MirrorStatus(file=path.name, pid=os.getpid())
        self._tasks: list[asyncio.Task[None]] = []
        self.inbox = keeping.Inbox()
        self.threads = Threads()
        self._versions = Versions()

    async def start(self) -> None:
        """Bring it up and keep it current from now on; returns at once."""
        listening = asyncio.create_task(keeping.listen(self._url, self.inbox))
        self._tasks = [listening, asyncio.create_task(keeping.keep(self))]

    async def close(self) -> None:
        """Stop keeping it, end what reads from it, and let another process have the file."""
        self._stopping.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        async with self._turn:
            self._note(stands=False, reason="The program ended.")
            await self._put_aside()
            self.threads.close()
            await asyncio.to_thread(self._workers.shutdown)
            self._origin.close()
            self._leave_place()

    def engine(self) -> Engine | None:
        """What answers from it; None while it does not stand, and then ``status().reason`` says why."""
        return MirrorEngine(self) if self._is_open and self.status().stands else None

    @property
    def _is_open(self) -> bool:
        return self._file is not None and not self._is_condemned

    def status(self) -> MirrorStatus:
        """How it is now."""
        stale = time.monotonic() - self._checked_at > STALE_S
        if self._status.stands and stale:
            return replace(
                self._status, stands=False, reason="The mirror has not heard from PostgreSQL for a while; it waits."
            )
        return self._status

    def reading(self) -> contextlib.AbstractContextManager[Reader]:
        """A reader of one look; EngineFailed where the mirror does not stand."""
        if self._file is None or self._is_condemned:
            raise MirrorAside
        return self._file.reading()

    def condemn(self, error: MirrorBroken) -> None:
        """The file let a question down: it is built anew."""
        self._is_condemned = True
        self.fail(error)
        self.inbox.put("")

    def fail(self, error: AppError) -> None:
        """Let nobody read from it, and say why."""
        self._note(stands=False, reason=str(error))

    def version_of(self, accounts: frozenset[int]) -> int:
        """What grows with each change among these accounts."""
        return self._versions.of(accounts)

    async def catch_up(self, only: set[int] | None = None) -> CatchUp:
        """Take in what changed (``only`` of these accounts), in a file that is opened or built where there is none.

        AppError says what is in the way.
        """
        async with self._turn:
            file = await self._usable()
            if file is not None:
                try:
                    return await self._caught_up(file, only if self._status.stands else None)
                except MirrorFull:
                    await self._put_aside()
                    raise
                except MirrorTooSmall:
                    raise
                except EngineFailed:
                    await self._put_aside()
                    (await self._take_place()).clear()
        return await self.rebuild()

    async def rebuild(self) -> CatchUp:
        """Build the file anew beside the one that stands, put it in its place, and take in what changed meanwhile."""
        async with self._building:
            async with self._turn:
                place = await self._take_place()
            if self._file is None:
                self._note(stands=False, reason=BUILDING)
            built = await self._in_thread(lambda: build(place, self._url, self._memory_mb, self._stopping))
            self._note(build_seconds=round(built.seconds, 3))
            async with self._turn:
                await self._put_in_place(place)
                self._file = await self._in_thread(lambda: open_new(place, self._memory_mb))
                self._is_condemned = False
                self._versions.renew(self._file.newest, self._file.newest)
                return await self._caught_up(self._file, None)

    async def tidy(self) -> None:
        """What can wait for a quiet moment."""
        async with self._turn:
            file, place = self._file, await self._take_place()
            if file is not None:
                await self._in_thread(lambda: file.tidy(place))

    async def _take_place(self) -> files.Place:
        if self._place is not None and not self._place.is_held:
            await self._put_aside()
            self._leave_place()
        if self._place is None:
            self._place = await self._in_thread(lambda: files.take(self._path, self._places))
            if self._place is not None:
                await self._in_thread(self._place.clear_leftovers)
        if self._place is None:
            which = f"the mirror {self._path.name}" if self._places == 1 else f"all mirrors named {self._path.stem}"
            raise MirrorHeld(f"Other processes use {which}.")
        return self._place

    async def _usable(self) -> OpenFile | None:
        """The file, opened where it was not; None where it has to be built."""
        place = await self._take_place()
        if self._file is not None and self._file.number != place.number():
            await self._put_aside()
        if self._is_condemned:
            await self._put_aside()
            place.clear()
        if self._file is None:
            self._file = await self._in_thread(lambda: open_existing(place, self._memory_mb))
            self._is_condemned = False
            if self._file is not None:
                self._versions.renew(self._file.newest, self._file.newest)
        return self._file

    async def _caught_up(self, file: OpenFile, only: set[int] | None) -> CatchUp:
        result = await self._in_thread(lambda: file.take_in(self._origin, only))
        self._checked_at = time.monotonic()
        self._versions.renew(file.newest, result.accounts)
        took = {"catch_up_ms": round(1000 * result.seconds, 1)} if result.accounts else {}
        self._note(
            stands=not self._is_condemned,
            reason="",
            rows=file.rows,
            version=max(file.newest.values(), default=0),
            size_bytes=self._place.size() if self._place else 0,
            caught_up_at=dt.datetime.now(dt.UTC),
            **took,
        )
        return result

    def _leave_place(self) -> None:
        place, self._place = self._place, None
        if place is not None:
            place.close()

    async def _put_aside(self) -> None:
        """Close the file, whoever reads from it."""
        file, self._file = self._file, None
        if file is not None:
            await self._in_thread(file.close)

    async def _put_in_place(self, place: files.Place) -> None:
        """Put the file that was built in the place of the one that stands, once nobody reads that one any more."""
        if self._file is not None:
            file, self._file = self._file, None
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await file.emptied()
            except TimeoutError as error:
                place.clear(place.unfinished)
                raise MirrorHeld("The mirror was read from without a pause, so it was not renewed.") from error
            finally:
                self._file = file
            await self._put_aside()
        await self._in_thread(place.put_in_place)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """What ``work`` gives; whoever leaves ends the mirror's work, which alone knows when the file is at rest."""
        job = asyncio.get_running_loop().run_in_executor(self._workers, work)
        try:
            return await asyncio.shield(job)
        except asyncio.CancelledError:
            self._stopping.set()
            await asyncio.wait({job})
            raise
        except OSError as error:
            raise of_file(error) from error

    def _note(self, **changes: Any) -> None:
        self._status = replace(self._status, **changes)
        if self._place is not None:
            self._place.say(self._status.as_json())
