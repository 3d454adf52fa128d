"""An InsightQuery as one statement for Postgres.

Ad-days of the accounts are picked and summed by the ids of the dimensions (``sums``); names are joined to the few
groups that remain, and metrics are computed from the sums. So no name is compared once for each row, and no ratio is
ever averaged. Money is numeric in major units from the first sum on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    FromClause,
    Numeric,
    Select,
    String,
    Subquery,
    and_,
    cast,
    func,
    literal,
    null,
    nulls_last,
    select,
)

from lib.insights import goals
from lib.insights.conditions import Condition, all_of, id_condition, is_among, number_condition, text_condition
from lib.insights.filters import IDS, Filter
from lib.insights.metrics import METRICS, leaves
from lib.insights.query import InsightQuery
from lib.store.models import MONEY, UNIQUES, Account, Ad, AdSet, Campaign, Client, Insight

Element = ColumnElement[Any]
IS_SAMPLE = "is_sample"
RESULTS = "results"

_ROW = Insight.__table__.c
_MICRO = Decimal("0.000001")
COMPARED_DIGITS = 9
_PRECISION = Decimal("1.000000000000")
_ENTITIES: dict[str, type[Account | Campaign | AdSet | Ad]] = {
    "account": Account,
    "campaign": Campaign,
    "adset": AdSet,
    "ad": Ad,
}
_OF_ENTITY = {"objective": "campaign", "status": "ad"}
_OF_ACCOUNT = ("client", "client_id", "account", "account_id", "currency")


def accounts_in_scope(query: InsightQuery, viewer_accounts: frozenset[int]) -> Select[tuple[int, bool]]:
    """The ids of the viewer's accounts that the query is about, each with whether its client is a sample."""
    asked = viewer_accounts if query.account_ids is None else viewer_accounts & query.account_ids
    texts = {
        "client": func.coalesce(Client.name, ""),
        "client_id": func.coalesce(Client.slug, ""),
        "account": Account.name,
        "currency": func.coalesce(Account.currency, ""),
    }
    chosen = [
        id_condition(each, Account.account_id) if each.name == "account_id" else text_condition(each, texts[each.name])
        for each in query.filters
        if each.name in _OF_ACCOUNT
    ]
    if query.currency is not None:
        chosen.append(Account.currency == query.currency)
    return (
        select(Account.account_id, func.coalesce(Client.is_sample, False))
        .outerjoin(Client, Client.id == Account.client_id)
        .where(is_among(Account.account_id, asked), *chosen)
        .order_by(Account.account_id)
    )


def compile_query(query: InsightQuery, accounts: Iterable[int], samples: Iterable[int]) -> Select[Any]:
    """The statement: the columns of ``answer.columns_of``, the group's results where a metric needs them, is_sample."""
    sums = _sums(query, list(accounts), list(samples))
    metric = _over_sums(query, sums)
    keys, source = _keys(query, sums)
    shown = [column.label(name) for name, column in keys.items()]
    shown += [metric(slug).label(slug) for slug in query.metrics]
    if uses_results(query.metrics):
        shown.append(metric(RESULTS).label("group_results"))
    statement = select(*shown, sums.c[IS_SAMPLE]).select_from(source)
    statement = statement.where(
        *(number_condition(each, comparable(each.name, metric(each.name))) for each in query.having)
    )
    return statement.order_by(*_order(query, sums, keys, metric)).limit(_limit(query))


def _limit(query: InsightQuery) -> Element | None:
    return None if query.limit is None else literal(query.limit, BigInteger)


def uses_results(slugs: Iterable[str]) -> bool:
    """Whether any of the metrics depends on the optimisation goal."""
    return any(RESULTS in leaves(slug) for slug in slugs)


