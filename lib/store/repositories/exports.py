"""The log of exports. Transactions of a viewer add their own rows and see those alone; the worker sees all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from lib.store.models import ExportLog


async def add_export(session: AsyncSession, values: Mapping[str, Any]) -> None:
    """Log one export."""
    await session.execute(insert(ExportLog).values(values))


async def newest_exports(session: AsyncSession, limit: int) -> Sequence[ExportLog]:
    """The exports that this transaction may see, the newest first."""
    return (
        await session.scalars(select(ExportLog).order_by(ExportLog.at.desc(), ExportLog.id.desc()).limit(limit))
    ).all()
