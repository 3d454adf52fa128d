"""A view met with what the viewer may see: which accounts, which days, which currency, and the queries that follow."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.views import View
from lib.insights import periods
from lib.insights.query import Filter, InsightQuery, Order
from lib.insights.scope import AccountScope, ClientScope
from lib.insights.trust import Trust

Span = tuple[dt.date, dt.date]


@dataclass(frozen=True)
class Selection:
    """What one view means for one viewer. Days are inclusive; ``compared`` is None without a comparison.

    ``chosen`` are the accounts that the filters leave, ``accounts`` those of them in ``currency``; ``currencies``
    counts the chosen accounts of each currency: first the one in which the most accounts have stored days.
    ``is_hidden`` is true where the address names only clients or accounts that this viewer cannot see.
    """

    clients: tuple[ClientScope, ...]
    chosen: tuple[AccountScope, ...]
    accounts: tuple[AccountScope, ...]
    currency: str | None
    currencies: tuple[tuple[str, int], ...]
    today: dt.date
    since: dt.date
    until: dt.date
    compared: Span | None
    unknown: tuple[str, ...]
    is_hidden: bool

    @property
    def account_ids(self) -> frozenset[int]:
        """The accounts that every query is narrowed to."""
        return frozenset(account.account_id for account in self.accounts)

    @property
    def chosen_ids(self) -> frozenset[int]:
        """The accounts that the filters leave, in every currency: what a refresh fetches."""
        return frozenset(account.account_id for account in self.chosen)

    @property
    def asked(self) -> tuple[object, ...]:
        """All of it that an answer depends on, to tell drawings of answers apart."""
        return (sorted(self.account_ids), self.currency, self.since, self.until, self.compared, self.today)

    def is_comparable(self, trust: Trust) -> bool:
        """Whether every day of both periods is there and over: a change against half of one would mislead."""
        if self.compared is None:
            return True
        before = trust.compared.complete_until if trust.compared else None
        return (trust.complete_until, before) == (self.until, self.compared[1])

    @property
    def days(self) -> int:
        """How many days the period has."""
        return (self.until - self.since).days + 1

    @property
    def has_sample(self) -> bool:
        """Whether any chosen account belongs to a sample client."""
        owners = {account.account_id for client in self.clients if client.is_sample for account in client.accounts}
        return bool(owners & self.account_ids)

    def query(
        self,
        metrics: Sequence[str],
        group_by: Sequence[str] = (),
        *,
        order: str = "",
        name: str = "",
        span: Span | None = None,
    ) -> InsightQuery:
        """The query for these metrics over the period (or ``span``), campaigns narrowed to names that hold ``name``."""
        since, until = span or (self.since, self.until)
        return InsightQuery(
            since=since,
            until=until,
            group_by=tuple(group_by),
            metrics=tuple(dict.fromkeys(metrics)),
            filters=(Filter("campaign", "~", (name,)),) if name else (),
            order=(Order(order.removeprefix("-"), order.startswith("-")),) if order else (),
            account_ids=self.account_ids,
            currency=self.currency,
        )


def select(view: View, scope: Sequence[ClientScope]) -> Selection:
    """Meet ``view`` with the clients that the viewer may see; what it names beyond those is in ``unknown``."""
    clients, lost_clients = _clients(view, scope)
    chosen, lost_accounts = _accounts(view, clients)
    currencies = _counted(chosen)
    currency = _currency(view, currencies)
    accounts = tuple(account for account in chosen if currency is None or account.currency == currency)
    today = min((account.today for account in accounts), default=dt.datetime.now(dt.UTC).date())
    since, until = _span(view, today)
    lost_currency = ("currency",) if view.currency and view.currency != currency else ()
    return Selection(
        clients=clients,
        chosen=chosen,
        accounts=accounts,
        currency=currency,
        currencies=currencies,
        today=today,
        since=since,
        until=until,
        compared=periods.comparison(view.compare, since, until),
        unknown=(*lost_clients, *lost_accounts, *lost_currency),
        is_hidden=bool(lost_clients or lost_accounts) and not chosen,
    )


def _clients(view: View, scope: Sequence[ClientScope]) -> tuple[tuple[ClientScope, ...], tuple[str, ...]]:
    if not view.clients:
        return tuple(scope), ()
    known = {client.slug: client for client in scope}
    found = tuple(known[slug] for slug in view.clients if slug in known)
    return found, ("client",) if len(found) < len(view.clients) else ()


def _accounts(view: View, clients: Sequence[ClientScope]) -> tuple[tuple[AccountScope, ...], tuple[str, ...]]:
    every = [account for client in clients for account in client.accounts]
    if not view.accounts:
        return tuple(every), ()
    found = tuple(account for account in every if account.account_id in view.accounts)
    return found, ("account",) if len(found) < len(view.accounts) else ()


def _counted(chosen: Sequence[AccountScope]) -> tuple[tuple[str, int], ...]:
    """Accounts without a stored day come last: a client that was just added empties nobody's page."""
    counts = Counter(account.currency for account in chosen if account.currency)
    filled = Counter(account.currency for account in chosen if account.has_days)
    return tuple(sorted(counts.items(), key=lambda each: (-filled[each[0]], -each[1], each[0])))


def _currency(view: View, currencies: Sequence[tuple[str, int]]) -> str | None:
    codes = [code for code, _ in currencies]
    if view.currency in codes:
        return view.currency
    return codes[0] if codes else None


def _span(view: View, today: dt.date) -> Span:
    if view.since is not None and view.until is not None:
        return view.since, view.until
    return periods.preset(view.period, today)
