"""The names and states of an account's objects: listed edge by edge; what no list names is asked for by its id."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from lib.errors import MetaError
from lib.meta.errors import BrokenObject, NoAccess, TooMuchData, Transient
from lib.meta.parse import Unreadable
from lib.meta.service import ENTITIES_A_PAGE, IDS_A_CALL, MetaService
from lib.refresh.entities import ID_OF, KINDS, Row, rows_of
from lib.refresh.splitting import SMALLEST_PAGE
from lib.refresh.storing import Names
from lib.store.engine import Store
from lib.store.repositories import entities

logger = logging.getLogger(__name__)
MOST_NAMES = 5


@dataclass
class Listing:
    """The objects of one account. ``wait`` runs what waits for Meta where it holds nobody up."""

    store: Store
    service: MetaService
    account_id: int
    seen_at: dt.datetime
    wait: Callable[[Callable[[], Any]], Awaitable[Any]]
    _odd: dict[str, None] = field(default_factory=dict)

    @property
    def left_out(self) -> MetaError | None:
        """The objects that could not be read, by name; None where there were none."""
        if not self._odd:
            return None
        names, more = list(self._odd)[:MOST_NAMES], len(self._odd) - MOST_NAMES
        were = "were" if len(self._odd) > 1 else "was"
        return Unreadable(
            f"{len(self._odd)} of the objects that Meta listed cannot be read and {were} left out:"
            f" {', '.join(names)}{f' and {more} more' if more > 0 else ''}.",
            "All other objects were stored, and what was stored of these before stays. If this stays, report it: the"
            " API has changed, and this program has to follow.",
        )

    async def list_all(self, names: Names) -> MetaError | None:
        """Every edge; a failure of one ends the listing, not the refresh, and is handed back.

        ``names`` are the objects that the run has numbers of: asked for by their ids where Meta refuses the list.
        """
        try:
            for edge in KINDS:
                await self._list(edge, names.get(edge, {}))
        except MetaError as error:
            return error
        return None

    async def _list(self, edge: str, named: Iterable[int]) -> None:
        size = ENTITIES_A_PAGE
        while True:
            try:
                await self._read(edge, size)
            except TooMuchData:
                if size <= SMALLEST_PAGE:
                    raise
                size = max(SMALLEST_PAGE, size // 4)
                continue
            except (BrokenObject, Transient) as error:
                await self._check_alive(error)
                logger.warning("act_%s: the %s are asked for by their ids. %s", self.account_id, edge, error)
                await self._read_known(edge, named)
            return

    async def _check_alive(self, error: MetaError) -> None:
        """Raise where asking for less would be in vain: an answer that nobody can read, or an API that is down."""
        if isinstance(error, Unreadable):
            raise error
        if isinstance(error, Transient):
            await self.wait(lambda: self.service.get_account(self.account_id))

    async def _read(self, edge: str, page_size: int) -> None:
        pages = self.service.get_entities(self.account_id, edge, page_size)
        while (page := await self.wait(lambda: next(pages, None))) is not None:
            await self._store(edge, self._readable(edge, page))

    def _readable(self, edge: str, objects: Iterable[Any]) -> list[Row]:
        """The rows of these objects; those that cannot be read are noted."""
        rows, odd = rows_of(edge, self.account_id, objects, self.seen_at)
        for name in odd:
            logger.warning("act_%s: %s was left out", self.account_id, name)
        self._odd |= dict.fromkeys(odd)
        return rows

    async def _read_known(self, edge: str, named: Iterable[int]) -> None:
        """The objects that are known already, by their ids: one that is broken costs no other."""
        async with self.store.working() as session:
            stored = await entities.stored_ids(session, KINDS[edge][0], self.account_id)
            ids = sorted({*stored, *named})
            if edge == "adcreatives":
                ids = await entities.creative_ids(session, self.account_id)
        for start in range(0, len(ids), IDS_A_CALL):
            await self._read_nodes(edge, ids[start : start + IDS_A_CALL])

    async def _read_nodes(self, edge: str, ids: Sequence[int]) -> None:
        """These objects by their ids; halved as long as Meta refuses them, and one that it refuses alone is noted."""
        try:
            nodes = await self.wait(lambda: self.service.get_nodes(ids, KINDS[edge][2], self.account_id))
        except (NoAccess, BrokenObject, TooMuchData, Transient) as error:
            if isinstance(error, Transient):
                await self._check_alive(error)
            if len(ids) == 1:
                logger.warning("act_%s: %s %s was left out. %s", self.account_id, edge, ids[0], error)
                return
            middle = len(ids) // 2
            await self._read_nodes(edge, ids[:middle])
            await self._read_nodes(edge, ids[middle:])
            return
        await self._store(edge, self._readable(edge, nodes))

    async def _store(self, edge: str, rows: Sequence[Row], *, replace: bool = True) -> None:
        async with self.store.working() as session:
            await entities.upsert(session, KINDS[edge][0], rows, replace=replace)

    async def keep_names(self, names: Names) -> None:
        """Objects that have numbers keep the name their rows gave, where they have none yet; nobody is asked."""
        for edge, named in names.items():
            await self._store(edge, self._rows_by_name(edge, named, names), replace=False)

    async def fetch_missing(self, names: Names) -> None:
        """Objects that have numbers and that no edge listed: ask for each, and else keep the name their rows gave."""
        for edge, named in names.items():
            async with self.store.working() as session:
                known = await entities.known_ids(session, KINDS[edge][0], self.account_id, named)
            missing = [number for number in named if number not in known]
            for start in range(0, len(missing), IDS_A_CALL):
                await self._read_nodes(edge, missing[start : start + IDS_A_CALL])
            await self._store(edge, self._rows_by_name(edge, missing, names), replace=False)

    def _rows_by_name(self, edge: str, numbers: Iterable[int], names: Names) -> list[Row]:
        rows = []
        for number in numbers:
            name, campaign_id, adset_id = names[edge][number]
            row: Row = {
                "account_id": self.account_id,
                "seen_at": self.seen_at,
                "name": name.replace("\x00", "") or f"{number}",
            }
            parents = {"campaigns": {}, "adsets": {"campaign_id": campaign_id}}
            row |= parents.get(edge, {"campaign_id": campaign_id, "adset_id": adset_id})
            rows.append(row | {ID_OF[edge]: number})
        return rows
