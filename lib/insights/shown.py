"""The groups of a query as people see them: names joined to ids, “Other” last, an order without ties."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    String,
    Subquery,
    and_,
    case,
    cast,
    func,
    literal,
    nulls_last,
)

from lib.insights.dialects import by_code_point, is_among
from lib.insights.grouping import OTHER, OTHER_ID, account_group, account_key
from lib.insights.metrics import METRICS
from lib.insights.picking import Picked
from lib.insights.query import DAYS, NAMED, InsightQuery
from lib.store.models import Account, Ad, AdSet, Campaign, Client, Creative

Element = ColumnElement[Any]
WEEKDAY = "weekday"
_TABLES: dict[str, type[Account | Campaign | AdSet | Ad | Creative]] = {
    "account": Account,
    "campaign": Campaign,
    "adset": AdSet,
    "ad": Ad,
    "creative": Creative,
}


def keys(query: InsightQuery, picked: Picked, sums: Subquery) -> tuple[dict[str, Element], FromClause]:
    """The dimensions' columns by key, and ``sums`` with the tables that name them."""
    found: dict[str, Element] = {}
    source: FromClause = sums
    for name in query.group_by:
        if name not in NAMED:
            found[name] = sums.c[name]
        elif name == "client":
            source, named = _client(source, picked, sums)
            found |= named
        else:
            source, named = _object(query, name, source, sums)
            found |= named
    if query.by_currency:
        found["currency"] = sums.c.currency
    return found, source


def _client(source: FromClause, picked: Picked, sums: Subquery) -> tuple[FromClause, dict[str, Element]]:
    """A client that the viewer is not granted stays nameless."""
    own_id = sums.c.client_id
    granted = {account.client_id for account in picked.accounts if account.client_slug}
    table = Client.__table__
    source = source.outerjoin(table, and_(table.c.id == own_id, is_among(table.c.id, sorted(granted))))
    is_other = own_id == OTHER_ID
    slug = case((is_other, ""), else_=func.coalesce(table.c.slug, cast(own_id, String)))
    name = case((is_other, OTHER), else_=func.coalesce(table.c.name, cast(own_id, String)))
    return source, {"client_id": slug, "client_name": name}


def _object(
    query: InsightQuery, name: str, source: FromClause, sums: Subquery
) -> tuple[FromClause, dict[str, Element]]:
    own_id, table = sums.c[own_key(query, name)], _TABLES[name].__table__
    account = own_id if name == "account" else sums.c[account_key(query, name)]
    source = source.outerjoin(table, and_(table.c.account_id == account, table.c[f"{name}_id"] == own_id))
    written = func.coalesce(cast(own_id, String), "")
    return source, {
        f"{name}_id": case((own_id == OTHER_ID, ""), else_=written),
        f"{name}_name": case((own_id == OTHER_ID, OTHER), else_=func.coalesce(table.c.name, written)),
    }


def own_key(query: InsightQuery, name: str) -> str:
    """The key of ``sums`` that tells the groups of a dimension apart."""
    if name == "account":
        return account_group(query)
    return f"{name}_id" if name in NAMED else name


def order(
    query: InsightQuery, picked: Picked, sums: Subquery, found: dict[str, Element], compared: Callable[[str], Element]
) -> list[Element]:
    """What was asked, then the dimensions as given and their ids: no two rows are ever tied."""
    wanted: list[Element] = []
    for each in query.order:
        value = compared(each.key) if each.key in METRICS else _sortable(each.key, found)
        wanted.append(nulls_last(value.desc() if each.descending else value.asc()))
    dimensions: list[Element] = []
    for name in query.group_by:
        dimensions += [*_others_last(query, sums, name), nulls_last(_sortable(name, found).asc())]
    ids = [nulls_last(key.asc()) for key in sums.c if not key.name.startswith("sum_") and key.name != "currency"]
    currency = [nulls_last(by_code_point(sums.c.currency).asc())] if query.by_currency else []
    others = [each for name in query.group_by for each in _others_last(query, sums, name)]
    return [*(others if query.order else ()), *wanted, *dimensions, *ids, *currency]


def _others_last(query: InsightQuery, sums: Subquery, name: str) -> list[Element]:
    if query.top is None or query.top.dimension != name:
        return []
    key = sums.c[own_key(query, name)]
    other = literal(OTHER_ID, BigInteger) if name in NAMED else literal(OTHER, String)
    return [case((key == other, 1), else_=0).asc()]


def _sortable(name: str, found: dict[str, Element]) -> Element:
    """Names by their code points; days and weekdays by themselves."""
    value = found[name] if name in found else found[f"{name}_name"]
    return value if name in (*DAYS, WEEKDAY) else by_code_point(value)
