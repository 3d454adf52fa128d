"""What is worked out before a query's own statement: its accounts, and the objects whose texts meet its filters."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, cast, func, literal, select

from lib.access.viewer import Viewer
from lib.insights.breakdowns import SPLITS
from lib.insights.dialects import is_among
from lib.insights.engine import Bounded, Source
from lib.insights.fetched import lacking, window_chosen
from lib.insights.filters import LIST_OPERATORS, Filter
from lib.insights.matching import meeting, meets_all
from lib.insights.query import InsightQuery
from lib.insights.reach import Reached, reached
from lib.insights.rows import Rows
from lib.store.models import Account, Ad, AdSet, Campaign, Client, Creative

OF_ACCOUNT = ("client", "client_id", "account", "account_id", "currency")
"""Names of filters that pick accounts."""

LEVELS: Mapping[str, str] = {
    "campaign": "campaign",
    "objective": "campaign",
    "adset": "adset",
    "goal": "adset",
    "ad": "ad",
    "status": "ad",
    "creative": "ad",
    "creative_id": "ad",
}
"""The object that has the text which a filter of this name looks at."""

_TABLES: dict[str, type[Campaign | AdSet | Ad]] = {"campaign": Campaign, "adset": AdSet, "ad": Ad}


@dataclass(frozen=True)
class PickedAccount:
    """An account that the query is about; ``client`` and ``client_slug`` are '' where the client is not granted."""

    account_id: int
    client_id: int
    account: str
    currency: str | None
    client_slug: str
    client: str
    is_sample: bool


@dataclass(frozen=True)
class Picked:
    """The accounts, the ids that are left of each level that a text filter looks at, the groups that stay of a top.

    ``split_values`` has the values of a breakdown that meet a filter which is no list. ``lacking`` says for which
    accounts there are no rows of the breakdown, ``window_chosen`` for how many the attribution window is chosen now,
    ``reached`` what is known of the periods that people were counted for.
    """

    accounts: tuple[PickedAccount, ...]
    objects: tuple[tuple[str, frozenset[int]], ...] = ()
    kept: tuple[int, ...] | tuple[str, ...] | None = None
    split_values: Mapping[Filter, frozenset[str]] = field(default_factory=dict)
    lacking: str = ""
    window_chosen: int = 0
    reached: Reached = field(default_factory=Reached)

    @property
    def account_ids(self) -> frozenset[int]:
        """The ids of the accounts."""
        return frozenset(account.account_id for account in self.accounts)

    @property
    def currencies(self) -> frozenset[str | None]:
        """The currencies of the accounts."""
        return frozenset(account.currency for account in self.accounts)

    @property
    def is_sample(self) -> bool:
        """Whether any account belongs to a sample client."""
        return any(account.is_sample for account in self.accounts)


@dataclass(frozen=True)
class Known:
    """What one look at the data has read for its queries, so that it reads nothing twice."""

    accounts: dict[frozenset[int], list[PickedAccount]] = field(default_factory=dict)
    objects: dict[Hashable, frozenset[int]] = field(default_factory=dict)
    lacking: dict[Hashable, str] = field(default_factory=dict)
    windows: dict[Hashable, int] = field(default_factory=dict)


async def pick(source: Source, query: InsightQuery, viewer: Viewer, known: Known) -> Picked:
    """The viewer's accounts that the query is about and, where it filters by texts of objects, which objects."""
    mine = viewer.account_ids if query.account_ids is None else viewer.account_ids & query.account_ids
    if mine not in known.accounts:
        rows = (await source.table(accounts_statement(mine, viewer.client_ids))).to_pylist()
        known.accounts[mine] = [PickedAccount(**row) for row in rows]
    meets = _meets_account(query)
    accounts = tuple(account for account in known.accounts[mine] if meets(account))
    by_level: dict[str, list[Filter]] = {}
    for each in query.filters:
        if each.name in LEVELS:
            by_level.setdefault(LEVELS[each.name], []).append(each)
    picked = Picked(accounts)
    if not accounts:
        return picked
    for level, filters in by_level.items():
        asked = (picked.account_ids, query.breakdown, query.since, query.until, level, tuple(filters))
        if asked not in known.objects:
            known.objects[asked] = await _objects(source, query, picked, level, filters)
        picked = replace(picked, objects=(*picked.objects, (level, known.objects[asked])))
    picked = replace(picked, reached=await reached(source, query, picked.account_ids))
    if query.attribution is not None:
        return await _windowed(source, query.attribution, viewer, picked, known)
    return picked if query.breakdown is None else await _split(source, query, viewer, picked, known)


async def _windowed(source: Source, window: str, viewer: Viewer, picked: Picked, known: Known) -> Picked:
    """``picked`` with what only a query of an attribution window asks."""
    asked = (picked.account_ids, window)
    if asked not in known.windows:
        known.windows[asked] = await window_chosen(source, window, picked.account_ids, viewer.client_ids)
    return replace(picked, window_chosen=known.windows[asked])


async def _split(source: Source, query: InsightQuery, viewer: Viewer, picked: Picked, known: Known) -> Picked:
    """``picked`` with what only a query of a breakdown set asks."""
    asked = (picked.account_ids, query.breakdown)
    if query.breakdown is not None and asked not in known.lacking:
        known.lacking[asked] = await lacking(source, query.breakdown, picked.account_ids, viewer.client_ids)
    searched = [each for each in query.filters if each.name in SPLITS and each.operator not in LIST_OPERATORS]
    values = {each: await _values(source, query, picked, each) for each in searched}
    return replace(picked, split_values=values, lacking=known.lacking[asked])


