"""The progress bar of a refresh in the terminal: accounts, days, rows and time left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from lib.refresh.run import RunReport

DRAW_EVERY_S = 0.2


def console() -> Console:
    """The terminal, on stderr, so that stdout holds results alone."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


@asynccontextmanager
async def progress_bar(report: RunReport) -> AsyncIterator[None]:
    """Draw the run while it goes on; without a terminal only its end is written."""
    columns = (
        TextColumn("Refreshing {task.fields[accounts]} accounts"),
        BarColumn(),
        TextColumn("{task.completed:.0f} of {task.total:.0f} days · {task.fields[rows]} rows"),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
    )
    with Progress(*columns, console=console()) as bar:
        task = bar.add_task("refresh", total=1, accounts="", rows="0")

        def draw() -> None:
            done = sum(account.state in ("complete", "failed") for account in report.accounts)
            longest = max((account.days_total for account in report.accounts), default=0)
            total = sum(account.days_total or longest for account in report.accounts if account.state != "failed")
            days = sum(account.days_done for account in report.accounts if account.state != "failed")
            rows = sum(max(account.rows, account.fetched_rows) for account in report.accounts)
            bar.update(
                task, completed=days, total=total or 1, accounts=f"{done} of {len(report.accounts)}", rows=f"{rows:,}"
            )

        async def keep_drawing() -> None:
            while True:
                draw()
                await asyncio.sleep(DRAW_EVERY_S)

        drawing = asyncio.create_task(keep_drawing())
        try:
            yield
        finally:
            drawing.cancel()
            with suppress(asyncio.CancelledError):
                await drawing
            draw()