def _sums(query: InsightQuery, accounts: list[int], samples: list[int]) -> Subquery:
    """One row a group: its ids, its sums by slug, and whether a sample account is in it."""
    groups = _group_ids(query)
    needed = dict.fromkeys(leaf for slug in query.summed_metrics for leaf in sorted(leaves(slug)))
    columns = [column.label(name) for name, column in groups.items()]
    columns += [_summed(leaf, query.is_one_ad_one_day).label(f"sum_{leaf}") for leaf in needed]
    columns.append(func.coalesce(func.bool_or(is_among(_ROW.account_id, samples)), False).label(IS_SAMPLE))
    source, conditions = _rows(query)
    return (
        select(*columns)
        .select_from(source)
        .where(is_among(_ROW.account_id, accounts), _ROW.date.between(query.since, query.until), *conditions)
        .group_by(*groups.values())
        .having(func.count() > 0)
        .subquery("sums")
    )


def _group_ids(query: InsightQuery) -> dict[str, Element]:
    ids: dict[str, Element] = {}
    for dimension in query.group_by:
        if dimension == "date":
            ids["date"] = _ROW.date
        elif dimension == "client":
            ids["client"] = Account.__table__.c.client_id
        else:
            # The key of every entity starts with the account.
            ids["account"] = _ROW.account_id
            ids[dimension] = _ROW[f"{dimension}_id"]
    if query.by_currency:
        ids["currency"] = Account.__table__.c.currency
    return ids


def _summed(leaf: str, is_one_ad_one_day: bool) -> Element:
    if leaf == RESULTS:
        return goals.summed_result()
    column = METRICS[leaf].parsed.column
    if column in UNIQUES:
        return func.max(_ROW[column]) if is_one_ad_one_day else cast(null(), Numeric)
    return func.sum(_ROW[column]) * literal(_MICRO, Numeric) if column in MONEY else func.sum(_ROW[column])


def _rows(query: InsightQuery) -> tuple[FromClause, list[Condition]]:
    """The ad-days with the tables that groups and filters need, and the conditions on one ad-day."""
    source: FromClause = Insight.__table__
    conditions: list[Condition] = []
    by_entity: dict[str, list[Filter]] = {}
    for each in query.filters:
        if each.is_metric:
            conditions.append(number_condition(each, comparable(each.name, formula(each.name, _of_row))))
        elif each.name in IDS:
            conditions.append(id_condition(each, _ROW[each.name]))
        elif each.name not in _OF_ACCOUNT:
            by_entity.setdefault(_OF_ENTITY.get(each.name, each.name), []).append(each)
    for entity, filters in by_entity.items():
        matching = _matching(entity, filters)
        source = source.outerjoin(matching, _same(matching, entity))
        conditions.append(func.coalesce(matching.c.matches, _unknown_matches(entity, filters)))
    if "client" in query.group_by or query.by_currency:
        source = source.join(Account.__table__, Account.__table__.c.account_id == _ROW.account_id)
    if uses_results((*query.summed_metrics, *(each.name for each in query.filters if each.is_metric))):
        source = source.outerjoin(AdSet.__table__, _same(AdSet.__table__, "adset"))
    return source, conditions


def _same(table: FromClause, entity: str) -> Condition:
    return and_(table.c.account_id == _ROW.account_id, table.c[f"{entity}_id"] == _ROW[f"{entity}_id"])


def _matching(entity: str, filters: list[Filter]) -> CTE:
    """Each campaign, ad set or ad with whether it meets the filters: worked out once each, not once a day."""
    table = _ENTITIES[entity].__table__
    texts = {
        entity: table.c.name,
        "status": func.coalesce(table.c.effective_status, ""),
        "objective": func.coalesce(table.c.objective, "") if entity == "campaign" else literal(""),
    }
    matches = all_of(text_condition(each, texts[each.name]) for each in filters).label("matches")
    cte = select(table.c.account_id, table.c[f"{entity}_id"], matches).cte(f"matching_{entity}")
    return cte.prefix_with("MATERIALIZED")


