"""Values for filters: what ids of the address are called, and which values the data has to offer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dashboard import formats
from dashboard.explore import words
from dashboard.explore.view import ExploreView
from dashboard.frames import Reader
from dashboard.selection import Selection
from lib.errors import AppError
from lib.insights.filters import Filter
from lib.insights.query import NAMED, InsightQuery, Order
from lib.insights.scope import ClientScope

MOST_OFFERED = 500
_PLURALS = {"campaign": "campaigns", "adset": "ad sets", "ad": "ads", "creative": "creatives",
            "account": "accounts", "client": "clients"}  # fmt: skip


@dataclass(frozen=True)
class Names:
    """What the ids in a view's conditions are called, by the condition's field; ``hidden`` are those without a name."""

    by_field: Mapping[str, Mapping[str, str]]
    hidden: Mapping[str, int]

    def of(self, each: Filter) -> Mapping[str, str]:
        """The names of a condition's ids."""
        return self.by_field.get(each.name, {})

    @property
    def sentence(self) -> str:
        """Says that the view asks for objects that this person cannot see; empty where it does not."""
        if not self.hidden:
            return ""
        parts = [
            f"{number:,} {_PLURALS[field] if number > 1 else words.dimension(field).lower()}"
            for field, number in self.hidden.items()
        ]
        total = sum(self.hidden.values())
        what = "is" if total == 1 else "are"
        return f"This view names {formats.listed(parts, 5)} that {what} not among those you can see; the rest is shown."


def names_in(view: ExploreView, scope: Sequence[ClientScope], numbers: Reader) -> Names:
    """The names of every id in the view's conditions that this viewer may see."""
    by_field: dict[str, dict[str, str]] = {}
    hidden: dict[str, int] = {}
    for each in view.filters:
        field = each.name.removesuffix("_id")
        if each.name == field:
            continue
        found = _named(each, field, scope, numbers)
        by_field.setdefault(each.name, {}).update(found)
        if len(found) < len(each.values):
            hidden[field] = hidden.get(field, 0) + len(each.values) - len(found)
    return Names(by_field, hidden)


def _named(each: Filter, field: str, scope: Sequence[ClientScope], numbers: Reader) -> dict[str, str]:
    """The names of a condition's ids, by the ids as it writes them (an account's may begin with act_)."""
    if field == "client":
        slugs = {client.slug: client.name for client in scope}
        return {value: slugs[value] for value in each.values if value in slugs}
    if field == "account":
        known = {str(account.account_id): account.name for client in scope for account in client.accounts}
    else:
        known = dict(numbers.names(field, frozenset(each.ids)))
    pairs = zip(each.values, each.ids, strict=True)
    return {value: known[str(number)] for value, number in pairs if str(number) in known}


def offered(field: str, selection: Selection, numbers: Reader) -> Mapping[str, str]:
    """Values of a dimension by id (by word where it has none), the largest spend first: what was delivered.

    Names that several ids share carry the id, so that people can tell them apart.
    """
    query = InsightQuery(
        since=selection.since,
        until=selection.until,
        group_by=(field,),
        metrics=("spend",),
        order=(Order("spend", descending=True),),
        limit=MOST_OFFERED,
        account_ids=selection.account_ids,
        currency=selection.currency,
    )
    try:
        data = numbers.load(query).data
    except AppError:
        return {}
    ids, names = data[words.id_column_of(field)].tolist(), data[words.column_of(field)].tolist()
    often = Counter(names)
    return {
        each: words.value(field, name) + (f" ({each})" if often[name] > 1 else "")
        for each, name in zip(ids, names, strict=True)
        if each or field not in NAMED
    }
