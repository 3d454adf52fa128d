"""What ids are called: names of the objects that a viewer may see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import select

from lib.access.viewer import Viewer
from lib.insights.dialects import is_among
from lib.insights.engine import Bounded, Engine
from lib.store.models import Ad, AdSet, Campaign, Creative

_TABLES: Mapping[str, type[Campaign | AdSet | Ad | Creative]] = {
    "campaign": Campaign,
    "adset": AdSet,
    "ad": Ad,
    "creative": Creative,
}


async def names_of(engine: Engine, viewer: Viewer, level: str, ids: Iterable[int]) -> Mapping[str, str]:
    """Id to name of those of ``ids`` that are in the viewer's accounts; ``level`` is campaign, adset, ad or creative.

    An id that is not there, or not open to the viewer, is left out: nobody learns which.
    """
    table = _TABLES[level].__table__
    own_id = table.c[f"{level}_id"]
    mine = is_among(table.c.account_id, sorted(viewer.account_ids))
    statement = select(own_id.label("id"), table.c.name.label("name")).where(mine, is_among(own_id, sorted(set(ids))))
    async with engine.reading(viewer) as source:
        found = await source.table(Bounded(statement, viewer.account_ids))
    return {
        str(number): name or ""
        for number, name in zip(*(found[key].to_pylist() for key in ("id", "name")), strict=True)
    }