def _unknown_matches(entity: str, filters: list[Filter]) -> Condition:
    """Whether an object that Meta has not described meets the filters: its name is its id, the rest is empty."""
    name = cast(_ROW[f"{entity}_id"], String)
    return all_of(text_condition(each, name if each.name == entity else literal("")) for each in filters)


def _of_row(leaf: str) -> Element:
    if leaf == RESULTS:
        return cast(goals.result(), Numeric)
    column = METRICS[leaf].parsed.column
    value: Element = cast(_ROW[column], Numeric)
    return value * literal(_MICRO, Numeric) if column in MONEY else value


def formula(slug: str, leaf: Callable[[str], Element]) -> Element:
    """The metric as numeric, made of its leaves; NULL where the divisor is zero or unknown."""
    parsed = METRICS[slug].parsed
    if parsed.kind in ("stored", "results"):
        return leaf(slug)
    # PostgreSQL gives a quotient at least as many decimals as its operands have.
    top = formula(parsed.top, leaf) * literal(parsed.factor * _PRECISION, Numeric)
    return top / func.nullif(formula(parsed.bottom, leaf), 0)


def comparable(slug: str, value: Element) -> Element:
    """``value`` for conditions and orders: ratios at nine decimals, where equal ones of any size are equal."""
    return func.round(value, COMPARED_DIGITS) if METRICS[slug].parts else value


def _over_sums(query: InsightQuery, sums: Subquery) -> Callable[[str], Element]:
    def metric(slug: str) -> Element:
        parsed = METRICS[slug].parsed
        if parsed.kind != "share":
            return formula(slug, lambda leaf: sums.c[f"sum_{leaf}"])
        value: Element = sums.c[f"sum_{parsed.top}"]
        total = func.sum(value).over(partition_by=sums.c.currency)
        return value * literal(_PRECISION, Numeric) / func.nullif(total, 0)

    return metric


def _keys(query: InsightQuery, sums: Subquery) -> tuple[dict[str, Element], FromClause]:
    """The dimensions' columns by key, and ``sums`` with the tables that name them."""
    keys: dict[str, Element] = {}
    source: FromClause = sums
    for dimension in query.group_by:
        if dimension == "date":
            keys["date"] = sums.c.date
            continue
        of_id = sums.c[dimension]
        if dimension == "client":
            table: FromClause = Client.__table__
            source = source.outerjoin(table, table.c.id == of_id)
            keys["client_id"] = func.coalesce(table.c.slug, cast(of_id, String))
        else:
            table = _ENTITIES[dimension].__table__
            same = table.c.account_id == sums.c.account
            source = source.outerjoin(table, and_(same, table.c[f"{dimension}_id"] == of_id))
            keys[f"{dimension}_id"] = cast(of_id, String)
        keys[f"{dimension}_name"] = func.coalesce(table.c.name, cast(of_id, String))
    if query.by_currency:
        keys["currency"] = sums.c.currency
    return keys, source


def _order(
    query: InsightQuery, sums: Subquery, keys: dict[str, Element], metric: Callable[[str], Element]
) -> list[Element]:
    """What was asked, then the dimensions as given and their ids: no two rows are ever tied."""
    wanted: list[Element] = []
    for each in query.order:
        is_metric = each.key in METRICS
        value = comparable(each.key, metric(each.key)) if is_metric else _sortable(each.key, keys)
        wanted.append(nulls_last(value.desc() if each.descending else value.asc()))
    dimensions = [nulls_last(_sortable(name, keys).asc()) for name in query.group_by]
    ids = [nulls_last(sums.c[name].asc()) for name in _group_ids(query)]
    return [*wanted, *dimensions, *ids]


def _sortable(name: str, keys: dict[str, Element]) -> Element:
    """Names by their code points, whatever the database's own order of letters is."""
    value = keys[name] if name in keys else keys[f"{name}_name"]
    return value if name == "date" else cast(value, String).collate("C")
