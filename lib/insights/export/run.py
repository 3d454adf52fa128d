"""From a query to a file, without holding the answer in memory or the loop in its encoding."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, BinaryIO, TypeVar

import pyarrow as pa

from lib.access.viewer import Viewer
from lib.errors import AppError
from lib.insights.engine import Engine
from lib.insights.export.writers import Writer, writer
from lib.insights.query import InsightQuery
from lib.insights.run import open_query

T = TypeVar("T")
_threads = ThreadPoolExecutor(4, "export")
"""Encoding keeps its threads busy for long, and everybody else waits for one of the loop's own."""


@dataclass(frozen=True)
class ExportResult:
    """What was written: ``rows`` without any header, ``bytes``, their ``sha256`` in hexadecimal, and by which engine.

    ``notes`` has the rule of each metric without values; ``is_sample`` tells that sample clients are in it.
    """

    format: str
    rows: int
    bytes: int
    sha256: str
    engine: str
    is_sample: bool = False
    notes: dict[str, str] = field(default_factory=dict)


async def export_to(engine: Engine, query: InsightQuery, viewer: Viewer, name: str, file: BinaryIO) -> ExportResult:
    """Write the whole answer to ``file``, which stays open, in the format ``name`` of ``FORMATS``.

    Raises what the engine raises, TooMuchForExcel, and AppError where the file cannot be written; whatever was written
    until then lacks its end, and the caller throws it away.
    """
    async with open_query(engine, query, viewer) as stream:
        to: Writer = await in_thread(writer, name, file, stream.columns)
        try:
            await _write(to, stream.batches())
        except BaseException:  # Ctrl-C and a page that was left, too: no file may look whole
            to.abort()
            raise
    is_sample = stream.is_sample and to.rows > 0
    return ExportResult(name, to.rows, to.size, to.sha256, stream.engine, is_sample, stream.notes)


async def _write(to: Writer, batches: AsyncGenerator[pa.RecordBatch]) -> None:
    """Encode each batch in a thread while the engine makes the next one."""
    writing: asyncio.Task[None] | None = None
    try:
        async with aclosing(batches):
            async for batch in batches:
                if writing is not None:
                    await writing
                writing = asyncio.create_task(in_thread(to.write, batch))
        if writing is not None:
            await writing
    finally:
        if writing is not None:
            # A thread cannot be stopped: whoever is cancelled waits for this one batch.
            await asyncio.wait({writing})
            writing.exception()
    await in_thread(to.close)


async def in_thread(work: Callable[..., T], *words: Any) -> T:
    """What ``work`` gives on a thread for encoding; AppError where the file takes nothing more."""
    try:
        return await asyncio.get_running_loop().run_in_executor(_threads, work, *words)
    except OSError as error:
        reason = str(error.strerror or error).lower()
        raise AppError(f"The file could not be written: {reason}.", "Nothing of it is left.") from error
