"""Waiting that a cancellation does not cut short."""

from __future__ import annotations

import asyncio


async def until_over(task: asyncio.Task[None]) -> None:
    """Wait until ``task`` has ended, however it does; whoever is cancelled meanwhile is so once it has."""
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
