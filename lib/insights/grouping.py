"""What a query groups by: first ids that stand in the rows, then what the tables of the objects say of those."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    FromClause,
    Integer,
    String,
    Subquery,
    and_,
    case,
    cast,
    extract,
    func,
    literal,
    literal_column,
    null,
)

from lib.insights.breakdowns import SPLITS
from lib.insights.dialects import is_among
from lib.insights.metrics import leaves
from lib.insights.picking import Picked
from lib.insights.query import TEXTUAL, InsightQuery
from lib.insights.rows import Rows
from lib.store.models import Account, Ad, AdSet, Campaign

Element = ColumnElement[Any]
OTHER = "Other"
OTHER_ID = -1
_BY_ROW = ("campaign", "adset", "ad", *SPLITS)
_OBJECT_OF = {"objective": "campaign", "goal": "adset", "status": "ad", "creative": "ad"}
_TABLES: dict[str, FromClause] = {
    "campaign": Campaign.__table__,
    "adset": AdSet.__table__,
    "ad": Ad.__table__,
}


def same(table: FromClause, level: str, rows: Any) -> ColumnElement[bool]:
    """The object of this level that a row belongs to."""
    return and_(table.c.account_id == rows.account_id, table.c[f"{level}_id"] == rows[f"{level}_id"])


def needs_objects(query: InsightQuery, picked: Picked) -> bool:
    """Whether the groups depend on more than stands in the rows."""
    is_folded = query.top is not None and query.top.dimension not in _BY_ROW
    return (
        is_folded
        or bool({"client", *_OBJECT_OF} & set(query.group_by))
        or (query.by_currency and len(picked.currencies) > 1)
        or uses_results(query)
    )


def uses_results(query: InsightQuery) -> bool:
    """Whether any metric depends on the optimisation goal."""
    return any("results" in leaves(slug) for slug in query.summed_metrics)


def inner(query: InsightQuery, picked: Picked) -> dict[str, Element]:
    """The keys of the first sum by their names."""
    keys: dict[str, Element] = {}
    row = Rows(query).c
    levels = {_OBJECT_OF[name] for name in query.group_by if name in _OBJECT_OF}
    if uses_results(query):
        levels.add("adset")
    by_account = {"account", "client"} & set(query.group_by) or (query.by_currency and len(picked.currencies) > 1)
    if by_account or levels:
        keys["account_id"] = row.account_id
    for name in query.group_by:
        if name in SPLITS:
            own = Rows(query).split(name)
            keys[name] = _folded(query, picked, name, own, value=own, other=literal(OTHER, String))
        elif name in _BY_ROW:
            keys |= _object_keys(query, picked, name)
        elif name not in _OBJECT_OF and name not in ("account", "client"):
            keys[name] = _day(name, row.date)
    keys |= {f"{level}_id": row[f"{level}_id"] for level in sorted(levels) if not _is_folded(query, level)}
    keys |= {f"{level}_of": row[f"{level}_id"] for level in sorted(levels) if _is_folded(query, level)}
    if query.by_currency and not needs_objects(query, picked):
        keys["currency"] = _one_currency(picked)
    return keys


def outer(query: InsightQuery, picked: Picked, rows: Subquery) -> tuple[dict[str, Element], FromClause]:
    """The keys of the groups by their names, and ``rows`` with the tables that those are read from."""
    keys: dict[str, Element] = {}
    source: FromClause = rows
    levels = {_OBJECT_OF[name] for name in query.group_by if name in _OBJECT_OF}
    for level in sorted(levels | ({"adset"} if uses_results(query) else set())):
        source = source.outerjoin(_TABLES[level], _same_of(query, level, rows))
    if "client" in query.group_by or query.by_currency:
        source = source.join(Account.__table__, Account.account_id == rows.c.account_id)
    for name in query.group_by:
        keys |= _group_keys(query, picked, name, rows)
    if query.by_currency:
        keys["currency"] = Account.__table__.c.currency
    return keys, source


def _group_keys(query: InsightQuery, picked: Picked, name: str, rows: Subquery) -> dict[str, Element]:
    if name in _TABLES:
        account = account_key(query, name)
        return {account: rows.c[account], f"{name}_id": rows.c[f"{name}_id"]}
    if name == "account":
        return {_account_label(query): _folded_id(query, picked, name, rows.c.account_id)}
    if name == "client":
        return {"client_id": _folded_id(query, picked, name, Account.__table__.c.client_id)}
    if name == "creative":
        creative = Ad.__table__.c.creative_id
        of_account = case((creative.is_not(None), rows.c.account_id))
        return {
            account_key(query, name): _folded(
                query, picked, name, creative, value=of_account, other=cast(null(), BigInteger)
            ),
            "creative_id": _folded_id(query, picked, name, creative),
        }
    texts = {
        "objective": func.coalesce(Campaign.__table__.c.objective, ""),
        "goal": func.coalesce(AdSet.__table__.c.optimization_goal, ""),
        "status": func.coalesce(Ad.__table__.c.effective_status, ""),
    }
    if name in texts:
        return {name: _folded(query, picked, name, texts[name], value=texts[name], other=literal(OTHER, String))}
    return {name: rows.c[name]}


def account_key(query: InsightQuery, name: str) -> str:
    """The key that holds the account of a dimension's object."""
    return f"{name}_account" if name == "creative" or _is_folded(query, name) else "account_id"


def _account_label(query: InsightQuery) -> str:
    return "account_group" if _is_folded(query, "account") else "account_id"


def account_group(query: InsightQuery) -> str:
    """The key of the dimension account."""
    return _account_label(query)


def _is_folded(query: InsightQuery, name: str) -> bool:
    return query.top is not None and query.top.dimension == name


def _object_keys(query: InsightQuery, picked: Picked, name: str) -> Mapping[str, Element]:
    row = Rows(query).c
    own_id = row[f"{name}_id"]
    if not _is_folded(query, name):
        return {"account_id": row.account_id, f"{name}_id": own_id}
    return {
        f"{name}_account": _folded(query, picked, name, own_id, value=row.account_id, other=cast(null(), BigInteger)),
        f"{name}_id": _folded_id(query, picked, name, own_id),
    }


def _folded_id(query: InsightQuery, picked: Picked, name: str, own_id: Element) -> Element:
    return _folded(query, picked, name, own_id, value=own_id, other=literal(OTHER_ID, BigInteger))


def _folded(query: InsightQuery, picked: Picked, name: str, key: Element, *, value: Element, other: Element) -> Element:
    """``value`` where ``key`` is one of those that stay, else ``other``; just ``value`` where nothing is folded."""
    if not _is_folded(query, name):
        return value
    nobody = (OTHER,) if name in TEXTUAL else (OTHER_ID,)
    return case((is_among(key, picked.kept or nobody), value), else_=other)


def _same_of(query: InsightQuery, level: str, rows: Subquery) -> ColumnElement[bool]:
    own_id = rows.c[f"{level}_of" if _is_folded(query, level) else f"{level}_id"]
    table = _TABLES[level]
    return and_(table.c.account_id == rows.c.account_id, table.c[f"{level}_id"] == own_id)


def _one_currency(picked: Picked) -> Element:
    (currency,) = picked.currencies
    return cast(null() if currency is None else literal(currency, String), String)


def _day(name: str, date: Element) -> Element:
    """The day, the first day of its week, month or quarter, or the number of its weekday (1 is Monday)."""
    if name == "date":
        return date
    if name == "weekday":
        return cast(extract("isodow", date), Integer)
    return cast(func.date_trunc(literal_column(f"'{name}'"), cast(date, DateTime)), Date)