async def _values(source: Source, query: InsightQuery, picked: Picked, each: Filter) -> frozenset[str]:
    """The values of a breakdown that are there in the period and meet the filter."""
    rows = Rows(query)
    statement = (
        select(rows.split(each.name).label("value"))
        .where(
            is_among(rows.c.account_id, picked.account_ids), rows.c.date.between(query.since, query.until),
            *rows.conditions,
        )
        .distinct()
    )  # fmt: skip
    found = (await source.table(Bounded(statement, picked.account_ids)))["value"].to_pylist()
    meets = meets_all([each])
    return await asyncio.to_thread(lambda: frozenset(meeting(((one, {each.name: one}) for one in found), meets)))


def accounts_statement(accounts: frozenset[int], clients: frozenset[int]) -> Bounded:
    """These accounts with their clients, as far as those are among ``clients``."""
    known = and_(Client.id == Account.client_id, is_among(Client.__table__.c.id, clients))
    statement = (
        select(
            Account.account_id,
            Account.client_id,
            Account.name.label("account"),
            Account.currency,
            func.coalesce(Client.slug, "").label("client_slug"),
            func.coalesce(Client.name, "").label("client"),
            func.coalesce(Client.is_sample, False).label("is_sample"),
        )
        .outerjoin(Client, known)
        .where(is_among(Account.__table__.c.account_id, accounts))
        .order_by(Account.account_id)
    )
    return Bounded(statement, accounts)


def _meets_account(query: InsightQuery) -> Any:
    texts = meets_all(each for each in query.filters if each.name in OF_ACCOUNT and each.name != "account_id")
    ids = [(frozenset(each.ids), each.operator) for each in query.filters if each.name == "account_id"]

    def meets(account: PickedAccount) -> bool:
        named = {
            "client": account.client,
            "client_id": account.client_slug,
            "account": account.account,
            "currency": account.currency or "",
        }
        in_currency = query.currency is None or account.currency == query.currency
        listed = all((account.account_id in some) == (operator == "=") for some, operator in ids)
        return in_currency and listed and texts(named)

    return meets


async def _objects(
    source: Source, query: InsightQuery, picked: Picked, level: str, filters: list[Filter]
) -> frozenset[int]:
    """The ids of the objects that meet the filters, of those too that Meta has not described."""
    texts = meets_all(each for each in filters if each.name != "creative_id")
    creatives = [(frozenset(each.ids), each.operator) for each in filters if each.name == "creative_id"]

    def meets(row: dict[str, Any]) -> bool:
        listed = all((row.get("creative_id") in some) == (operator == "=") for some, operator in creatives)
        return listed and texts(row)

    def found() -> frozenset[int]:
        nothing = {"objective": "", "goal": "", "status": "", "creative": ""}
        rows = [*described.to_pylist(), *({**nothing, level: str(row["id"]), **row} for row in unknown.to_pylist())]
        return frozenset(meeting(((row["id"], row) for row in rows), meets))

    described = await source.table(_described(level, picked.account_ids, with_creatives=_needs_creatives(filters)))
    unknown = await source.table(_undescribed(level, picked.account_ids, query))
    return await asyncio.to_thread(found)  # many names and an ill-natured pattern would keep everyone else waiting


def _needs_creatives(filters: list[Filter]) -> bool:
    return any(each.name.startswith("creative") for each in filters)


def _described(level: str, accounts: frozenset[int], *, with_creatives: bool) -> Bounded:
    """Every object of the level with the texts that filters look at."""
    table = _TABLES[level].__table__
    columns: list[ColumnElement[Any]] = [table.c[f"{level}_id"].label("id"), table.c.name.label(level)]
    statement: Select[Any] = select(*columns)
    if level == "campaign":
        statement = statement.add_columns(func.coalesce(table.c.objective, "").label("objective"))
    elif level == "adset":
        statement = statement.add_columns(func.coalesce(table.c.optimization_goal, "").label("goal"))
    else:
        statement = statement.add_columns(func.coalesce(table.c.effective_status, "").label("status"))
    if with_creatives:
        same = and_(Creative.account_id == Ad.account_id, Creative.creative_id == Ad.creative_id)
        statement = statement.outerjoin_from(table, Creative.__table__, same).add_columns(
            Ad.creative_id.label("creative_id"),
            func.coalesce(Creative.name, cast(Ad.creative_id, String), literal("")).label("creative"),
        )
    return Bounded(statement.where(is_among(table.c.account_id, accounts)), accounts)


def _undescribed(level: str, accounts: frozenset[int], query: InsightQuery) -> Bounded:
    """The ids of the level that only stand in rows of the period."""
    table, rows = _TABLES[level].__table__, Rows(query)
    same = and_(table.c.account_id == rows.c.account_id, table.c[f"{level}_id"] == rows.c[f"{level}_id"])
    statement = (
        select(rows.c[f"{level}_id"].label("id"))
        .outerjoin_from(rows.table, table, same)
        .where(
            is_among(rows.c.account_id, accounts), rows.c.date.between(query.since, query.until), *rows.conditions,
            table.c.account_id.is_(None),
        )
        .distinct()
    )  # fmt: skip
    return Bounded(statement, accounts)
