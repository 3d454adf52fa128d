"""The pictures of creatives that are kept here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from lib.store.models import Creative, CreativePicture

_PATH = func.regexp_replace(func.split_part(Creative.thumbnail_url, "?", 1), "^https?://[^/]*", "")
"""What Meta's link is told by: its host and what stands behind the path change with every answer."""


async def outdated_pictures(session: AsyncSession, account_id: int, limit: int) -> Sequence[tuple[int, str, str]]:
    """Creatives of which no picture is kept, or another one: id, Meta's link, and its path.

    In any order, so that links that never work hold up no other.
    """
    kept = (CreativePicture.account_id == Creative.account_id, CreativePicture.creative_id == Creative.creative_id)
    wanted = (
        select(Creative.creative_id, Creative.thumbnail_url, _PATH)
        .outerjoin(CreativePicture, kept[0] & kept[1])
        .where(Creative.account_id == account_id, Creative.thumbnail_url.is_not(None))
        .where(CreativePicture.source_key.is_distinct_from(_PATH))
        .order_by(func.random())
        .limit(limit)
    )
    return [(number, str(link), path) for number, link, path in (await session.execute(wanted)).tuples()]


async def keep_pictures(session: AsyncSession, pictures: Sequence[Mapping[str, Any]]) -> None:
    """Store pictures in the place of those that were kept of the same creatives."""
    if not pictures:
        return
    added = insert(CreativePicture).values([dict(one) for one in pictures])
    keys = ("account_id", "creative_id")
    changed = {name: added.excluded[name] for name in pictures[0] if name not in keys}
    await session.execute(added.on_conflict_do_update(index_elements=keys, set_=changed))


async def picture_of(session: AsyncSession, account_id: int, creative_id: int) -> tuple[bytes, str] | None:
    """The picture and its media type, where one is kept that this transaction may see."""
    mine = (CreativePicture.account_id == account_id, CreativePicture.creative_id == creative_id)
    found = await session.execute(select(CreativePicture.content, CreativePicture.content_type).where(*mine))
    return found.tuples().first()
