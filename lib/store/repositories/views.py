"""Saved views. The transactions of a viewer see their own and shared ones, and change their own."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from lib.store.models import SavedView


def _of(page: str | None) -> ColumnElement[bool]:
    return true() if page is None else SavedView.page == page


async def count_views(session: AsyncSession, page: str | None = None) -> int:
    """How many views of ``page`` (``None``: of all pages) this transaction sees."""
    return int((await session.execute(select(func.count()).select_from(SavedView).where(_of(page)))).scalar_one())


async def views_in_order(
    session: AsyncSession, page: str | None = None, *, offset: int = 0, limit: int | None = None
) -> Sequence[SavedView]:
    """The views that this transaction sees, by name."""
    ordered = select(SavedView).where(_of(page)).order_by(func.lower(SavedView.name), SavedView.id)
    return (await session.scalars(ordered.offset(offset).limit(limit))).all()


async def view_of(session: AsyncSession, view_id: uuid.UUID) -> SavedView | None:
    """The view, where this transaction sees it."""
    return (await session.scalars(select(SavedView).where(SavedView.id == view_id))).first()


async def locked_view(session: AsyncSession, view_id: uuid.UUID) -> SavedView | None:
    """The view, which nobody else changes until the transaction ends, where this one may change it."""
    return (await session.scalars(select(SavedView).where(SavedView.id == view_id).with_for_update())).first()


async def count_of_owner(session: AsyncSession, owner_id: uuid.UUID) -> int:
    """How many views a person has saved."""
    owned = select(func.count()).select_from(SavedView).where(SavedView.owner_id == owner_id)
    return int((await session.execute(owned)).scalar_one())


async def add_view(session: AsyncSession, owner_id: uuid.UUID, values: Mapping[str, Any]) -> SavedView:
    """A new view of this person's."""
    view = SavedView(owner_id=owner_id, **values)
    session.add(view)
    await session.flush()
    await session.refresh(view)
    return view


async def change_view(session: AsyncSession, view_id: uuid.UUID, values: Mapping[str, Any]) -> SavedView | None:
    """The view with these columns set; ``None`` where this transaction may not change it."""
    changed = (
        update(SavedView)
        .where(SavedView.id == view_id)
        .values(**values, updated_at=func.clock_timestamp())
        .returning(SavedView)
    )
    return (await session.scalars(changed, execution_options={"populate_existing": True})).first()


async def delete_view(session: AsyncSession, view_id: uuid.UUID) -> bool:
    """Whether the view was there for this transaction to delete."""
    gone = await session.execute(delete(SavedView).where(SavedView.id == view_id).returning(SavedView.id))
    return gone.first() is not None
