"""The progress bar of a refresh in the terminal: accounts, slices, rows and time left, from the rows of the store."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from lib.errors import StoreError
from lib.refresh.progress import RunProgress, whole_progress
from lib.store.engine import Store

DRAW_EVERY_S = 0.5


def console() -> Console:
    """The terminal, on stderr, so that stdout holds results alone."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


@asynccontextmanager
async def progress_bar(store: Store, run_id: uuid.UUID) -> AsyncIterator[None]:
    """Draw the run while it goes on; without a terminal only its end is written."""
    columns = (
        TextColumn("Refreshing {task.fields[accounts]} accounts"),
        BarColumn(),
        TextColumn("{task.completed:.0f} of {task.total:.0f} slices · {task.fields[rows]} rows{task.fields[more]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console()) as bar:
        task = bar.add_task("refresh", total=1, accounts="", rows="0", more="")

        over = asyncio.Event()

        async def keep_drawing() -> None:
            while not over.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(DRAW_EVERY_S):
                        await over.wait()
                with suppress(StoreError):  # whoever attends the run says so
                    draw(bar, task, await whole_progress(store, run_id))

        drawing = asyncio.create_task(keep_drawing())
        try:
            yield
        finally:
            over.set()
            await drawing


def draw(bar: Progress, task: TaskID, report: RunProgress) -> None:
    """The bar as the run is now."""
    ended = sum(account.has_ended for account in report.accounts)
    bar.update(
        task,
        completed=report.slices_done,
        total=report.slices_total or 1,
        accounts=f"{ended} of {len(report.accounts)}",
        rows=f"{report.rows:,}",
        more=_more(report),
    )


def _more(report: RunProgress) -> str:
    """What holds the run up, what is left of Meta's limits, and how long it may take."""
    now = dt.datetime.now(dt.UTC)
    wait = max((one.wait_s(now) for one in report.accounts), default=0)
    left = [one.quota_left for one in report.accounts if one.quota_left is not None and not one.has_ended]
    words = [f"waits {wait:.0f} s for Meta's limit"] if wait else []
    words += [f"{min(left)} % of Meta's calls left"] if left else []
    words += [f"about {report.seconds_left:.0f} s left"] if report.seconds_left is not None else []
    return "".join(f" · {word}" for word in words)
